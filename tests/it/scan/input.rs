//! What is scanned: by files, by flags, by nothing at all; and what is said of input that cannot be
//! understood.

use sagemaker_simulator::{Account, Effect, Fault, Fleet, Notebook, Operation, Simulator};
use serde_json::{Value, json};

use super::program::{
    Folder, Scanned, command, finish, manifest, notebook, scan, scan_input, simulate,
};
use crate::support::small::{ACCOUNT, OTHER_REGION, REGION, fleet, rooted, rootless, spec};

/// The account that the simulator's own credentials are of.
const HOME: &str = "999900001111";

fn small() -> Simulator {
    simulate(fleet([rootless("tame"), rooted("rooted")]))
}

/// A scan that never gets as far as AWS.
#[track_caller]
fn refused(arguments: &[&str], words: &[&str]) {
    let scanned = finish(&mut command(arguments)).expect(2);
    assert_eq!(scanned.stdout, "");
    for word in words {
        assert!(scanned.stderr.contains(word), "{word}: {}", scanned.stderr);
    }
}

fn regions(scanned: &Scanned) -> Vec<String> {
    let report = scanned.json();
    let targets = report["policies"][0]["targets"].as_array().unwrap();
    let mut regions: Vec<String> = targets
        .iter()
        .map(|target| format!("{}/{}", target["account"], target["region"]).replace('"', ""))
        .collect();
    regions.sort();
    regions
}

#[test]
fn nothing_means_the_own_account_and_region() {
    let notebooks = [Notebook::new(HOME, REGION, "mine")];
    let simulator = simulate(Fleet::new().notebooks(notebooks));
    let scanned = scan(&simulator, &["-o", "json"]).expect(3);
    assert_eq!(regions(&scanned), [format!("{HOME}/{REGION}")]);
    let report = scanned.json();
    assert_eq!(report["policies"][0]["name"], "command-line");
    assert!(report["policies"][0].get("source").is_none());
    assert!(report["policies"][0]["targets"][0].get("role").is_none());
    assert_eq!(notebook(&report, "mine")["verdict"], "NonCompliant");
}

#[test]
fn flags_name_accounts_with_regions_of_their_own_or_shared() {
    let other = "444455556666";
    let account = Account::new(other).role_with_external_id("audit/reader", "8f1c");
    let first = Account::new(ACCOUNT).role_with_external_id("audit/reader", "8f1c");
    let simulator = simulate(Fleet::new().account(first).account(account));
    let own = format!("{other}=ap-southeast-2");
    let arguments = [
        "--account",
        ACCOUNT,
        "--account",
        &own,
        "--role",
        "audit/reader",
        "--external-id",
        "8f1c",
        "--region",
        REGION,
        "--region",
        OTHER_REGION,
        "-o",
        "json",
    ];
    let scanned = scan(&simulator, &arguments).expect(0);
    assert_eq!(
        regions(&scanned),
        [
            format!("{ACCOUNT}/{OTHER_REGION}"),
            format!("{ACCOUNT}/{REGION}"),
            format!("{other}/ap-southeast-2")
        ]
    );
    assert_eq!(scanned.json()["policies"][0]["warnings"], json!([]));
}

#[test]
fn every_enabled_region_is_a_region() {
    let arguments = [
        "--account",
        ACCOUNT,
        "--role",
        "sudoless",
        "--region",
        "*",
        "-o",
        "json",
    ];
    let scanned = scan(&small(), &arguments).expect(3);
    assert_eq!(
        regions(&scanned),
        [
            format!("{ACCOUNT}/{OTHER_REGION}"),
            format!("{ACCOUNT}/{REGION}")
        ]
    );
}

