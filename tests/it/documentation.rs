//! What the documentation lists is what there is: rows, states, reasons, flags, permissions,
//! promises and links.

mod design;
mod prose;

use std::process::Command;

use serde_json::Value;
use strum::VariantArray;
use sudoless::{
    decide::Row,
    domain::{EndReason, RecordState, WaitReason},
};

const README: &str = include_str!("../../README.md");
const REMEDIATION: &str = include_str!("../../docs/remediation.md");
const SECURITY: &str = include_str!("../../SECURITY.md");

/// The statements of an IAM policy.
fn statements(policy: &str) -> Vec<Value> {
    let policy: Value = serde_json::from_str(policy).unwrap();
    policy["Statement"].as_array().unwrap().clone()
}

/// The actions that a statement allows.
fn actions(statement: &Value) -> Vec<&str> {
    assert_eq!(statement["Effect"], "Allow");
    match &statement["Action"] {
        Value::String(action) => vec![action],
        several => several
            .as_array()
            .unwrap()
            .iter()
            .map(|action| action.as_str().unwrap())
            .collect(),
    }
}

/// The first cells of the table under a heading.
fn first_cells(heading: &str) -> Vec<&'static str> {
    let section = REMEDIATION.split(heading).nth(1).unwrap();
    section
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').nth(1).unwrap().trim().trim_matches('`'))
        .collect()
}

#[test]
fn the_table_has_the_rows_of_the_code_in_their_order() {
    let rows: Vec<_> = Row::all().map(Row::number).collect();
    assert_eq!(first_cells("\n## The table\n"), rows);
}

#[test]
fn every_state_and_reason_is_explained() {
    let states: Vec<_> = RecordState::VARIANTS
        .iter()
        .map(|each| each.as_str())
        .collect();
    assert_eq!(first_cells("\n## States\n"), states);
    let waits: Vec<_> = WaitReason::VARIANTS
        .iter()
        .map(|each| each.as_str())
        .collect();
    assert_eq!(first_cells("\n### Why a notebook waits\n"), waits);
    let ends: Vec<_> = EndReason::VARIANTS
        .iter()
        .map(|each| each.as_str())
        .collect();
    assert_eq!(first_cells("\n### Why a record ended\n"), ends);
}

#[test]
fn the_readme_lists_every_flag() {
    let help = Command::new(env!("CARGO_BIN_EXE_sudoless"))
        .args(["run", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let flags: Vec<_> = help
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--"))
        // Not a line of prose that happens to begin with a flag's name.
        .filter_map(|rest| rest.split_once(" <").or_else(|| rest.split_once(" [")))
        .map(|(flag, _)| flag)
        .collect();
    assert!(flags.len() > 10, "{help}");
    for flag in flags {
        assert!(
            README.contains(&format!("`--{flag}`")),
            "--{flag} is not in the README"
        );
    }
}

#[test]
fn the_iam_policy_for_auditing_allows_no_change() {
    for statement in statements(include_str!("../../config/iam/audit.json")) {
        for action in actions(&statement) {
            let (_, name) = action.split_once(':').unwrap();
            assert!(
                name.starts_with("List") || name.starts_with("Describe"),
                "{action}"
            );
        }
    }
}

#[test]
fn the_iam_policy_for_enforcing_adds_three_actions_and_gives_no_root() {
    let audit = statements(include_str!("../../config/iam/audit.json"));
    let mut added: Vec<_> = statements(include_str!("../../config/iam/remediate.json"));
    for statement in &audit {
        assert!(added.contains(statement), "{statement}");
    }
    added.retain(|statement| !audit.contains(statement));
    let mut changes = Vec::new();
    for statement in &added {
        for action in actions(statement) {
            if action == "sagemaker:UpdateNotebookInstance" {
                assert_eq!(
                    statement["Condition"],
                    serde_json::json!({"StringEquals": {"sagemaker:RootAccess": "Disabled"}})
                );
            }
            let (_, name) = action.split_once(':').unwrap();
            assert!(README.contains(name) && SECURITY.contains(name), "{name}");
            changes.push(name);
        }
    }
    changes.sort_unstable();
    assert_eq!(
        changes,
        [
            "StartNotebookInstance",
            "StopNotebookInstance",
            "UpdateNotebookInstance"
        ]
    );
}
