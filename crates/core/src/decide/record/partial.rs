//! The readable parts of a record that this version cannot understand *(pure)*.

use serde_json::Value;

use crate::domain::{AccountId, PolicyName, Region};

/// A record that does not decode, or whose spec has invalid identifiers. Another version or a
/// person wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialRecord {
    /// The record's name, which follows from the notebook's ARN.
    pub name: String,
    /// The record's policy. `None`: unknown, so it may be any policy.
    pub policy: Option<PolicyName>,
    /// The notebook's account and region. `None`: unknown.
    pub target: Option<(AccountId, Region)>,
    /// True unless the record is finished, or says that the notebook was not running.
    pub may_be_down: bool,
    /// The error.
    pub problem: String,
}

impl PartialRecord {
    /// Reads the readable parts of the stored object.
    #[must_use]
    pub fn new(name: &str, object: &Value, problem: String) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let account = text("/spec/notebook/account").and_then(|account| account.parse().ok());
        let region = text("/spec/notebook/region").and_then(|region| region.parse().ok());
        let was_running = object.pointer("/spec/wasRunning").and_then(Value::as_bool);
        let is_finished = text("/status/completedAt").is_some()
            || matches!(
                text("/status/state"),
                Some("Succeeded" | "Failed" | "Cancelled")
            );
        Self {
            name: name.to_owned(),
            policy: text("/spec/policy").map(PolicyName::from),
            target: account.zip(region),
            may_be_down: was_running != Some(false) && !is_finished,
            problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn partial_record_counts_as_down_unless_it_says_otherwise() {
        for (object, down) in [
            (json!({}), true),
            (json!({"spec": {"wasRunning": true}}), true),
            (json!({"spec": {"wasRunning": false}}), false),
            (json!({"spec": {"wasRunning": "yes"}}), true),
            (
                json!({"spec": {"wasRunning": true}, "status": {"state": "Later"}}),
                true,
            ),
            (
                json!({"spec": {"wasRunning": true}, "status": {"state": "Failed"}}),
                false,
            ),
            (
                json!({"spec": {"wasRunning": true}, "status": {"completedAt": "2026-06-01T12:00:00Z"}}),
                false,
            ),
        ] {
            let record = PartialRecord::new("churn-1", &object, "later version".to_owned());
            assert_eq!(record.may_be_down, down, "{object}");
        }
    }

    #[test]
    fn partial_record_keeps_what_is_valid() {
        let object = json!({"spec": {"policy": "no-root", "notebook": {"account": "111122223333", "region": "eu-west-1"}}});
        let record = PartialRecord::new("churn-1", &object, String::new());
        assert_eq!(record.policy, Some("no-root".into()));
        assert!(record.target.is_some());
        let object = json!({"spec": {"notebook": {"account": "1", "region": "eu-west-1"}}});
        assert_eq!(
            PartialRecord::new("churn-1", &object, String::new()).target,
            None
        );
    }
}
