//! The known duration of a violation.

use super::*;

#[test]
fn the_oldest_violation_is_the_one_unchanged_for_the_longest_time() {
    let changed = |name, root_access, seconds: i64| {
        let mut changed = notebook(name, "InService", root_access);
        let at = (seconds > 0).then(|| Timestamp::from_second(seconds).unwrap());
        changed.summary.last_modified = at;
        changed
    };
    let oldest = |notebooks| {
        let policy = policy(json!({"exemptions": [{"reason": "why", "names": ["legacy-*"]}]}));
        let report = evaluate(&policy, &[scanned(notebooks)], now())
            .targets
            .remove(0);
        report.oldest_violation.map(Timestamp::as_second)
    };
    assert_eq!(oldest(vec![]), None);
    // Compliant, exempt and unknown notebooks violate nothing. An absent time is not an early time.
    let others = || {
        vec![
            changed("fine", RootAccess::Disabled, 10),
            changed("legacy-etl", RootAccess::Enabled, 20),
            changed("odd", RootAccess::Unknown, 30),
            changed("timeless", RootAccess::Enabled, 0),
        ]
    };
    assert_eq!(oldest(others()), None);
    let mut notebooks = others();
    notebooks.push(changed("young", RootAccess::Enabled, 60));
    notebooks.push(changed("old", RootAccess::Enabled, 50));
    notebooks.push(changed("middle", RootAccess::Enabled, 55));
    assert_eq!(oldest(notebooks), Some(50));
}
