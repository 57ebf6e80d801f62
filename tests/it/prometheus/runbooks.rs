//! The runbooks: one for each alert, whose links lead somewhere and whose commands kubectl takes.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use local_cluster::{LocalCluster, Options, Tool};
use serde_json::json;

use super::{alerts, names, repository, rules_file, yaml};
use crate::support::served;

/// What the commands are about, in the place of the words in capitals.
const WORDS: [(&str, &str); 5] = [
    ("POLICY", "no-root"),
    ("ACCOUNT", "111122223333"),
    ("REGION", "eu-west-1"),
    ("NAME", "churn-0123456789abcdef"),
    ("PLACE", "0"),
];

/// Commands that change something are only tried.
const CHANGES: [&str; 3] = ["delete", "patch", "annotate"];

fn folder() -> PathBuf {
    repository().join("docs/runbooks")
}

/// Name and text of each page, the index among them.
fn pages() -> Vec<(String, String)> {
    let entries = fs::read_dir(folder()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn each_alert_has_a_runbook_and_each_runbook_an_alert() {
    let rules = yaml(&rules_file());
    let mut pages: std::collections::BTreeMap<_, _> = pages().into_iter().collect();
    let index = pages.remove("README").unwrap();
    let titles: BTreeSet<String> = pages.keys().cloned().collect();
    assert_eq!(titles, names(&rules));
    for rule in alerts(&rules) {
        let name = rule["alert"].as_str().unwrap();
        let severity = rule["labels"]["severity"].as_str().unwrap();
        let page = &pages[name];
        let head = format!("# {name}\n\n*{severity}*");
        assert!(page.starts_with(&head), "{name}");
        for heading in ["What it means", "Look", "Do", "Silence"] {
            let section = page.split(&format!("\n## {heading}\n")).nth(1);
            let text = section.and_then(|rest| rest.split("\n## ").next());
            let text = text.unwrap_or_default().trim();
            assert!(text.len() > 30, "{heading} of {name}: {text:?}");
        }
        let listed = format!("| [{name}]({name}.md) | {severity} | ");
        assert!(index.contains(&listed), "{listed}");
    }
}

#[test]
fn links_lead_somewhere() {
    let mut links = 0;
    for (name, page) in pages() {
        for link in page.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = fs::read_to_string(folder().join(path));
            let target = target.unwrap_or_else(|why| panic!("{link} in {name}: {why}"));
            let mut headings = target.lines().filter(|line| line.starts_with('#'));
            let leads = anchor.is_empty() || headings.any(|line| slug(line) == anchor);
            assert!(leads, "{link} in {name}");
            links += 1;
        }
    }
    assert!(links > 50, "{links}");
}

/// A heading as GitHub makes an anchor of it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

/// The commands about policies and records, with the words replaced, and whether what they ask for
/// is there.
fn commands() -> Vec<(String, String)> {
    let mut commands = Vec::new();
    for (name, page) in pages() {
        let blocks = page.split("```sh\n").skip(1);
        let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
        for line in lines.filter(|line| line.starts_with("kubectl ")) {
            let command = line.split("  #").next().unwrap();
            let command = command.split(" | ").next().unwrap().trim();
            let kind = command.split_whitespace().nth(2).unwrap();
            if ["nrap", "nbr"].contains(&kind) {
                let mut command = command.to_owned();
                for (word, value) in WORDS {
                    command = command.replace(word, value);
                }
                let verb = command.split_whitespace().nth(1).unwrap();
                if CHANGES.contains(&verb) {
                    command += " --dry-run=server";
                }
                commands.push((name.clone(), command));
            }
        }
    }
    commands
}

/// A policy whose status has all that the commands look for, and a record.
fn furnish(cluster: &LocalCluster) {
    let place = |name: &str, verdict: &str, next: &str, reason: &str| {
        json!({
            "account": "111122223333", "region": "eu-west-1", "name": name, "arn": "arn", "verdict": verdict,
            "status": "InService", "rootAccess": "Enabled", "next": next, "reason": reason, "message": "a sentence",
        })
    };
    let policy = json!({
        "apiVersion": "sudoless.dev/v1alpha1",
        "kind": "NotebookRootAccessPolicy",
        "metadata": {"name": "no-root"},
        "spec": {
            "suspend": true,
            "accounts": [{"id": "111122223333"}],
            "regions": ["eu-west-1"],
            "exemptions": [{"reason": "why", "names": ["legacy-*"]}],
            "remediation": {"maxConcurrent": 2},
        },
    });
    let status = json!({"status": {
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "Scanned", "message": "all was read",
            "lastTransitionTime": "2026-01-31T02:00:00Z",
        }],
        "targets": [{"account": "111122223333", "region": "eu-west-1", "state": "AccessDenied", "message": "a sentence"}],
        "findings": [
            place("a", "NonCompliant", "Wait", "Recurring"),
            place("b", "NonCompliant", "Wait", "PolicyConflict"),
            place("e", "NonCompliant", "Wait", "NotRestartable"),
            place("c", "Unknown", "None", "RootAccessUnknown"),
            place("d", "Exempt", "None", "why"),
        ],
        "targetsOmitted": 0,
        "findingsOmitted": 0,
    }});
    let record = json!({
        "apiVersion": "sudoless.dev/v1alpha1",
        "kind": "NotebookRemediation",
        "metadata": {"name": "churn-0123456789abcdef"},
        "spec": {
            "policy": "no-root",
            "notebook": {"arn": "arn", "account": "111122223333", "region": "eu-west-1", "name": "churn"},
            "wasRunning": true,
            "timeouts": {"stop": "30m", "update": "15m", "start": "60m"},
        },
    });
    let apply = |object: &serde_json::Value| {
        let applied = cluster.run_kubectl_with(["apply", "--filename=-"], &object.to_string());
        applied.unwrap();
    };
    apply(&policy);
    apply(&record);
    let patch = |kind: &str, name: &str, status: &serde_json::Value| {
        let patch = format!("--patch={status}");
        let words = [
            "patch",
            kind,
            name,
            "--subresource=status",
            "--type=merge",
            &patch,
        ];
        cluster.run_kubectl(words).unwrap();
    };
    patch("nrap", "no-root", &status);
    let failed = json!({"status": {
        "state": "Failed", "reason": "AccessDenied", "startAttempts": 0,
        "attentionFrom": "Start", "lastError": "a sentence", "failureReason": "a sentence",
    }});
    patch("nbr", "churn-0123456789abcdef", &failed);
}

