#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod warnings;
mod windows;

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::{
    decide::{
        Opening,
        fixtures::{policy, resource},
        opening,
    },
    domain::{Mode, RepeatedTime, Timeouts, WhenRunning, Window},
};

/// The complete example of the design.
const EXAMPLE: &str = r#"
apiVersion: sudoless.dev/v1alpha1
kind: NotebookRootAccessPolicy
metadata: {name: no-root}
spec:
  mode: Enforce
  suspend: false
  scanInterval: 10m
  accounts:
  - id: "111122223333"
    role: sudoless
    externalId: 8f1c
    regions: [eu-west-1]
  - id: "444455556666"
  regions: [us-east-1, eu-west-1]
  selector:
    names: ["team-a-*"]
    tags: {team: a}
  exemptions:
  - reason: " needs rootful Docker until the image is ported "
    names: [legacy-*]
    expiresAt: "2027-01-31T00:00:00Z"
  remediation:
    whenRunning: Wait
    maxConcurrent: 3
    maxConcurrentPerRegion: 2
    maxFailures: 4
    restAfterStop: 7m
    windows:
    - {schedule: "0 2 * * SAT", duration: 4h, timeZone: Europe/Berlin}
    timeouts: {stop: 31m, update: 16m, start: 61m}
"#;

/// Returns the only error of a spec.
fn refused(patch: &Value) -> String {
    let errors = validate(&resource(patch.clone())).expect_err(&patch.to_string());
    match errors.as_slice() {
        [error] => error.to_string(),
        several => panic!("{patch}: {several:?}"),
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn regions(codes: &[&str]) -> BTreeSet<Region> {
    codes.iter().map(|code| code.parse().unwrap()).collect()
}

/// Returns the time when the first window opens.
fn opens(windows: &[Window], now: &str) -> String {
    match opening(windows, now.parse().unwrap()) {
        Opening::Closed { opens: Some(opens) } => opens.to_string(),
        other => panic!("{now}: {other:?}"),
    }
}

#[test]
fn accepts_the_whole_example() {
    let policy = validate(&serde_saphyr::from_str(EXAMPLE).unwrap()).unwrap();
    assert_eq!(policy.name.as_str(), "no-root");
    assert_eq!(policy.mode, Mode::Enforce);
    assert!(!policy.suspended);
    assert_eq!(policy.scan_interval, Duration::from_mins(10));
    assert_eq!(
        policy.accounts,
        [
            Account {
                id: "111122223333".parse().unwrap(),
                access: Access {
                    role: Some("sudoless".parse().unwrap()),
                    external_id: Some("8f1c".parse().unwrap()),
                },
                regions: Regions::Named(regions(&["eu-west-1"])),
            },
            Account {
                id: "444455556666".parse().unwrap(),
                access: Access::default(),
                regions: Regions::Named(regions(&["eu-west-1", "us-east-1"])),
            },
        ]
    );
    assert_eq!(
        policy.selector,
        Matcher {
            names: Some(Globs::new(&names(&["team-a-*"])).unwrap()),
            tags: [("team".to_owned(), "a".to_owned())].into(),
            ..Matcher::default()
        }
    );
    assert_eq!(
        policy.exemptions,
        [Exemption {
            reason: "needs rootful Docker until the image is ported".to_owned(),
            matcher: Matcher {
                names: Some(Globs::new(&names(&["legacy-*"])).unwrap()),
                ..Matcher::default()
            },
            expires_at: Some("2027-01-31T00:00:00Z".parse().unwrap()),
        }]
    );
    let remediation = &policy.remediation;
    assert_eq!(remediation.when_running, WhenRunning::Wait);
    assert_eq!(remediation.max_concurrent, 3);
    assert_eq!(remediation.max_concurrent_per_region, 2);
    assert_eq!(remediation.max_failures, 4);
    assert_eq!(remediation.rest_after_stop, Duration::from_mins(7));
    assert_eq!(
        remediation.timeouts,
        Timeouts {
            stop: Duration::from_mins(31),
            update: Duration::from_mins(16),
            start: Duration::from_mins(61),
        }
    );
    let [window] = remediation.windows.as_slice() else {
        panic!("{:?}", remediation.windows)
    };
    assert_eq!(window.duration, Duration::from_hours(4));
    assert_eq!(window.time_zone.iana_name(), Some("Europe/Berlin"));
    // 2026-06-01 is a Monday; Berlin is two hours ahead in summer.
    assert_eq!(
        opens(&remediation.windows, "2026-06-01T00:00:00Z"),
        "2026-06-06T00:00:00Z"
    );
    assert_eq!(policy.warnings, []);
}

#[test]
fn absent_fields_have_the_documented_defaults() {
    let policy = policy(json!({}));
    assert_eq!(policy.mode, Mode::Audit);
    assert!(!policy.suspended);
    assert_eq!(policy.scan_interval, Duration::from_mins(10));
    assert_eq!(policy.selector, Matcher::default());
    assert_eq!(policy.exemptions, []);
    assert_eq!(policy.remediation.when_running, WhenRunning::Restart);
    assert_eq!(policy.remediation.max_concurrent, 1);
    assert_eq!(policy.remediation.max_concurrent_per_region, 1);
    assert_eq!(policy.remediation.max_failures, 2);
    assert_eq!(policy.remediation.rest_after_stop, Duration::from_mins(5));
    assert!(policy.remediation.windows.is_empty());
    assert_eq!(
        policy.remediation.timeouts,
        Timeouts {
            stop: Duration::from_mins(30),
            update: Duration::from_mins(15),
            start: Duration::from_hours(1),
        }
    );
}

#[test]
fn a_window_is_in_utc_unless_it_says_otherwise() {
    let policy =
        policy(json!({"remediation": {"windows": [{"schedule": "30 1 * * *", "duration": "1m"}]}}));
    let windows = &policy.remediation.windows;
    assert_eq!(windows[0].time_zone.iana_name(), Some("UTC"));
    assert_eq!(
        opens(windows, "2026-06-01T00:00:00Z"),
        "2026-06-01T01:30:00Z"
    );
}

#[test]
fn every_enabled_region_is_a_star() {
    let policy = policy(json!({"regions": ["*"]}));
    assert_eq!(policy.accounts[0].regions, Regions::Enabled);
}

#[test]
fn refuses_scan_intervals_out_of_range() {
    for interval in ["59s", "24h1s", "-10m"] {
        assert_eq!(
            refused(&json!({"scanInterval": interval})),
            "spec.scanInterval: write a duration from 1m to 24h, such as 10m"
        );
    }
    for interval in ["1m", "24h"] {
        policy(json!({"scanInterval": interval}));
    }
}

#[test]
fn refuses_accounts() {
    let account = |account: Value| json!({"accounts": [{"id": "444455556666"}, account]});
    for (patch, expected) in [
        (
            json!({"accounts": []}),
            "spec.accounts: name 1 to 1000 accounts",
        ),
        (
            json!({"accounts": (0..1001).map(|id| json!({"id": format!("{id:012}")})).collect::<Vec<_>>()}),
            "spec.accounts: name 1 to 1000 accounts",
        ),
        (
            account(json!({"id": "1111"})),
            "spec.accounts[1].id: \"1111\" is not an AWS account: write its twelve digits in quotes, such as \"111122223333\"",
        ),
        (
            account(json!({"id": "444455556666"})),
            "spec.accounts[1].id: account 444455556666 is listed twice: keep one entry, with all its regions",
        ),
        (
            account(json!({"id": "111122223333", "role": "arn:aws:iam::111122223333:role/x"})),
            "spec.accounts[1].role: \"arn:aws:iam::111122223333:role/x\" is not an IAM role: write its name, or its path \
             and name, such as security/sudoless, not an ARN",
        ),
        (
            account(json!({"id": "111122223333", "role": "x", "externalId": "a b"})),
            "spec.accounts[1].externalId: the external id is invalid: write 2 to 1224 letters, digits or _+=,.@:/-",
        ),
        (
            account(json!({"id": "111122223333", "externalId": "8f1c"})),
            "spec.accounts[1].externalId: an external id is sent only when a role is assumed: add the role, or remove the \
             external id",
        ),
    ] {
        assert_eq!(refused(&patch), expected);
    }
}

#[test]
fn refuses_regions() {
    let own = |regions: Value| json!({"regions": null, "accounts": [{"id": "111122223333", "regions": regions}]});
    for (patch, expected) in [
        (
            json!({"regions": null}),
            "spec.accounts[0].regions: the account has no regions: list them here or in spec.regions, or write [\"*\"] for \
             every enabled region",
        ),
        (
            json!({"regions": ["eu-west-1", "Ireland"]}),
            "spec.regions[1]: \"Ireland\" is not an AWS region: write its code, such as eu-west-1",
        ),
        (
            own(json!(["eu-west-1a"])),
            "spec.accounts[0].regions[0]: \"eu-west-1a\" is not an AWS region: write its code, such as eu-west-1",
        ),
        (
            json!({"regions": ["eu-west-1", "*"]}),
            "spec.regions: \"*\" already means every enabled region: write it alone, or list the regions",
        ),
        (
            own(json!(["*", "eu-west-1"])),
            "spec.accounts[0].regions: \"*\" already means every enabled region: write it alone, or list the regions",
        ),
    ] {
        assert_eq!(refused(&patch), expected);
    }
}

#[test]
fn refuses_selectors_and_exemptions() {
    let exemption =
        |exemption: Value| json!({"exemptions": [{"reason": "why", "names": ["a"]}, exemption]});
    for (patch, expected) in [
        (
            json!({"selector": {}}),
            "spec.selector: the selector is empty: give names or tags, or remove it to select every notebook",
        ),
        (
            json!({"selector": {"names": ["ok", "[z-a]"]}}),
            "spec.selector.names[1]: \"[z-a]\" is not a glob: invalid range; 'z' > 'a'; write * for any characters, ? for \
             one, [ab] or {one,two} for a choice",
        ),
        (
            exemption(json!({"reason": " \t", "names": ["a"]})),
            "spec.exemptions[1].reason: say why these notebooks may keep root",
        ),
        (
            exemption(json!({"reason": "why"})),
            "spec.exemptions[1]: the exemption is empty: give names, tags, accounts or regions",
        ),
        (
            exemption(json!({"reason": "why", "names": ["{a"]})),
            "spec.exemptions[1].names[0]: \"{a\" is not a glob: unclosed alternate group; missing '}' (maybe escape '{' with \
             '[{]'?); write * for any characters, ? for one, [ab] or {one,two} for a choice",
        ),
        (
            exemption(json!({"reason": "why", "accounts": ["111122223333", "x"]})),
            "spec.exemptions[1].accounts[1]: \"x\" is not an AWS account: write its twelve digits in quotes, such as \
             \"111122223333\"",
        ),
        (
            exemption(json!({"reason": "why", "regions": ["*"]})),
            "spec.exemptions[1].regions[0]: \"*\" is not an AWS region: write its code, such as eu-west-1",
        ),
    ] {
        assert_eq!(refused(&patch), expected);
    }
}

#[test]
fn refuses_budgets_out_of_range() {
    for field in ["maxConcurrent", "maxConcurrentPerRegion", "maxFailures"] {
        for wrong in [0, 101] {
            assert_eq!(
                refused(&json!({"remediation": {field: wrong}})),
                format!("spec.remediation.{field}: write a number from 1 to 100")
            );
        }
        for right in [1, 100] {
            policy(json!({"remediation": {field: right}}));
        }
    }
}

#[test]
fn refuses_timeouts_out_of_range() {
    for (field, default) in [("stop", "30m"), ("update", "15m"), ("start", "1h")] {
        for wrong in ["9s", "24h1s"] {
            assert_eq!(
                refused(&json!({"remediation": {"timeouts": {field: wrong}}})),
                format!(
                    "spec.remediation.timeouts.{field}: write a duration from 10s to 24h, such as {default}"
                )
            );
        }
        for right in ["10s", "24h"] {
            policy(json!({"remediation": {"timeouts": {field: right}}}));
        }
    }
}

#[test]
fn refuses_a_rest_out_of_range() {
    for wrong in ["24h1s", "25h"] {
        assert_eq!(
            refused(&json!({"remediation": {"restAfterStop": wrong}})),
            "spec.remediation.restAfterStop: write a duration from 0s to 24h, such as 5m"
        );
    }
    for right in ["0s", "90s", "24h"] {
        policy(json!({"remediation": {"restAfterStop": right}}));
    }
}

#[test]
fn tells_all_errors_at_once() {
    let errors = validate(&resource(json!({
        "scanInterval": "1s",
        "accounts": [{"id": "1", "role": "a b"}],
        "regions": ["x"],
        "selector": {"names": ["["]},
        "exemptions": [{"reason": ""}],
        "remediation": {
            "maxConcurrent": 0,
            "windows": [{"schedule": "x", "duration": "1s", "timeZone": "Mars/Olympus"}],
            "timeouts": {"stop": "1s"},
        },
    })))
    .unwrap_err();
    let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "spec.scanInterval",
            "spec.regions[0]",
            "spec.accounts[0].id",
            "spec.accounts[0].role",
            "spec.selector.names[0]",
            "spec.exemptions[0].reason",
            "spec.exemptions[0]",
            "spec.remediation.maxConcurrent",
            "spec.remediation.windows[0].timeZone",
            "spec.remediation.windows[0].schedule",
            "spec.remediation.windows[0].duration",
            "spec.remediation.timeouts.stop",
        ]
    );
}
