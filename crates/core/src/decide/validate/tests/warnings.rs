//! Warnings about settings that are valid but probably unintended.

use super::*;

fn warnings(patch: Value) -> Vec<String> {
    let warnings = policy(patch).warnings;
    warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn regions_that_no_account_uses() {
    let own = json!({"accounts": [{"id": "111122223333", "regions": ["us-east-1"]}]});
    assert_eq!(
        warnings(own),
        ["spec.regions is used by no account: each has regions of its own"]
    );
    let one_uses_them = json!({"accounts": [{"id": "111122223333", "regions": ["us-east-1"]}, {"id": "444455556666"}]});
    assert_eq!(warnings(one_uses_them), [] as [&str; 0]);
}

#[test]
fn exemptions_for_what_the_policy_does_not_cover() {
    let exemptions = json!([
        {"reason": "why", "accounts": ["111122223333"], "regions": ["eu-west-1"]},
        {"reason": "why", "accounts": ["444455556666", "111122223333"], "regions": ["us-east-1", "eu-west-1"]},
    ]);
    assert_eq!(
        warnings(json!({"exemptions": exemptions})),
        [
            "spec.exemptions[1].accounts names 444455556666, which is not in spec.accounts",
            "spec.exemptions[1].regions names us-east-1, which no account has",
        ]
    );
    assert_eq!(
        warnings(json!({"exemptions": exemptions, "regions": ["*"]})),
        ["spec.exemptions[1].accounts names 444455556666, which is not in spec.accounts"],
        "nobody knows which regions are enabled"
    );
}

#[test]
fn windows_that_are_shorter_than_a_restart() {
    let window = |duration| json!({"schedule": "0 2 * * *", "duration": duration});
    let windows = ["6m9s", "6m10s", "1m"].map(window);
    let expected = [0, 2].map(|index| {
        format!(
            "spec.remediation.windows[{index}] is shorter than a typical restart (about 6 minutes): a restart that begins in it ends after \
             the window closes"
        )
    });
    assert_eq!(
        warnings(json!({"remediation": {"windows": windows}})),
        expected
    );
}
