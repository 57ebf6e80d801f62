// Opens an HTML report in a real browser and compares what it shows with the JSON report of the same scan.
//
// Arguments: the folder with the modules and the browser, the HTML report, the JSON report, a folder for what the browser writes.
// Ends with 1 and names every complaint if there is one.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as checks from "./checks.mjs";

const [modules, htmlFile, jsonFile, scratch] = process.argv.slice(2);
const { chromium } = createRequire(join(modules, "package.json"))("playwright-core");
const report = JSON.parse(readFileSync(jsonFile, "utf8"));
const url = pathToFileURL(htmlFile).href;

// Only the fonts that came with the browser: a page looks the same on every machine.
const fonts = join(scratch, "fonts.conf");
writeFileSync(
  fonts,
  `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${modules}/browser/fonts/fonts</dir><cachedir>${scratch}/fonts</cachedir></fontconfig>`,
);
const libraries = [join(modules, "browser/al2023/lib"), process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
const browser = await chromium.launch({
  executablePath: join(modules, "browser/chromium"),
  // The sandbox needs what containers and some distributions forbid; only our own page is opened.
  args: ["--no-sandbox"],
  env: { PATH: process.env.PATH, HOME: scratch, TMPDIR: scratch, FONTCONFIG_FILE: fonts, LD_LIBRARY_PATH: libraries },
});

const complaints = [];
async function look(name, options, check) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complain = (text) => complaints.push(`${name}: ${text}`);
  page.on("console", (message) => complain(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complain(`script error: ${error}`));
  page.on("dialog", (dialog) => { complain(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => { if (request.url() !== url) complain(`request to ${request.url()}`); });
  await page.goto(url);
  try {
    await check(page, report, complain);
    if (await page.evaluate("window.acted !== undefined")) complain("a text of somebody else was run as a script");
  } catch (error) {
    complain(error.stack);
  }
  await context.close();
}

await look("contents", {}, checks.contents);
await look("sorting", {}, checks.sorting);
await look("filter", {}, checks.filter);
await look("links", {}, checks.links);
await look("narrow", { viewport: { width: 360, height: 800 } }, checks.fits);
await look("wide", { viewport: { width: 1280, height: 900 } }, checks.fits);
await look("light", { colorScheme: "light" }, checks.contrast);
await look("dark", { colorScheme: "dark" }, checks.contrast);
await look("without script", { javaScriptEnabled: false }, checks.withoutScript);
await look("paper", { javaScriptEnabled: false }, checks.paper);
await look("printing", {}, checks.printing);
await look("guarded", {}, checks.guarded);
await browser.close();

for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exit(1);