#[test]
fn files_folders_and_standard_input_hold_policies() {
    let exempting = spec(json!({"exemptions": [{"reason": "old", "names": ["rooted"]}]}));
    let (plain, exempting) = (
        manifest("plain", &spec(json!({}))),
        manifest("exempting", &exempting),
    );
    let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n";
    let several = format!("# a comment\n---\n{config_map}---\n{plain}\n---\n# nothing\n");
    let folder = Folder::new(&[
        ("policies/a.yaml", &several),
        ("policies/deep/er.json", &exempting),
        ("policies/readme.md", "no manifest: ["),
        ("policies/.hidden.yaml", "no manifest: ["),
    ]);
    let simulator = small();
    let scanned = scan(&simulator, &["-f", &folder.name("policies"), "-o", "json"]).expect(3);
    let report = scanned.json();
    let policies: Vec<(&str, &str, u64)> = report["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| {
            let text = |field: &str| policy[field].as_str().unwrap();
            (
                text("name"),
                text("source"),
                policy["summary"]["exempt"].as_u64().unwrap(),
            )
        })
        .collect();
    let [first, second] = [("a.yaml", 7), ("deep/er.json", 1)]
        .map(|(file, line)| format!("{}:{line}", folder.name(&format!("policies/{file}"))));
    assert_eq!(
        policies,
        [
            ("plain", first.as_str(), 0),
            ("exempting", second.as_str(), 1)
        ]
    );
    assert_eq!(report["summary"]["notebooks"], 2, "each counts once");
    assert_eq!(report["summary"]["nonCompliant"], 1);
    assert_eq!(scanned.stderr, "1 object of another kind skipped\n");
    // Both policies name the same region: it is read once.
    let describes = simulator.counters().of(Operation::DescribeNotebookInstance);
    assert_eq!(describes, 2);

    // As kubectl prints several.
    let list = format!(
        r#"{{"apiVersion": "v1", "kind": "List", "metadata": {{}}, "items": [{plain}, {exempting}]}}"#
    );
    let arguments = ["-f", "-", "-o", "json"];
    let report = scan_input(&simulator, &list, &arguments).expect(3).json();
    assert_eq!(report["policies"].as_array().unwrap().len(), 2);

    let report = scan_input(&simulator, &exempting, &arguments)
        .expect(0)
        .json();
    assert_eq!(report["policies"][0]["source"], "standard input:1");
}

/// A policy with tag selectors and a policy without them share a read.
#[test]
fn policies_over_the_same_region_read_it_once() {
    let tagged = spec(json!({"selector": {"tags": {"team": "a"}}}));
    let text = [
        manifest("plain", &spec(json!({}))),
        manifest("tagged", &tagged),
    ]
    .join("\n---\n");
    let simulator = simulate(fleet([rooted("a").tag("team", "a"), rooted("b")]));
    let report = scan_input(&simulator, &text, &["-f", "-", "-o", "json"])
        .expect(3)
        .json();
    let notebooks = |index: usize| report["policies"][index]["summary"]["notebooks"].clone();
    assert_eq!([notebooks(0), notebooks(1)], [json!(2), json!(1)]);
    let counters = simulator.counters();
    assert_eq!(counters.of(Operation::DescribeNotebookInstance), 2);
    assert_eq!(counters.of(Operation::ListTags), 2);
}

/// What another of the policies exempts is not what Enforce would restart.
#[test]
fn what_enforce_would_do_heeds_the_exemptions_of_all() {
    let exempting = spec(json!({"exemptions": [{"reason": "old", "names": ["rooted"]}]}));
    let suspended = spec(json!({"suspend": true, "mode": "Enforce"}));
    let text = [
        manifest("suspended", &suspended),
        manifest("exempting", &exempting),
    ]
    .join("\n---\n");
    let report = scan_input(&small(), &text, &["-f", "-", "-o", "json"])
        .expect(3)
        .json();
    let found = notebook(&report, "rooted");
    assert_eq!(
        (&found["next"], &found["reason"]),
        (&json!("Wait"), &json!("PolicyConflict"))
    );
    let warnings = report["policies"][0]["warnings"].to_string();
    assert!(warnings.contains("spec.suspend is true"), "{warnings}");
}

/// A policy whose spec is these lines, from line 5 on.
fn policy(spec: &str) -> String {
    format!(
        "apiVersion: sudoless.dev/v1alpha1\nkind: NotebookRootAccessPolicy\nmetadata: {{name: p}}\nspec:\n{spec}"
    )
}

