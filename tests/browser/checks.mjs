// What must hold of a report in a browser. Each check has the page, the JSON report of the same scan, and what takes a complaint.

const notebooks = (report) => report.policies.flatMap((policy) => policy.notebooks);
const targets = (report) => report.policies.flatMap((policy) => policy.targets);
const isUnread = (target) => !["Scanned", "RegionDisabled"].includes(target.state);

function same(complain, what, found, expected) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) complain(`${what}: ${a} instead of ${b}`);
}

const rows = (page) =>
  page.$$eval("#all tbody tr", (rows) => rows.map((row) => ({
    verdict: row.dataset.verdict,
    name: row.querySelector("th .id").textContent,
    text: row.textContent,
    shown: row.checkVisibility(),
  })));

/** Totals are those of the JSON report, and every text of somebody else is shown as it is. */
export async function contents(page, report, complain) {
  const { summary } = report;
  const totals = await page.$$eval("[data-total]", (cells) => Object.fromEntries(cells.map((cell) => [cell.dataset.total, Number(cell.textContent)])));
  const read = summary.targets - summary.unreadableTargets - summary.disabledTargets;
  for (const [field, value] of Object.entries({ ...summary, read })) same(complain, field, totals[field], value);
  same(complain, "complete", await page.getAttribute("[data-complete]", "data-complete"), String(report.complete));

  const found = await rows(page);
  const expected = notebooks(report);
  same(complain, "rows", found.length, expected.length);
  for (const [verdict, field] of [["NonCompliant", "nonCompliant"], ["Unknown", "unknown"], ["Exempt", "exempt"], ["Compliant", "compliant"]]) {
    same(complain, verdict, found.filter((row) => row.verdict === verdict).length, summary[field]);
  }
  for (const notebook of expected) {
    const row = found.find((row) => row.name === notebook.name);
    if (!row) complain(`${notebook.name} is not shown by that name`);
    for (const field of ["verdict", "account", "region", "status", "rootAccess", "reason", "message", "lifecycleConfig"]) {
      if (notebook[field] && !row?.text.includes(notebook[field])) complain(`${notebook.name}: its ${field} is not shown as it is: ${notebook[field]}`);
    }
  }
  const text = await page.evaluate("document.body.textContent");
  for (const target of targets(report).filter(isUnread)) {
    for (const words of [target.message, target.advice]) if (!text.includes(words)) complain(`not shown as it is: ${words}`);
  }
  for (const step of notebooks(report).flatMap((notebook) => notebook.remedy?.steps ?? [])) {
    if (step.command && !text.includes(step.command)) complain(`not shown as it is: ${step.command}`);
  }
  const order = await page.$$eval("h2", (headings) => headings.map((heading) => heading.id));
  if (targets(report).some(isUnread) && order.indexOf("unread") > order.indexOf("notebooks")) complain("what could not be read does not come first");
  const bare = await page.$$eval("table", (tables) => tables.filter((table) => !table.caption || table.querySelector("thead th:not([scope=col])")).length);
  same(complain, "tables without caption or scope", bare, 0);
}

/** Every column can be sorted by keyboard, both ways, and says so. */
export async function sorting(page, report, complain) {
  const rank = { Unknown: 0, NonCompliant: 1, Exempt: 2, Compliant: 3 };
  const collator = new Intl.Collator("en", { numeric: true });
  const by = (field) => (a, b) => collator.compare(a[field], b[field]);
  const orders = [["Verdict", (a, b) => rank[a.verdict] - rank[b.verdict]], ["Notebook", by("name")], ["Account", by("account")], ["Region", by("region")], ["Status", by("status")]];
  let expected = notebooks(report).sort(orders[0][1]);
  const names = async () => (await rows(page)).map((row) => row.name);
  same(complain, "first", await names(), expected.map((notebook) => notebook.name));
  for (const [heading, compare] of orders) {
    const button = page.locator("#all thead").getByRole("button", { name: heading, exact: true });
    for (const direction of ["ascending", "descending"]) {
      await button.focus();
      await page.keyboard.press("Enter");
      // Both are stable: what is equal stays in its order.
      expected = [...expected].sort(direction === "ascending" ? compare : (a, b) => compare(b, a));
      same(complain, `${heading}, ${direction}`, await names(), expected.map((notebook) => notebook.name));
      const sorted = await page.$$eval("#all thead th[aria-sort]", (cells) => cells.map((cell) => [cell.textContent, cell.getAttribute("aria-sort")]));
      same(complain, "aria-sort", sorted, [[heading, direction]]);
    }
  }
}

/** Only what contains the text stays, and it is said how many that are. */
export async function filter(page, report, complain) {
  const [wanted] = notebooks(report).filter((notebook) => notebook.verdict === "NonCompliant");
  await page.getByLabel("Show only rows with").fill(wanted.name.toUpperCase());
  const shown = (await rows(page)).filter((row) => row.shown);
  same(complain, "shown", shown.map((row) => row.name), [wanted.name]);
  same(complain, "said", await page.textContent("#shown"), `1 of ${notebooks(report).length}`);
  await page.getByLabel("Show only rows with").fill("");
  same(complain, "all again", (await rows(page)).filter((row) => row.shown).length, notebooks(report).length);
}

