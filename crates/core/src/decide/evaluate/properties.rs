//! Properties of every policy and every fleet.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use strum::VariantArray;

use super::*;
use crate::decide::fixtures::{
    arbitrary::{any_policy, any_snapshots},
    now,
};

fn key(finding: &Finding) -> (String, String) {
    (
        finding.target.to_string(),
        finding.notebook.summary.name.clone(),
    )
}

fn matches(matcher: &crate::domain::Matcher, snapshot: &Snapshot, notebook: &Notebook) -> Match {
    let TargetRegion::Named(region) = &snapshot.target.region else {
        panic!("{:?}", snapshot.target)
    };
    matcher.matches(&snapshot.target.account, Some(region), notebook)
}

fn notebooks(snapshots: &[Arc<Snapshot>]) -> impl Iterator<Item = (&Snapshot, &Notebook)> {
    snapshots.iter().flat_map(|snapshot| {
        snapshot
            .notebooks
            .iter()
            .map(|notebook| (&**snapshot, &**notebook))
    })
}

proptest! {
    /// Promise P1.
    #[test]
    fn unknown_is_never_compliant(policy in any_policy(), snapshots in any_snapshots()) {
        for finding in evaluate(&policy, &snapshots, now()).findings {
            let notebook = &finding.notebook;
            let root_access = notebook.details.as_ref().map(|details| details.root_access);
            if !matches!(root_access, Ok(RootAccess::Enabled | RootAccess::Disabled)) {
                prop_assert_eq!(finding.verdict, Verdict::Unknown, "{:?}", notebook);
            }
            if finding.verdict == Verdict::Compliant {
                prop_assert_eq!(root_access, Ok(RootAccess::Disabled), "{:?}", notebook);
            }
            if finding.verdict == Verdict::Unknown {
                prop_assert_eq!(finding.next, Next::None);
            }
            prop_assert_eq!(finding.verdict == Verdict::Compliant, finding.reason.is_none());
            prop_assert_eq!(finding.reason.is_none(), finding.message.is_none());
        }
    }

    #[test]
    fn what_is_selected_gets_one_finding(policy in any_policy(), snapshots in any_snapshots()) {
        let evaluation = evaluate(&policy, &snapshots, now());
        let found: Vec<_> = evaluation.findings.iter().map(key).collect();
        let mut in_scope: Vec<_> = notebooks(&snapshots)
            .filter(|(snapshot, notebook)| matches(&policy.selector, snapshot, notebook) != Match::No)
            .map(|(snapshot, notebook)| (snapshot.target.to_string(), notebook.summary.name.clone()))
            .collect();
        in_scope.sort();
        prop_assert_eq!(found, in_scope);
    }

    #[test]
    fn reports_add_up(policy in any_policy(), snapshots in any_snapshots()) {
        let evaluation = evaluate(&policy, &snapshots, now());
        let mut targets: Vec<_> = snapshots.iter().map(|snapshot| &snapshot.target).collect();
        targets.sort();
        prop_assert_eq!(evaluation.targets.iter().map(|report| &*report.target).collect::<Vec<_>>(), targets);
        for report in &evaluation.targets {
            let here: Vec<_> = evaluation.findings.iter().filter(|finding| finding.target == report.target).collect();
            prop_assert_eq!(report.notebooks as usize, here.len());
            for &verdict in Verdict::VARIANTS {
                let count = here.iter().filter(|finding| finding.verdict == verdict).count();
                prop_assert_eq!(report.count(verdict) as usize, count, "{}", verdict);
            }
            let scripted = here.iter().filter(|finding| finding.notebook.lifecycle_config().is_some()).count();
            prop_assert_eq!(report.lifecycle_configs as usize, scripted);
        }
    }

    #[test]
    fn the_order_of_snapshots_does_not_matter(policy in any_policy(), mut snapshots in any_snapshots()) {
        let one = format!("{:?}", evaluate(&policy, &snapshots, now()));
        snapshots.reverse();
        prop_assert_eq!(format!("{:?}", evaluate(&policy, &snapshots, now())), one);
    }

    #[test]
    fn an_expired_exemption_is_as_good_as_none(policy in any_policy(), snapshots in any_snapshots()) {
        let mut without = policy.clone();
        without.exemptions.retain(|exemption| exemption.expires_at.is_none_or(|expiry| expiry > now()));
        let evaluation = evaluate(&policy, &snapshots, now());
        prop_assert_eq!(
            format!("{:?}", evaluation.findings),
            format!("{:?}", evaluate(&without, &snapshots, now()).findings)
        );
        let by_key: BTreeMap<_, _> =
            evaluation.findings.iter().map(|finding| (key(finding), finding.verdict)).collect();
        for (snapshot, notebook) in notebooks(&snapshots) {
            let verdict = by_key.get(&(snapshot.target.to_string(), notebook.summary.name.clone()));
            let exempt = without
                .exemptions
                .iter()
                .any(|exemption| matches(&exemption.matcher, snapshot, notebook) == Match::Yes);
            prop_assert!(verdict != Some(&Verdict::Exempt) || exempt, "{:?}", notebook);
            prop_assert!(verdict != Some(&Verdict::NonCompliant) || !exempt, "{:?}", notebook);
        }
    }

    #[test]
    fn the_next_expiry_is_the_earliest_to_come(policy in any_policy(), snapshots in any_snapshots()) {
        let evaluation = evaluate(&policy, &snapshots, now());
        let to_come = policy.exemptions.iter().filter_map(|exemption| exemption.expires_at).filter(|at| *at > now());
        prop_assert_eq!(evaluation.next_expiry, to_come.min());
        // The result does not change by the passing of time alone until the next expiry.
        if let Some(expiry) = evaluation.next_expiry {
            let just_before = expiry - jiff::SignedDuration::from_nanos(1);
            prop_assert_eq!(
                format!("{:?}", evaluate(&policy, &snapshots, just_before)),
                format!("{evaluation:?}")
            );
        }
    }
}