/// The reader, the schema, a rule and the operator: what `sudoless validate` says, in its words.
#[test]
fn what_would_be_refused_is_not_scanned_by() {
    let files = [
        (
            "unquoted.yaml",
            policy("  regions: [eu-west-1]\n  accounts:\n  - id: 111122223333\n"),
            "unquoted.yaml:7:9: error: spec.accounts[0].id: must be a string, not a number: put it in quotes: \"111122223333\"\n",
        ),
        (
            "regions.yaml",
            policy("  accounts: [{id: \"111122223333\"}]\n"),
            "regions.yaml:4:1: error: spec.regions: say which regions to scan",
        ),
        (
            "glob.yaml",
            manifest("p", &spec(json!({"selector": {"names": ["[z-a]"]}}))),
            "error: spec.selector.names[0]: \"[z-a]\" is not a glob",
        ),
        (
            "doubled.yaml",
            policy(
                "  regions: [eu-west-1]\n  regions: [us-east-1]\n  accounts: [{id: \"111122223333\"}]\n",
            ),
            "doubled.yaml:6:3: error: spec.regions: is written twice",
        ),
        (
            "version.yaml",
            policy("  accounts: []\n").replace("v1alpha1", "v9"),
            "version.yaml:1:13: error: apiVersion: a NotebookRootAccessPolicy has apiVersion: sudoless.dev/v1alpha1\n",
        ),
        (
            "no-yaml.yaml",
            policy("  accounts: [\n"),
            "error: this is not YAML: ",
        ),
    ];
    for (name, text, words) in &files {
        let folder = Folder::new(&[
            (name, text),
            ("sound.yaml", &manifest("s", &spec(json!({})))),
        ]);
        let words = [*words, "error: nothing was scanned because of 1 error\n"];
        refused(
            &["-f", &folder.name(name), &folder.name("sound.yaml")],
            &words,
        );
    }
    let folder = Folder::new(&[]);
    std::fs::write(folder.path("latin.yaml"), b"a: \xe9\n").unwrap();
    refused(
        &["-f", &folder.name("latin.yaml")],
        &["latin.yaml:1:1: error: this is not UTF-8 text"],
    );
}

