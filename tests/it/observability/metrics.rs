//! The metrics page: facts become series, vanish, keep to the rules and to the documentation.

use std::collections::BTreeSet;

use strum::VariantArray;
use sudoless::{
    aws::Outcome,
    domain::{PolicyName, RecordState, TargetState, WaitReason},
    observability::{Metrics, PolicyFacts, ReconciliationResult},
};

use super::{
    fixture::{busy_metrics, denied, facts, metrics, remediating_metrics, scanned},
    lint,
};

/// The lines of one family, without its headers.
fn series(metrics: &Metrics, family: &str) -> Vec<String> {
    let page = metrics.render().unwrap();
    page.lines()
        .filter(|line| line.starts_with(&format!("{family}{{")))
        .map(|line| line.strip_prefix(family).unwrap().to_owned())
        .collect()
}

#[test]
fn a_policys_facts_are_its_series() {
    let metrics = busy_metrics();
    assert_eq!(
        series(&metrics, "sudoless_notebooks"),
        [
            r#"{policy="no-root",account="111122223333",region="eu-west-1",verdict="Compliant"} 17"#,
            r#"{policy="no-root",account="111122223333",region="eu-west-1",verdict="Exempt"} 1"#,
            r#"{policy="no-root",account="111122223333",region="eu-west-1",verdict="NonCompliant"} 2"#,
            r#"{policy="no-root",account="111122223333",region="eu-west-1",verdict="Unknown"} 0"#,
            r#"{policy="strict",account="111122223333",region="eu-west-1",verdict="Compliant"} 17"#,
            r#"{policy="strict",account="111122223333",region="eu-west-1",verdict="Exempt"} 0"#,
            r#"{policy="strict",account="111122223333",region="eu-west-1",verdict="NonCompliant"} 3"#,
            r#"{policy="strict",account="111122223333",region="eu-west-1",verdict="Unknown"} 0"#,
        ]
    );
    assert_eq!(
        series(&metrics, "sudoless_notebooks_with_lifecycle_config"),
        [
            r#"{policy="no-root",account="111122223333",region="eu-west-1"} 1"#,
            r#"{policy="strict",account="111122223333",region="eu-west-1"} 1"#,
        ]
    );
    assert_eq!(
        series(&metrics, "sudoless_notebooks_not_restartable"),
        [
            r#"{policy="no-root",account="111122223333",region="eu-west-1"} 1"#,
            r#"{policy="strict",account="111122223333",region="eu-west-1"} 1"#,
        ]
    );
    assert_eq!(
        series(&metrics, "sudoless_targets")[..6],
        [
            r#"{policy="no-root",state="AccessDenied"} 1"#,
            r#"{policy="no-root",state="InvalidCredentials"} 0"#,
            r#"{policy="no-root",state="RegionDisabled"} 0"#,
            r#"{policy="no-root",state="Scanned"} 2"#,
            r#"{policy="no-root",state="Throttled"} 0"#,
            r#"{policy="no-root",state="Unreachable"} 0"#,
        ]
    );
    assert_eq!(
        series(&metrics, "sudoless_target_last_success_timestamp_seconds"),
        [
            r#"{policy="no-root",account="111122223333",region="eu-west-1"} 1800000000"#,
            r#"{policy="no-root",account="111122223333",region="us-east-1"} 1800000000"#,
            r#"{policy="strict",account="111122223333",region="eu-west-1"} 1800000000"#,
        ]
    );
    assert_eq!(
        series(&metrics, "sudoless_oldest_violation_timestamp_seconds"),
        [
            r#"{policy="no-root",account="111122223333",region="eu-west-1"} 1799913600"#,
            r#"{policy="strict",account="111122223333",region="eu-west-1"} 1799913600"#,
        ]
    );
    assert_eq!(
        series(&metrics, "sudoless_exemption_expiry_timestamp_seconds"),
        [r#"{policy="strict",exemption="2"} 1800086400"#]
    );
    assert_eq!(
        series(&metrics, "sudoless_policy_last_scan_timestamp_seconds"),
        [
            r#"{policy="no-root"} 1800000000"#,
            r#"{policy="strict"} 1800000000"#
        ]
    );
    assert_eq!(
        series(&metrics, "sudoless_policy_scan_interval_seconds"),
        [r#"{policy="no-root"} 600"#, r#"{policy="strict"} 600"#]
    );
    assert_eq!(
        series(&metrics, "sudoless_policy_info"),
        [
            r#"{policy="no-root",mode="Audit",suspended="false"} 1"#,
            r#"{policy="strict",mode="Enforce",suspended="true"} 1"#,
        ]
    );
}

#[test]
fn series_vanish_with_the_target_and_with_the_policy() {
    let metrics = busy_metrics();
    let policy = PolicyName::from("no-root");

    metrics.published(
        &policy,
        facts(vec![scanned("111122223333", "us-east-1", [1, 0, 0, 0])]),
    );
    let page = metrics.render().unwrap();
    assert!(!page.contains("444455556666"), "{page}");
    assert!(!page.contains(r#"policy="no-root",account="111122223333",region="eu-west-1""#));
    assert!(page.contains(r#"policy="no-root",account="111122223333",region="us-east-1""#));
    assert!(page.contains(r#"policy="strict",account="111122223333",region="eu-west-1""#));

    metrics.forget(&policy);
    let page = metrics.render().unwrap();
    assert!(!page.contains("no-root"), "{page}");
    assert!(page.contains(r#"policy="strict""#));

    metrics.forget(&PolicyName::from("strict"));
    assert!(!metrics.render().unwrap().contains("policy=\""));
}

#[test]
fn what_was_never_scanned_has_no_timestamp() {
    let metrics = metrics();
    let never = PolicyFacts {
        last_scan: None,
        ..facts(vec![denied("111122223333", "*")])
    };
    metrics.published(&PolicyName::from("new"), never);
    let page = metrics.render().unwrap();
    assert!(!page.contains("timestamp_seconds{"), "{page}");
    assert!(
        page.contains(r#"sudoless_policy_info{policy="new",mode="Audit",suspended="false"} 1"#)
    );
}

#[test]
fn label_values_are_escaped() {
    let metrics = metrics();
    let hostile = "a\"} 1\nevil{x=\"\\";
    metrics.published(
        &PolicyName::from(hostile),
        facts(vec![scanned("111122223333", "eu-west-1", [1; 4])]),
    );
    let page = metrics.render().unwrap();
    assert!(!page.lines().any(|line| line.starts_with("evil")), "{page}");
    let families = lint::families(&page);
    for series in &families["sudoless_notebooks"].series {
        assert_eq!(lint::parse_series(series).1["policy"], hostile);
    }
    assert_eq!(lint::lint(&page), Vec::<String>::new());
}

#[test]
fn the_page_passes_the_lint() {
    assert_eq!(
        lint::lint(&remediating_metrics().render().unwrap()),
        Vec::<String>::new()
    );
}

#[test]
fn the_lint_finds_what_it_looks_for() {
    let header =
        |name: &str, kind: &str| format!("# HELP {name} What it is about.\n# TYPE {name} {kind}\n");
    for (page, problem) in [
        (
            "# TYPE sudoless_x gauge\nsudoless_x 1\n".to_owned(),
            "sudoless_x: no HELP",
        ),
        (
            "# HELP sudoless_x What it is about.\nsudoless_x 1\n".into(),
            "sudoless_x: no TYPE",
        ),
        (
            header("sudoless_x", "counter") + "sudoless_x 1\n",
            "sudoless_x: _total",
        ),
        (
            header("sudoless_x_total", "gauge") + "sudoless_x_total 1\n",
            "sudoless_x_total: _total",
        ),
        (
            header("sudoless_wait_ms", "gauge") + "sudoless_wait_ms 1\n",
            "sudoless_wait_ms: not a base unit",
        ),
        (
            header("sudoless_Wait", "gauge") + "sudoless_Wait 1\n",
            "sudoless_Wait: not snake case",
        ),
        (
            header("sudoless_x", "gauge") + "sudoless_x{aB=\"\"} 1\n",
            "sudoless_x: a label is not snake case",
        ),
        (
            header("sudoless_x_count", "gauge") + "sudoless_x_count 1\n",
            "sudoless_x_count: a suffix",
        ),
        (
            header("sudoless_duration", "gauge") + "sudoless_duration 1\n",
            "sudoless_duration: a duration",
        ),
        (
            header("sudoless_timestamp", "gauge") + "sudoless_timestamp 1\n",
            "sudoless_timestamp: a timestamp",
        ),
        (
            header("sudoless_gauge", "gauge") + "sudoless_gauge 1\n",
            "sudoless_gauge: its type",
        ),
        (header("other", "gauge") + "other 1\n", "other: not ours"),
        (header("sudoless_x", "gauge"), "sudoless_x: no series"),
        (
            header("sudoless_x", "gauge")
                + "sudoless_x{a=\"1\",b=\"2\"} 1\nsudoless_x{b=\"2\",a=\"1\"} 2\n",
            "sudoless_x: a series is there twice",
        ),
    ] {
        let problems = lint::lint(&page);
        assert_eq!(problems.len(), 1, "{problems:?} in\n{page}");
        assert!(problems[0].starts_with(problem), "{problems:?} in\n{page}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_documentation_lists_what_is_served_and_nothing_else() {
    let documentation = include_str!("../../../docs/metrics.md");
    let documented: BTreeSet<_> = documentation
        .lines()
        .filter(|line| line.starts_with("| `sudoless_") || line.starts_with("| `process_"))
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 7, "{row}");
            let labels: BTreeSet<_> = cells[3]
                .split('`')
                .filter(|label| !label.trim().is_empty())
                .collect();
            format!("{} {} {labels:?}", cells[1].trim_matches('`'), cells[2])
        })
        .collect();
    let served: BTreeSet<_> = lint::families(&remediating_metrics().render().unwrap())
        .into_iter()
        .map(|(name, family)| format!("{name} {} {:?}", family.kind.unwrap(), family.labels))
        .collect();
    assert_eq!(documented, served);
    for value in TargetState::VARIANTS
        .iter()
        .copied()
        .map(TargetState::as_str)
        .chain(Outcome::VARIANTS.iter().copied().map(Outcome::as_str))
        .chain(
            ReconciliationResult::VARIANTS
                .iter()
                .copied()
                .map(ReconciliationResult::as_str),
        )
        .chain(
            RecordState::VARIANTS
                .iter()
                .copied()
                .map(RecordState::as_str),
        )
        .chain(WaitReason::VARIANTS.iter().copied().map(WaitReason::as_str))
    {
        assert!(
            documentation.contains(&format!("`{value}`")),
            "{value} is not documented"
        );
    }
}
