//! What could not be read is never as good as compliant: it has an exit code of its own and is
//! named, in every format.

use sagemaker_simulator::{Account, Effect, Fault, Fleet, Notebook, Operation};
use serde_json::{Value, json};

use super::program::{Scanned, by_flags, notebook, scan, simulate};
use crate::support::small::{ACCOUNT, OTHER_REGION, REGION, fleet, rootless};

/// Scans a fleet in which nobody has root, with faults, in a format.
fn scan_as(format: &str, faults: &[Fault], notebooks: &[Notebook], more: &[&str]) -> Scanned {
    let fleet = faults
        .iter()
        .cloned()
        .fold(fleet(notebooks.iter().cloned()), Fleet::fault);
    let mut arguments = by_flags(&["-o", format]);
    arguments.extend(more);
    scan(&simulate(fleet), &arguments)
}

/// That a fleet in which nobody has root is not found compliant, and that what is not known is
/// named everywhere; returns the report.
#[track_caller]
fn is_named(names: &[&str], faults: &[Fault], notebooks: &[Notebook], more: &[&str]) -> Value {
    for format in ["table", "csv", "junit", "yaml"] {
        let scanned = scan_as(format, faults, notebooks, more).expect(4);
        for name in names {
            assert!(scanned.stdout.contains(name), "{name}: {}", scanned.stdout);
        }
    }
    let scanned = scan_as("json", faults, notebooks, more).expect(4);
    for name in names {
        assert!(scanned.stderr.contains(name), "{name}: {}", scanned.stderr);
    }
    let report = scanned.json();
    assert_eq!(report["complete"], false);
    assert_eq!(report["summary"]["nonCompliant"], 0);
    report
}

#[test]
fn a_fleet_without_root_passes() {
    let scanned = scan_as("json", &[], &[rootless("tame")], &[]).expect(0);
    assert_eq!(scanned.json()["complete"], true);
    assert_eq!(scanned.stderr, "");
}

#[test]
fn a_notebook_that_is_denied() {
    let denied = Fault::new(Effect::Deny)
        .operation(Operation::DescribeNotebookInstance)
        .notebook("secret");
    let report = is_named(
        &["secret"],
        &[denied],
        &[rootless("secret"), rootless("tame")],
        &[],
    );
    let secret = notebook(&report, "secret");
    assert_eq!(secret["verdict"], "Unknown");
    assert_eq!(secret["reason"], "AccessDenied");
    assert!(secret["why"].is_string() && secret["remedy"]["steps"][0]["what"].is_string());
    assert_eq!(notebook(&report, "tame")["verdict"], "Compliant");
}

#[test]
fn an_account_that_is_denied() {
    let denied = Fault::new(Effect::Deny).operation(Operation::AssumeRole);
    let report = is_named(
        &[ACCOUNT, "AccessDenied"],
        &[denied],
        &[rootless("tame")],
        &[],
    );
    assert_eq!(report["summary"]["unreadableTargets"], 2);
    let target = &report["policies"][0]["targets"][0];
    assert_eq!(
        (&target["state"], &target["role"]),
        (&json!("AccessDenied"), &json!("sudoless"))
    );
    assert!(target["advice"].is_string() && target["counts"].is_null());
}

#[test]
fn a_region_whose_list_is_denied_beside_one_that_is_read() {
    let denied = Fault::new(Effect::Deny)
        .operation(Operation::ListNotebookInstances)
        .region(OTHER_REGION);
    let report = is_named(&[OTHER_REGION], &[denied], &[rootless("tame")], &[]);
    assert_eq!(report["summary"]["unreadableTargets"], 1);
    assert_eq!(notebook(&report, "tame")["verdict"], "Compliant");
}

#[test]
fn notebooks_that_are_throttled_to_the_end() {
    let throttled = Fault::new(Effect::Throttle {
        rate: 0.01,
        burst: 1.0,
    })
    .operation(Operation::DescribeNotebookInstance);
    let notebooks = [rootless("one"), rootless("two")];
    let short = ["--target-deadline", "2s"];
    let report = is_named(&["Throttled"], &[throttled], &notebooks, &short);
    assert_eq!(report["summary"]["unknown"], 1);
    assert_eq!(report["summary"]["compliant"], 1);
}

