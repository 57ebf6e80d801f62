//! Facts for tests, from a few words.

use serde_json::{Value, json};

use super::super::*;
use crate::{
    api::{NotebookRemediation, NotebookRootAccessPolicy},
    decide::read_record,
    domain::RecordName,
};

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const REGION: &str = "eu-west-1";

/// Returns the time of all tests, a Monday.
pub(super) fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

pub(super) fn arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:aws:sagemaker:{region}:{account}:notebook-instance/{name}")
}

/// Returns the policy `p`, which enforces in [`ACCOUNT`] and [`REGION`]. `spec` and `status` are
/// merged into its defaults.
pub(super) fn policy(spec: Value, status: Value) -> NotebookRootAccessPolicy {
    named("p", spec, status)
}

pub(super) fn named(name: &str, spec: Value, status: Value) -> NotebookRootAccessPolicy {
    let mut policy = json!({
        "apiVersion": "sudoless.dev/v1alpha1",
        "kind": "NotebookRootAccessPolicy",
        "metadata": {"name": name, "generation": 3},
        "spec": {"mode": "Enforce", "accounts": [{"id": ACCOUNT}], "regions": [REGION]},
        "status": {
            "observedGeneration": 3,
            "lastScanTime": "2026-06-01T11:55:00Z",
            "targets": [{"account": ACCOUNT, "region": REGION, "state": "Scanned"}],
        },
    });
    merge(&mut policy["spec"], spec);
    merge(&mut policy["status"], status);
    serde_json::from_value(policy).unwrap()
}

fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}

/// Returns a status with a finding about `churn`: a violation, changed by `patch`.
pub(super) fn lists(status: &str, patch: Value) -> Value {
    let mut finding = json!({
        "account": ACCOUNT, "region": REGION, "name": "churn", "arn": arn(ACCOUNT, REGION, "churn"),
        "verdict": "NonCompliant", "status": status, "rootAccess": "Enabled", "next": "Restart",
        "reason": "RootAccessEnabled", "message": "root access is enabled", "platform": "notebook-al2023-v1",
    });
    merge(&mut finding, patch);
    json!({"findings": [finding]})
}

/// Returns a status in which `churn` runs, and its users have root.
pub(super) fn violation() -> Value {
    lists("InService", json!({}))
}

/// A status in which `churn` runs and waits for a reason.
pub(super) fn waits(reason: &str, message: &str) -> Value {
    let patch = json!({"next": "Wait", "reason": reason, "message": message});
    lists("InService", patch)
}

pub(super) fn exempt(reason: &str) -> Value {
    let patch = json!({"verdict": "Exempt", "next": "None", "reason": reason, "message": "exempt with no expiry"});
    lists("InService", patch)
}

/// Returns a record of a notebook in an account and region, for a policy.
pub(super) fn record(
    (account, region, name): (&str, &str, &str),
    policy: &str,
    state: &str,
    patch: Value,
) -> NotebookRemediation {
    let mut record = json!({
        "apiVersion": "sudoless.dev/v1alpha1",
        "kind": "NotebookRemediation",
        "metadata": {"name": "", "creationTimestamp": "2026-06-01T10:00:00Z"},
        "spec": {
            "policy": policy,
            "notebook": {"arn": arn(account, region, name), "account": account, "region": region, "name": name},
            "wasRunning": true,
            "timeouts": {"stop": "30m", "update": "15m", "start": "1h"},
        },
        "status": {"state": state, "message": "as it stands", "stepSince": "2026-06-01T11:50:00.000000Z"},
    });
    if matches!(state, "Succeeded" | "Failed" | "Cancelled") {
        let reason = if state == "Failed" {
            "AccessDenied"
        } else {
            "RootAccessDisabled"
        };
        let end = json!({"reason": reason, "completedAt": "2026-06-01T11:50:00.000000Z"});
        merge(&mut record["status"], end);
    }
    merge(&mut record, patch);
    let mut record: NotebookRemediation = serde_json::from_value(record).unwrap();
    let read = read_record(&record).map(|read| RecordName::of(&read.intent.notebook).to_string());
    record.metadata.name = Some(read.unwrap_or_else(|_| "odd".to_owned()));
    record
}

/// Returns the record of `churn`, for `p`.
pub(super) fn own(state: &str, patch: Value) -> NotebookRemediation {
    record((ACCOUNT, REGION, "churn"), "p", state, patch)
}

pub(super) fn facts<const P: usize, const R: usize>(
    policies: [NotebookRootAccessPolicy; P],
    records: [NotebookRemediation; R],
) -> Facts {
    Facts {
        policies: policies.into(),
        records: records.into(),
        ..Facts::default()
    }
}

/// Returns the query for `churn`, by its ARN.
pub(super) fn churn() -> Query {
    Query::new(&arn(ACCOUNT, REGION, "churn"), None, None).unwrap()
}

/// Returns the explanation of `churn`.
pub(super) fn explained(facts: &Facts) -> Explanation {
    let (Found::One(notebook) | Found::Unlisted(notebook)) = find(facts, &churn()) else {
        panic!("an ARN leads to one notebook")
    };
    explain(facts, &notebook, now())
}