/** Each violation leads to its commands, which are then open. */
export async function links(page, report, complain) {
  for (const notebook of notebooks(report).filter((notebook) => notebook.remedy)) {
    const row = page.locator("#all tbody tr").filter({ has: page.getByText(notebook.name, { exact: true }) });
    await row.getByRole("link").focus();
    await page.keyboard.press("Enter");
    const target = page.locator(`[id="${(await page.evaluate("location.hash")).slice(1)}"]`);
    await target.waitFor({ state: "visible" });
    if (!(await target.textContent()).includes(notebook.arn)) complain(`${notebook.name}: its link leads to another one`);
  }
}

/** The page is never wider than the window; tables scroll by themselves. */
export async function fits(page, _report, complain) {
  const { inner, outer } = await page.evaluate("({ inner: document.documentElement.scrollWidth, outer: document.documentElement.clientWidth })");
  if (inner > outer) complain(`the page is ${inner} wide in a window of ${outer}`);
}

/** Text is told from what is behind it as WCAG 2 asks for: 4.5 to 1. */
export async function contrast(page, _report, complain) {
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
  const faint = await page.evaluate(() => {
    const numbers = (color) => color.match(/[\d.]+/g).map(Number);
    const light = (color) => {
      const [r, g, b] = numbers(color).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const color = getComputedStyle(at).backgroundColor;
        if ((numbers(color)[3] ?? 1) === 1) return color;
      }
      return "rgb(255, 255, 255)";
    };
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let looked = 0;
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const element = node.parentElement;
      if (!node.data.trim() || !element.checkVisibility()) continue;
      looked += 1;
      const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
      const ratio = (a + 0.05) / (b + 0.05);
      if (ratio < 4.5) found.push(`${ratio.toFixed(2)}: ${node.data.trim().slice(0, 40)}`);
    }
    return looked < 50 ? [`only ${looked} texts`] : found;
  });
  for (const text of faint) complain(`contrast ${text}`);
}

/** Everything is there without the script, and nothing that would need it. */
export async function withoutScript(page, report, complain) {
  same(complain, "rows", await page.locator("#all tbody tr").count(), notebooks(report).length);
  same(complain, "buttons", await page.locator("thead button").count(), 0);
  same(complain, "filter shown", await page.locator("#filter").isVisible(), false);
  await page.locator("summary").first().click();
  same(complain, "opens", await page.locator("details > div").first().isVisible(), true);
}

/** On paper everything is open, also without the script, and what only works on a screen is gone. */
export async function paper(page, report, complain) {
  await page.emulateMedia({ media: "print" });
  const commands = notebooks(report).flatMap((notebook) => notebook.remedy?.steps ?? []).filter((step) => step.command).length;
  const boxes = await Promise.all((await page.locator("pre").all()).map((command) => command.boundingBox()));
  same(complain, "commands on paper", boxes.filter((box) => box && box.height > 0).length, commands);
  same(complain, "filter on paper", await page.locator("#filter").isVisible(), false);
  const pdf = await page.pdf({ format: "A4" });
  if (pdf.subarray(0, 5).toString() !== "%PDF-") complain("it cannot be printed");
}

/** The script opens everything before it is printed, for browsers whose style cannot, and closes it again. */
export async function printing(page, _report, complain) {
  const closed = () => page.locator("details:not([open])").count();
  const before = await closed();
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  same(complain, "closed while printing", await closed(), 0);
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  same(complain, "closed afterwards", await closed(), before);
}

/** Even markup that gets into the page by a fault of ours runs nothing and loads nothing. */
export async function guarded(page, _report, complain) {
  const refused = [];
  page.removeAllListeners("console");
  // The browser tells of a request before it refuses it.
  page.removeAllListeners("request");
  page.on("requestfinished", (request) => complain(`request to ${request.url()}`));
  page.on("requestfailed", (request) => { if (request.failure().errorText !== "csp") complain(`request to ${request.url()}: ${request.failure().errorText}`); });
  page.on("console", (message) => refused.push(message.text()));
  await page.evaluate(() => {
    const broken = document.createElement("div");
    broken.innerHTML = `<img src="https://example.org/x.png" onerror="window.acted = 9"><p style="color: red" onclick="window.acted = 9">x</p>`;
    const script = document.createElement("script");
    script.textContent = "window.acted = 9";
    document.body.append(broken, script);
    broken.querySelector("p").click();
  });
  for (const directive of ["img-src", "script-src", "style-src"]) {
    await expectSoon(() => refused.some((text) => text.includes(directive) || (directive === "img-src" && text.includes("default-src"))), () => complain(`${directive} refuses nothing: ${refused}`));
  }
}

async function expectSoon(holds, otherwise) {
  const until = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > until) return otherwise();
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}
