#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod text;

use std::sync::LazyLock;

use super::{
    schema::{Definition, Schema},
    *,
};

/// The present time of all tests.
const NOW: &str = "2026-06-01T12:00:00Z";

/// Compiled once, because compiling the rules takes longer than all the tests.
static MANIFESTS: LazyLock<Manifests> = LazyLock::new(|| Manifests::new().unwrap());

fn check(text: &str) -> Checked {
    MANIFESTS.check(text, NOW.parse().unwrap())
}

/// Returns the problems, one line each: `8:9 error spec.accounts[0].id: sentence`.
fn messages(text: &str) -> Vec<String> {
    let tell = |problem: &Problem| {
        let Position { line, column } = problem.position;
        let severity = problem.severity.as_str();
        format!(
            "{line}:{column} {severity} {}: {}",
            problem.path, problem.message
        )
    };
    check(text).problems.iter().map(tell).collect()
}

/// Returns a policy with more fields after the accounts.
fn policy(more: &str) -> String {
    format!(
        "apiVersion: sudoless.dev/v1alpha1
kind: NotebookRootAccessPolicy
metadata: {{name: x}}
spec:
  accounts:
    - id: \"111122223333\"
      role: sudoless
  regions: [eu-west-1]
{more}"
    )
}

#[test]
fn definition_has_only_supported_parts() {
    fn fields<'d>(schema: Schema<'d>, names: &mut Vec<&'d str>) {
        for name in schema.names() {
            names.push(name);
            fields(schema.field(name).unwrap(), names);
        }
        if let Some(items) = schema.items() {
            fields(items, names);
        }
    }
    let definition = Definition::new().unwrap();
    let mut names = Vec::new();
    fields(definition.schema(), &mut names);
    assert!(names.len() > 50, "{names:?}");
    // CEL rules would have to escape such field names, which is not supported here.
    for name in names {
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
        assert!(
            !["in", "namespace", "as", "if", "for", "let", "var", "void"].contains(&name),
            "{name}"
        );
    }
    let spec = definition.schema().field("spec").unwrap();
    assert_eq!(spec.kind(), "object");
    assert_eq!(spec.rules().count(), 1);
    let account = spec.field("accounts").and_then(Schema::items).unwrap();
    assert_eq!(account.field("role").unwrap().rules().count(), 2);
}

/// The check ignores `format` of strings. With a `format`, the API server could reject more.
#[test]
fn spec_has_no_format() {
    fn formats(schema: &serde_json::Value, found: &mut Vec<String>) {
        match schema {
            serde_json::Value::Object(fields) => {
                if fields.get("type").is_some_and(|kind| kind == "string")
                    && let Some(format) = fields.get("format")
                {
                    found.push(format.to_string());
                }
                fields.values().for_each(|field| formats(field, found));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| formats(item, found)),
            _ => {}
        }
    }
    use kube::CustomResourceExt;
    let crd = serde_json::to_value(crate::api::NotebookRootAccessPolicy::crd()).unwrap();
    let properties = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
    let (mut spec, mut status) = (Vec::new(), Vec::new());
    formats(&properties["spec"], &mut spec);
    formats(&properties["status"], &mut status);
    assert_eq!(spec, [] as [&str; 0]);
    assert!(!status.is_empty(), "the test looks in the wrong place");
}

#[test]
fn valid_policy_has_no_problems() {
    let checked = check(&policy("  mode: Enforce"));
    assert_eq!(checked.problems, []);
    assert_eq!((checked.policies.len(), checked.skipped), (1, 0));
}

#[test]
fn each_problem_has_line_column_and_field() {
    let text = r#"apiVersion: sudoless.dev/v1alpha1
kind: NotebookRootAccessPolicy
metadata:
  name: No_Root
  label: {}
spec:
  acounts: []
  mode: enforce
  scanInterval: 5s
  accounts:
    - id: 111122223333
      roleName: x
    - id: "444455556666"
      externalId: ab
  maxConcurrent: 2
  remediation:
    maxConcurrent: "2"
    windows:
      - schedule: 0 25 * * *
        duration: 4h
        timeZone: Mars/Olympus
"#;
    assert_eq!(
        messages(text),
        [
            "4:9 error metadata.name: write a name of lower-case letters, digits, - and ., which begins and ends with a \
             letter or digit, such as no-root",
            "5:3 error metadata.label: there is no such field; did you mean labels?",
            "7:3 error spec.acounts: there is no such field; did you mean accounts?",
            "8:9 error spec.mode: \"enforce\" is not one of Audit, Enforce; did you mean Enforce?",
            "9:17 error spec.scanInterval: write a duration from 1m to 24h in hours, minutes and seconds, such as 90s, 10m or \
             1h30m",
            "11:11 error spec.accounts[0].id: must be a string, not a number: put it in quotes: \"111122223333\"",
            "12:7 error spec.accounts[0].roleName: there is no such field; did you mean role?",
            "14:19 error spec.accounts[1].externalId: an external id is sent only when a role is assumed: set role too, or \
             remove externalId",
            "15:3 error spec.maxConcurrent: there is no such field here; it belongs in spec.remediation",
            "17:20 error spec.remediation.maxConcurrent: must be a whole number, not a string: write it without quotes: 2",
        ]
    );
}