/// What `sudoless validate` only warns about, or takes for sound: in a report it would be
/// ambiguous.
#[test]
fn policies_have_names_of_their_own() {
    let sound = manifest("p", &spec(json!({})));
    let twice = [sound.as_str(), sound.as_str()].join("\n---\n");
    let unnamed = sound.replace(r#""name":"p""#, r#""generateName":"p-""#);
    assert_ne!(unnamed, sound);
    let files = [
        ("twice.yaml", twice.as_str()),
        ("first.yaml", sound.as_str()),
        ("second.yaml", sound.as_str()),
        ("unnamed.yaml", unnamed.as_str()),
    ];
    let folder = Folder::new(&files);
    let [first, second, twice, unnamed] =
        ["first", "second", "twice", "unnamed"].map(|name| folder.name(&format!("{name}.yaml")));
    let column = sound.find("\"p\"").unwrap() + 1;
    let same = |file: &str, line: u8, other: &str| {
        format!(
            "{file}:{line}:{column}: error: metadata.name: is also the name of the policy in {other}:1: names must be \
             unique\nerror: nothing was scanned because of 1 error\n"
        )
    };
    refused(&["-f", &first, &second], &[&same(&second, 1, &first)]);
    refused(&["-f", &twice], &[&same(&twice, 3, &twice)]);
    refused(
        &["-f", &unnamed],
        &["error: metadata.name: is missing: the report identifies policies by name"],
    );
}

#[test]
fn without_a_policy_there_is_nothing_to_scan_by() {
    for text in [
        "# nothing\n",
        "just words\n",
        "\nmetadata: {name: x}\n",
        "a: [\n",
    ] {
        let folder = Folder::new(&[("a.yaml", text)]);
        refused(
            &["-f", &folder.name("a.yaml")],
            &[
                "a.yaml:",
                " warning: ",
                "error: no NotebookRootAccessPolicy to scan by\n",
            ],
        );
    }
}

/// Warnings are told beside the report, whatever its format.
#[test]
fn what_is_hardly_meant_is_scanned_by_all_the_same() {
    let text = policy(
        "  regions: [us-east-1]\n  accounts: [{id: \"111122223333\", role: sudoless, regions: [us-east-1]}]\nstatus: {observedGeneration: 1}\n",
    );
    let folder = Folder::new(&[
        ("a.yaml", &text),
        ("foreign.yaml", "a: [\n"),
        ("empty/x", ""),
    ]);
    let file = |name| folder.name(name);
    let files = ["a.yaml", "foreign.yaml", "empty"].map(file);
    let simulator = simulate(fleet([rootless("tame")]));
    let arguments = ["-o", "csv", "-f", &files[0], &files[1], &files[2]];
    let scanned = scan(&simulator, &arguments).expect(0);
    for words in [
        "a.yaml:5:3: warning: spec.regions: is used by no account",
        "foreign.yaml:1:4: warning: this is not YAML: ",
        "empty:1:1: warning: contains no NotebookRootAccessPolicy\n",
    ] {
        assert!(
            scanned.stderr.contains(words),
            "{words}: {}",
            scanned.stderr
        );
    }
    // That it has no effect matters to who applies it.
    assert!(!scanned.stderr.contains("status"), "{}", scanned.stderr);
}

#[test]
fn flags_that_mean_nothing_are_refused_by_name() {
    for (arguments, words) in [
        (
            &["--account", "1", "--region", REGION][..],
            "--account: \"1\" is not an AWS account",
        ),
        (
            &["--account", "111122223333,444455556666"],
            "repeat --account",
        ),
        (
            &["--account", ACCOUNT, "--region", "us-east"],
            "--region: \"us-east\" is not an AWS region",
        ),
        (
            &["--account", "111122223333=mars-1"],
            "--account: \"mars-1\" is not an AWS region",
        ),
        (
            &[
                "--account",
                ACCOUNT,
                "--region",
                "us-east-1",
                "--role",
                "arn:aws:iam::1:role/x",
            ],
            "--role: ",
        ),
        (
            &[
                "--account",
                ACCOUNT,
                "--account",
                ACCOUNT,
                "--region",
                REGION,
            ],
            "--account: account 111122223333 is listed twice",
        ),
        (
            &["--account", ACCOUNT],
            "no region: write --region eu-west-1",
        ),
        (&["--external-id", "8f1c"], "--role"),
        (&["-f", "-", "--account", ACCOUNT], "cannot be used with"),
        (
            &["-o", "xml"],
            "write one of table, json, yaml, csv, sarif, ocsf, html, junit",
        ),
        (
            &["-o", "json", "-o", "csv"],
            "--output: only one format can go to standard output",
        ),
        (
            &["-o", "json=/no/such/folder/report.json"],
            "--output: there is no folder /no/such/folder",
        ),
        (&["-o", "json=/tmp"], "--output: /tmp is a folder"),
        (&["--target-deadline", "5"], "such as 90s"),
    ] {
        refused(arguments, &[words]);
    }
}

#[test]
fn what_is_no_usage_is_an_error() {
    let scanned = finish(&mut command(&["-f", "/no/such/file.yaml"])).expect(1);
    assert!(
        scanned
            .stderr
            .starts_with("/no/such/file.yaml: error: cannot be read: "),
        "{}",
        scanned.stderr
    );

    let mut nobody = command(&["--region", REGION]);
    let scanned = finish(&mut nobody).expect(1);
    for words in [
        "cannot determine the account of the credentials (GetCallerIdentity: no credentials",
        "log in",
    ] {
        assert!(scanned.stderr.contains(words), "{}", scanned.stderr);
    }

    let invalid = Fault::new(Effect::InvalidKeys);
    let scanned = scan(&simulate(fleet([]).fault(invalid)), &[]).expect(1);
    assert!(
        scanned.stderr.contains("InvalidClientTokenId"),
        "{}",
        scanned.stderr
    );
}

/// Accounts that are named are read as far as they can be, credentials or not: that is a matter of
/// each of them.
#[test]
fn without_credentials_what_is_named_is_unread() {
    let arguments = ["--account", ACCOUNT, "--region", REGION, "-o", "json"];
    let report: Value = finish(&mut command(&arguments)).expect(4).json();
    assert_eq!(
        report["policies"][0]["targets"][0]["state"],
        "InvalidCredentials"
    );
}
