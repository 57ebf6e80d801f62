//! The kstatus rules for custom resources, and the invariants of the conditions.
//!
//! Source of the rules: `pkg/kstatus/status` (`generic.go`, `core.go`) of
//! kubernetes-sigs/cli-utils.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::Status;

/// The kstatus of a resource, as Flux and `kubectl wait`-like tools see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    InProgress,
    Failed,
    Current,
}

pub(super) fn seen(generation: i64, status: &Status) -> Seen {
    if status
        .observed_generation
        .is_some_and(|observed| observed != generation)
    {
        return Seen::InProgress;
    }
    for condition in &status.conditions {
        match (condition.type_.as_str(), condition.status.as_str()) {
            ("Reconciling", "True") => return Seen::InProgress,
            ("Stalled", "True") => return Seen::Failed,
            _ => {}
        }
    }
    let ready = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == "Ready");
    match ready.map(|condition| condition.status.as_str()) {
        Some("False" | "Unknown") => Seen::InProgress,
        _ => Seen::Current,
    }
}

/// Checks the invariants of the conditions, and returns Ready, Reconciling, Stalled and Compliant.
pub(super) fn sound(generation: i64, status: &Status) -> [&Condition; 4] {
    assert_eq!(status.observed_generation, Some(generation));
    let types: Vec<&str> = status
        .conditions
        .iter()
        .map(|condition| condition.type_.as_str())
        .collect();
    assert_eq!(types, ["Ready", "Reconciling", "Stalled", "Compliant"]);
    for condition in &status.conditions {
        assert_eq!(
            condition.observed_generation,
            Some(generation),
            "{condition:?}"
        );
        assert!(
            ["True", "False", "Unknown"].contains(&condition.status.as_str()),
            "{condition:?}"
        );
        assert!(
            !condition.reason.is_empty()
                && condition
                    .reason
                    .bytes()
                    .all(|byte| byte.is_ascii_alphabetic()),
            "{condition:?}"
        );
        // The maximum length, plus the mark of a truncated message.
        assert!(
            (1..=4096 + '…'.len_utf8()).contains(&condition.message.len()),
            "{condition:?}"
        );
        assert_eq!(
            condition.last_transition_time.0.subsec_nanosecond(),
            0,
            "{condition:?}"
        );
    }
    let [ready, reconciling, stalled, compliant] = status.conditions.as_slice() else {
        panic!("{:?}", status.conditions)
    };
    assert!(reconciling.status != "Unknown" && stalled.status != "Unknown");
    assert!(
        !(reconciling.status == "True" && stalled.status == "True"),
        "{status:?}"
    );
    assert!(
        stalled.status != "True" || ready.status == "False",
        "{status:?}"
    );
    assert_eq!(
        seen(generation, status) == Seen::Failed,
        stalled.status == "True"
    );
    [ready, reconciling, stalled, compliant]
}