#[test]
fn missing_field_is_shown_at_its_parent() {
    let text = "apiVersion: sudoless.dev/v1alpha1\nkind: NotebookRootAccessPolicy\nmetadata: {name: x}\nspec:\n  regions: [eu-west-1]\n";
    assert_eq!(
        messages(text),
        [
            "4:1 error spec.accounts: is missing. It is: The AWS accounts to scan, 1 to 1000, each listed once"
        ]
    );
    let text = "apiVersion: sudoless.dev/v1alpha1\nkind: NotebookRootAccessPolicy\n";
    let messages = messages(text);
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(
        messages[0].starts_with("1:1 error metadata.name: is missing"),
        "{messages:?}"
    );
    assert!(
        messages[1].starts_with("1:1 error spec: is missing"),
        "{messages:?}"
    );
}

#[test]
fn operator_rejects_globs_schedules_and_time_zones() {
    let text = policy(
        "  selector: {names: [ok, \"[z-a]\"]}
  exemptions:
    - reason: x
      names: [\"{a\"]
  remediation:
    windows:
      - {schedule: 0 25 * * *, duration: 4h}
      - {schedule: 0 2 30 2 *, duration: 4h}
      - {schedule: 0 2 * * SAT, duration: 4h, timeZone: Mars/Olympus}
",
    );
    let checked = check(&text);
    assert!(
        checked
            .problems
            .iter()
            .all(|problem| problem.source == Source::Operator)
    );
    let messages = messages(&text);
    for (index, expected) in [
        "9:26 error spec.selector.names[1]: \"[z-a]\" is not a glob",
        "12:15 error spec.exemptions[0].names[0]: \"{a\" is not a glob",
        "15:20 error spec.remediation.windows[0].schedule: \"0 25 * * *\" is not a schedule: its hour",
        "16:20 error spec.remediation.windows[1].schedule: \"0 2 30 2 *\" never comes",
        "17:57 error spec.remediation.windows[2].timeZone: \"Mars/Olympus\" is not a time zone",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(messages[index].starts_with(expected), "{expected}: {messages:#?}");
    }
    assert_eq!(messages.len(), 5, "{messages:#?}");
}

/// Patterns are checked even if there are other errors. Errors that only follow from other errors
/// are not reported.
#[test]
fn operator_does_not_repeat_known_violations() {
    let text = policy(
        "  scanInterval: 1e30h
  selector: {names: [\"[z-a]\"]}
  exemptions: [{reason: x}]
",
    )
    .replace("role: sudoless", "role: \"a:b c\"\n      externalId: ab");
    let messages = messages(&text);
    let paths: Vec<&str> = messages
        .iter()
        .map(|line| line.split_whitespace().nth(2).unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "spec.accounts[0].role:",
            "spec.scanInterval:",
            "spec.selector.names[0]:",
            "spec.exemptions[0]:"
        ],
        "{messages:#?}"
    );
}

#[test]
fn operator_warns_of_expired_exemptions_foreign_accounts_and_short_windows() {
    let text = policy(
        "  exemptions:
    - reason: x
      names: [a]
      expiresAt: 2020-01-01T00:00:00Z
    - reason: x
      accounts: [\"999999999999\"]
  remediation:
    windows:
      - {schedule: 0 2 * * SAT, duration: 1m}
",
    );
    assert_eq!(
        messages(&text),
        [
            "10:7 warning spec.exemptions[0]: expired at 2020-01-01T00:00:00Z: remove it or give it a new expiresAt",
            "14:7 warning spec.exemptions[1].accounts: names 999999999999, which is not in spec.accounts",
            "17:9 warning spec.remediation.windows[0]: is shorter than a typical restart (about 6 minutes): a restart that begins in it \
             ends after the window closes",
        ]
    );
}

/// An evaluation error of a rule counts as a violation.
#[test]
fn rule_that_cannot_be_evaluated_rejects() {
    let text = policy("  exemptions: [{reason: x, names: [a], expiresAt: 2027-02-30T00:00:00Z}]\n");
    let messages = messages(&text);
    assert_eq!(messages.len(), 1, "{messages:#?}");
    assert!(
        messages[0].starts_with("9:51 error spec.exemptions[0].expiresAt: write an existing date"),
        "{messages:#?}"
    );
}

#[test]
fn other_kinds_are_skipped_and_counted() {
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\n---\n# nothing\n---\n[a, list]\n---\n{}",
        policy("  mode: Audit\n")
    );
    let checked = check(&text);
    assert_eq!((checked.policies.len(), checked.skipped), (1, 2));
    assert_eq!(checked.problems, []);
}

#[test]
fn invalid_kind_or_version_of_this_api_is_an_error() {
    for (text, expected) in [
        (
            "apiVersion: sudoless.dev/v1\nkind: NotebookRootAccessPolicy\n",
            "1:13 error apiVersion: a NotebookRootAccessPolicy has apiVersion: sudoless.dev/v1alpha1",
        ),
        (
            "kind: NotebookRootAccessPolicy\n",
            "1:1 error apiVersion: is missing: a NotebookRootAccessPolicy has apiVersion: sudoless.dev/v1alpha1",
        ),
        (
            "apiVersion: sudoless.dev/v1alpha1\nkind: NotebookRootAccesPolicy\n",
            "2:7 error kind: there is no kind NotebookRootAccesPolicy; did you mean NotebookRootAccessPolicy?",
        ),
        (
            "apiVersion: sudoless.dev/v1alpha1\nspec: {}\n",
            "1:1 error kind: is missing: write kind: NotebookRootAccessPolicy",
        ),
        (
            "apiVersion: sudoless.dev/v1alpha1\nkind: NotebookRemediation\n",
            "2:7 error kind: only the operator creates a NotebookRemediation, as its record of a remediation: \
             remove it",
        ),
    ] {
        assert_eq!(messages(text), [expected]);
    }
}

#[test]
fn items_of_a_list_are_checked() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n- apiVersion: sudoless.dev/v1alpha1\n  kind: NotebookRootAccessPolicy\n  metadata: {name: x}\n  spec: {accounts: [{id: \"1\"}], regions: [eu-west-1]}\n";
    let checked = check(text);
    assert_eq!((checked.policies.len(), checked.skipped), (1, 1));
    assert_eq!(checked.problems.len(), 1);
    assert_eq!(
        checked.problems[0].position,
        Position {
            line: 9,
            column: 26
        }
    );
    assert_eq!(checked.problems[0].policy.as_deref(), Some("x"));
}

#[test]
fn field_without_effect_is_a_warning() {
    let text =
        policy("status: {lastScanTime: x}\n").replace("{name: x}", "{name: x, namespace: z}");
    let twice = format!("{}---\n{}", policy(""), policy(""));
    assert_eq!(
        messages(&text),
        [
            "3:32 warning metadata.namespace: has no effect: policies are cluster-scoped",
            "9:1 warning status: has no effect: only the operator writes the status",
        ]
    );
    assert_eq!(
        messages(&twice),
        [
            "12:18 warning metadata.name: is also the name of the policy in line 1: the policy that is applied last would remain"
        ]
    );
}

/// The status of an object from `kubectl get -o yaml` was not written by a person.
#[test]
fn status_of_a_stored_object_is_ignored() {
    let written = policy("status: {lastScanTime: x, fromTheFuture: 1}\n");
    let stored = written.replace(
        "{name: x}",
        "{name: x, uid: 5f0c, resourceVersion: \"7\", generation: 1, creationTimestamp: \"2026-06-01T12:00:00Z\"}",
    );
    assert_eq!(messages(&stored), [] as [&str; 0]);
    assert_eq!(messages(&written).len(), 2);
    let unknown = stored.replace("  role", "  rule");
    assert_eq!(messages(&unknown).len(), 1);
}

#[test]
fn policy_with_an_error_is_not_returned() {
    let read = |text: &str| {
        let found = check(text).policies;
        let named = found
            .iter()
            .map(|found| (found.position.line, found.named.line));
        let policies = found.iter().map(|found| found.policy.is_some());
        named.zip(policies).collect::<Vec<_>>()
    };
    let warned = policy("  remediation: {windows: [{schedule: 0 2 * * SAT, duration: 1m}]}\n");
    assert_eq!(read(&warned), [((1, 3), true)]);
    for more in [
        "  mode: Audit\n  mode: Audit\n",
        "  mode: audit\n",
        "  suspended: true\n",
        "  selector: {}\n",
        "  selector: {names: [\"[z-a]\"]}\n",
        "---\na: 1\n",
    ] {
        assert_eq!(
            read(&policy(more)),
            [((1, 3), more.starts_with('-'))],
            "{more}"
        );
    }
    let unlabelled = policy("").replace("{name: x}", "{name: x, labels: {a: b c}}");
    assert_eq!(read(&unlabelled), [((1, 3), false)]);
    let found = check(&policy("  mode: Enforce\n")).policies;
    let policy = found[0].policy.as_ref().unwrap();
    assert_eq!(policy.name.as_str(), "x");
    assert_eq!(policy.mode, crate::domain::Mode::Enforce);
}
