//! Policies that use tags: tags are not available, so the last scans show their effect.

use serde_json::{Value, json};

use super::{super::*, world::*};

fn by_tags() -> Value {
    json!({"selector": {"tags": {"team": "a"}}})
}

fn exempt_by_tags() -> Value {
    json!({"exemptions": [{"reason": "tagged", "tags": {"root": "yes"}}]})
}

/// Returns the reason of `p`.
fn reason(facts: &Facts) -> String {
    let explanation = explained(facts);
    let policy = explanation
        .policies
        .iter()
        .find(|policy| policy.name == "p");
    policy.unwrap().reason.clone().unwrap_or_default()
}

#[test]
fn a_violation_was_selected_and_is_not_exempt() {
    for spec in [by_tags(), exempt_by_tags()] {
        let facts = facts([policy(spec, violation())], []);
        assert_eq!(reason(&facts), "RootAccessEnabled");
    }
}

#[test]
fn a_policy_by_tags_that_does_not_list_it_may_not_select_it() {
    let explanation = explained(&facts([policy(by_tags(), json!({}))], []));
    assert_eq!(explanation.answer.outcome, Outcome::NotListed);
    let message = &explanation.policies[0].message;
    assert!(message.contains("its tags do not match"), "{message}");
}

/// The answer names the exemption that matches, by its path.
#[test]
fn the_exemption_by_tags_is_named() {
    let spec = json!({"exemptions": [
        {"reason": "other", "names": ["x*"]},
        {"reason": "tagged", "tags": {"root": "yes"}, "expiresAt": "2026-07-01T00:00:00Z"},
    ]});
    let explanation = explained(&facts([policy(spec, exempt("tagged"))], []));
    let exemption = explanation.policies[0].exemption.clone().unwrap();
    assert_eq!(
        (exemption.path.as_str(), exemption.expired),
        ("spec.exemptions[1]", false)
    );
}
