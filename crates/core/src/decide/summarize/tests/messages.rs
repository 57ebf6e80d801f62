//! The messages of the conditions.

use super::*;

#[test]
fn messages_say_what_was_found() {
    use TargetState::{AccessDenied, RegionDisabled, Unreachable};
    let clean = after_scan(&[scanned(vec![compliant("a")])]);
    assert_eq!(message(&clean, "Ready"), "1 account and region read");
    assert_eq!(
        message(&clean, "Compliant"),
        "every notebook is compliant, 1 in all"
    );

    let disabled = snapshot(ACCOUNT, "us-east-1", RegionDisabled, vec![]);
    let both = after_scan(&[
        scanned(vec![violation("a"), violation("b")]),
        disabled,
        other(AccessDenied),
    ]);
    assert_eq!(
        message(&both, "Ready"),
        "1 of 3 accounts and regions read; not read: 444455556666/eu-west-1 (AccessDenied), 111122223333/us-east-1 \
         (RegionDisabled)"
    );
    assert_eq!(
        message(&both, "Compliant"),
        "2 notebooks give their users root: 111122223333/eu-west-1/a, 111122223333/eu-west-1/b; 1 account and region could \
         not be read"
    );

    let first = during_first_scan(
        2,
        &[
            scanned(vec![]),
            other(Unreachable),
            snapshot(OTHER, "us-east-1", Unreachable, vec![]),
        ],
    );
    assert_eq!(
        message(&first, "Ready"),
        "first scan: 1 of 3 accounts and regions read so far"
    );
    assert_eq!(message(&first, "Reconciling"), message(&first, "Ready"));
    assert_eq!(
        message(&first, "Compliant"),
        "2 accounts and regions have not been read yet"
    );

    let unknown = after_scan(&[scanned(vec![
        unread("a", AccessDenied),
        unread("b", AccessDenied),
    ])]);
    assert_eq!(
        message(&unknown, "Compliant"),
        "2 notebooks could not be judged"
    );
    let none = after_scan(&[other(RegionDisabled)]);
    assert_eq!(
        message(&none, "Compliant"),
        "no account and region has been read"
    );
}

#[test]
fn ready_tells_of_warnings() {
    let exemption = json!({"reason": "why", "names": ["x"]});
    let patch = json!({"mode": "Enforce", "exemptions": [exemption]});
    let status = summarized(
        patch,
        &[scanned(vec![])],
        Progress::Scanned { at: now() },
        pass(None),
    );
    assert_eq!(conditions(&status)[0], "True/Scanned");
    assert_eq!(
        message(&status, "Ready"),
        "1 account and region read; warning: spec.exemptions[0] matches no notebook"
    );
}

#[test]
fn messages_are_bounded() {
    let long = "ü".repeat(5000);
    let status = invalid(&long, pass(None));
    assert_eq!(message(&status, "Ready"), format!("{}…", "ü".repeat(2048)));
    let names: Vec<Notebook> = (0..300)
        .map(|index| violation(&format!("{index:03}")))
        .collect();
    let many = message(&after_scan(&[scanned(names)]), "Compliant");
    assert!(
        many.ends_with("/003, 111122223333/eu-west-1/004 and 295 more"),
        "{many}"
    );
}