#[test]
fn a_notebook_that_vanishes_between_list_and_describe() {
    let vanish = Fault::new(Effect::Vanish).notebook("fleeting");
    let report = is_named(
        &["fleeting"],
        &[vanish],
        &[rootless("fleeting"), rootless("tame")],
        &[],
    );
    let message = notebook(&report, "fleeting")["message"].as_str().unwrap();
    assert!(
        message.contains("it was listed, and then it was not there"),
        "{message}"
    );
}

#[test]
fn a_notebook_of_which_aws_does_not_say_it() {
    for said in ["absent", "Sometimes"] {
        let report = is_named(
            &["silent"],
            &[],
            &[rootless("silent").root_access(said)],
            &[],
        );
        assert_eq!(notebook(&report, "silent")["reason"], "RootAccessUnknown");
    }
}

#[test]
fn a_region_that_does_not_answer() {
    let hang = Fault::new(Effect::Hang)
        .operation(Operation::ListNotebookInstances)
        .region(OTHER_REGION);
    let hasty = ["--request-timeout", "200ms"];
    is_named(
        &["Unreachable", OTHER_REGION],
        &[hang],
        &[rootless("tame")],
        &hasty,
    );
}

#[test]
fn credentials_that_are_not_valid() {
    let invalid = Fault::new(Effect::InvalidKeys);
    is_named(
        &["InvalidCredentials"],
        &[invalid],
        &[rootless("tame")],
        &[],
    );
}

#[test]
fn regions_that_cannot_be_listed() {
    let denied = Fault::new(Effect::Deny).operation(Operation::ListRegions);
    let simulator = simulate(fleet([rootless("tame")]).fault(denied));
    let every = ["--account", ACCOUNT, "--role", "sudoless", "--region", "*"];
    let scanned = scan(&simulator, &every).expect(4);
    assert!(
        scanned.stdout.contains("account:ListRegions"),
        "{}",
        scanned.stdout
    );
}

/// A region that is not enabled has no notebooks, and is shown.
#[test]
fn a_region_that_is_not_enabled_passes_and_is_named() {
    let account = Account::new(ACCOUNT).role("sudoless").regions([REGION]);
    let simulator = simulate(Fleet::new().account(account).notebook(rootless("tame")));
    let scanned = scan(&simulator, &by_flags(&[])).expect(0);
    assert!(
        scanned
            .stdout
            .contains("Not enabled, so without notebooks: 111122223333/eu-west-1"),
        "{}",
        scanned.stdout
    );
}

/// The same answer counts where `ListRegions` lists the region as enabled.
#[test]
fn a_region_that_is_listed_as_enabled_and_answers_otherwise() {
    let disabled = Fault::new(Effect::DisableRegion)
        .operation(Operation::ListNotebookInstances)
        .region(OTHER_REGION);
    let simulator = simulate(fleet([rootless("tame")]).fault(disabled));
    let every = ["--account", ACCOUNT, "--role", "sudoless", "--region", "*"];
    let scanned = scan(&simulator, &every).expect(4);
    for said in ["Unreachable", OTHER_REGION, "ListRegions"] {
        assert!(scanned.stdout.contains(said), "{said}: {}", scanned.stdout);
    }
}

/// Which code wins is the user's choice; that there is one is not, but by `never`.
#[test]
fn fail_on_decides_what_a_mixture_means() {
    let mixture = || {
        let denied = Fault::new(Effect::Deny).notebook("secret");
        let notebooks = [
            rootless("secret"),
            rootless("rooted").root_access("Enabled"),
        ];
        simulate(fleet(notebooks).fault(denied))
    };
    let unread = || {
        let denied = Fault::new(Effect::Deny).notebook("secret");
        simulate(fleet([rootless("secret")]).fault(denied))
    };
    let violation = || simulate(fleet([rootless("rooted").root_access("Enabled")]));
    for (fail_on, codes) in [
        (None, [4, 4, 3]),
        (Some("unknown"), [4, 4, 3]),
        (Some("violation"), [3, 4, 3]),
        (Some("never"), [0, 0, 0]),
    ] {
        let mut arguments = by_flags(&[]);
        arguments.extend(fail_on.iter().flat_map(|what| ["--fail-on", *what]));
        for (simulator, code) in [mixture(), unread(), violation()].iter().zip(codes) {
            scan(simulator, &arguments).expect(code);
        }
    }
}