#[test]
fn kubectl_takes_the_commands_and_finds_what_they_ask_for() {
    let cluster = served::start(Options::default());
    furnish(&cluster);
    let kubectl = cluster.tool(Tool::Kubectl).unwrap();
    let commands = commands();
    assert!(commands.len() > 20, "{commands:#?}");
    for (name, command) in commands {
        let mut shell = Command::new("bash");
        shell
            .args([
                "-c",
                &format!("\"$KUBECTL\" {}", command.strip_prefix("kubectl ").unwrap()),
            ])
            .env("KUBECTL", &kubectl)
            .env("KUBECONFIG", cluster.kubeconfig_path())
            .env("KUBECACHEDIR", cluster.folder().join("kubectl-cache"));
        let output = cluster.adopt(&mut shell).output().unwrap();
        assert!(output.status.success(), "{name}: {command}\n{output:?}");
        let none = String::from_utf8_lossy(&output.stderr);
        assert!(
            none.is_empty() || none.starts_with("No resources found"),
            "{name}: {command}: {none}"
        );
        // A path that leads nowhere prints nothing.
        let is_path = command.contains("jsonpath");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(!is_path || !printed.trim().is_empty(), "{name}: {command}");
        assert!(
            !printed.contains("<none>") || !command.contains("custom-columns"),
            "{name}: {command}: {printed}"
        );
    }
}
