//! Fixtures of the decisions' tests: policies from a user's spec, and small fleets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub(super) mod arbitrary;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::validate;
use crate::{
    api::NotebookRootAccessPolicy,
    domain::{
        Access, Intent, Notebook, NotebookDetails, NotebookRef, NotebookSummary, Policy,
        ReadFailure, Record, RootAccess, Snapshot, Tags, Target, TargetRegion, TargetState,
    },
};

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const REGION: &str = "eu-west-1";

/// The present instant of all tests.
pub(super) fn now() -> Timestamp {
    "2026-06-01T12:00:00.5Z".parse().unwrap()
}

/// Returns a resource with a small valid spec, changed by a JSON merge patch.
pub(super) fn resource(patch: Value) -> NotebookRootAccessPolicy {
    let mut spec = json!({"accounts": [{"id": ACCOUNT}], "regions": [REGION]});
    merge(&mut spec, patch);
    NotebookRootAccessPolicy::new("no-root", serde_json::from_value(spec).unwrap())
}

/// Returns the policy of such a resource.
pub(super) fn policy(patch: Value) -> Policy {
    validate(&resource(patch)).unwrap()
}

/// Returns such a policy with another name.
pub(super) fn policy_named(name: &str, patch: Value) -> Policy {
    Policy {
        name: name.into(),
        ..policy(patch)
    }
}

/// Applies a merge patch (RFC 7396).
fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    into.remove(&key);
                } else {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (into, patch) => *into = patch,
    }
}

pub(super) fn target(account: &str, region: &str) -> Target {
    let region = match region {
        "*" => TargetRegion::Unresolved,
        named => TargetRegion::Named(named.parse().unwrap()),
    };
    Target {
        account: account.parse().unwrap(),
        region,
    }
}

/// Returns a snapshot of a target. `Scanned` is fully read; any other state has a message.
pub(super) fn snapshot(
    account: &str,
    region: &str,
    state: TargetState,
    notebooks: Vec<Notebook>,
) -> Arc<Snapshot> {
    let scanned = state == TargetState::Scanned;
    Arc::new(Snapshot {
        target: target(account, region),
        started_at: now(),
        state,
        message: (!scanned).then(|| format!("ListNotebookInstances: {state}")),
        with_tags: None,
        notebooks: notebooks.into_iter().map(Arc::new).collect(),
        last_success: scanned.then(now),
    })
}

/// Returns a fully read snapshot of `ACCOUNT` and `REGION`.
pub(super) fn scanned(notebooks: Vec<Notebook>) -> Arc<Snapshot> {
    snapshot(ACCOUNT, REGION, TargetState::Scanned, notebooks)
}

/// Returns a notebook without tags and lifecycle configuration, read just now.
pub(super) fn notebook(name: &str, status: &str, root_access: RootAccess) -> Notebook {
    Notebook {
        summary: NotebookSummary {
            arn: format!("arn:aws:sagemaker:{REGION}:{ACCOUNT}:notebook-instance/{name}")
                .as_str()
                .into(),
            name: name.to_owned(),
            status: status.into(),
            last_modified: Some(now() - SignedDuration::from_hours(6)),
            lifecycle_config: None,
        },
        details: Ok(NotebookDetails {
            root_access,
            status: status.into(),
            lifecycle_config: None,
            platform: Some("notebook-al2023-v1".to_owned()),
            accelerators: Vec::new(),
            failure_reason: None,
            created_at: None,
            last_modified: None,
        }),
        tags: None,
        described_at: now(),
    }
}

/// Returns such a notebook of another account and region.
pub(super) fn notebook_in(
    (account, region): (&str, &str),
    name: &str,
    status: &str,
    root_access: RootAccess,
) -> Notebook {
    let mut notebook = notebook(name, status, root_access);
    notebook.summary.arn = format!("arn:aws:sagemaker:{region}:{account}:notebook-instance/{name}")
        .as_str()
        .into();
    notebook
}

/// Returns a new record of the policy `no-root` for a notebook as it is.
pub(super) fn record((account, region): (&str, &str), notebook: &Notebook) -> Record {
    let policy = policy(json!({}));
    let intent = Intent {
        policy: policy.name,
        notebook: NotebookRef {
            arn: notebook.summary.arn.clone(),
            account: account.parse().unwrap(),
            region: region.parse().unwrap(),
            name: notebook.summary.name.clone(),
            created_at: None,
        },
        access: Access::default(),
        was_running: notebook.is_running(),
        timeouts: policy.remediation.timeouts,
        recurrence: 0,
    };
    Record::new(intent, now())
}

/// Returns a notebook that could not be described.
pub(super) fn unread(name: &str, state: TargetState) -> Notebook {
    Notebook {
        details: Err(failure(state)),
        ..notebook(name, "InService", RootAccess::Unknown)
    }
}

pub(super) fn failure(state: TargetState) -> ReadFailure {
    ReadFailure {
        state,
        message: format!("DescribeNotebookInstance: {state}"),
    }
}

pub(super) fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}
