//! Running notebooks that AWS would not start again are not stopped (promise P2).

use super::*;
use crate::{
    decide::summarize,
    domain::{CURRENT_PLATFORM, RetiredPlatforms},
};

/// Returns `churn` on a platform, with accelerators.
fn on(platform: Option<&str>, accelerators: &[&str], status: &str) -> Notebook {
    let mut notebook = notebook(HERE, "churn", status);
    let details = notebook.details.as_mut().unwrap();
    details.platform = platform.map(str::to_owned);
    details.accelerators = accelerators.iter().map(ToString::to_string).collect();
    notebook
}

/// Returns the findings of `notebook` after a pass in both modes, and true if a record was created.
fn concluded(
    notebook: &Notebook,
    (patch, records, retired): (&Value, &[Record], &RetiredPlatforms),
) -> (bool, Evaluation) {
    let enforcing = enforcing(patch);
    let auditing = Policy {
        mode: Mode::Audit,
        ..enforcing.clone()
    };
    let [(_, preview), (is_claimed, evaluation)] = [auditing, enforcing].map(|policy| {
        let policies = Policies {
            retired_platforms: retired.clone(),
            ..policies(&[&policy])
        };
        let evaluation = found(&policy, &[(HERE, vec![notebook.clone()])]);
        let claims = claims(&policy, &evaluation, &policies, records);
        let evaluation = concluded_with(&policy, &policies, evaluation, records);
        (!claims.is_empty(), evaluation)
    });
    let said = |evaluation: &Evaluation| {
        let finding = &evaluation.findings[0];
        (
            finding.next,
            finding.reason.clone(),
            finding.message.clone(),
        )
    };
    assert_eq!(said(&preview), said(&evaluation), "Audit says the same");
    (is_claimed, evaluation)
}

fn default() -> RetiredPlatforms {
    RetiredPlatforms::default()
}

/// Returns the message of `churn` if it is not restartable. `None`: a record is created.
fn obstacle(notebook: &Notebook, patch: &Value, retired: &RetiredPlatforms) -> Option<String> {
    let (is_claimed, evaluation) = concluded(notebook, (patch, &[], retired));
    let finding = &evaluation.findings[0];
    let waits = finding.next == Next::Wait(WaitReason::NotRestartable);
    assert_ne!(is_claimed, waits, "{finding:?}");
    let summary = summarize(
        &enforcing(patch),
        &evaluation,
        crate::decide::Progress::Scanned { at: now() },
        crate::decide::Pass {
            generation: 1,
            previous: None,
            now: now(),
        },
    );
    let counted = summary.summary.unwrap().not_restartable;
    assert_eq!(counted, u32::from(waits), "{finding:?}");
    waits.then(|| finding.message.clone().unwrap())
}

#[test]
fn a_running_notebook_is_stopped_only_if_aws_starts_it_again() {
    let none = json!({});
    for (platform, accelerators, part) in [
        (Some(CURRENT_PLATFORM), &[][..], None),
        (Some("notebook-al2027-v1"), &[], None),
        (
            Some("notebook-al2-v3"),
            &[],
            Some(
                "because its platform notebook-al2-v3 is retired since 2026-07-01. To fix it, migrate the notebook while it is stopped",
            ),
        ),
        (
            Some("notebook-al2-v4"),
            &[],
            Some("notebook-al2-v4 is retired. To fix it, migrate"),
        ),
        (
            Some("notebook-al1-v1"),
            &[],
            Some(
                "notebook-al1-v1 is retired since 2024-03-31. To fix it, create a new notebook on notebook-al2023-v1",
            ),
        ),
        (None, &[], Some("names no platform")),
        (
            Some(CURRENT_PLATFORM),
            &["ml.eia1.medium"],
            Some("the Elastic Inference accelerator ml.eia1.medium"),
        ),
    ] {
        let said = obstacle(&on(platform, accelerators, "InService"), &none, &default());
        assert_eq!(
            said.is_some(),
            part.is_some(),
            "{platform:?} {accelerators:?}"
        );
        let said = said.unwrap_or_default();
        assert!(said.contains(part.unwrap_or_default()), "{said}");
        // A stopped notebook is updated, because it is never started.
        let stopped = on(platform, accelerators, "Stopped");
        assert_eq!(obstacle(&stopped, &none, &default()), None, "{platform:?}");
    }
}

#[test]
fn the_list_of_retired_platforms_can_be_replaced() {
    let none = json!({});
    let list: RetiredPlatforms = "notebook-al2023-v1,notebook-x-*".parse().unwrap();
    for (platform, is_retired) in [
        (CURRENT_PLATFORM, true),
        ("notebook-x-v1", true),
        ("notebook-al2-v3", false),
        ("notebook-al1-v1", false),
    ] {
        let said = obstacle(&on(Some(platform), &[], "InService"), &none, &list);
        assert_eq!(said.is_some(), is_retired, "{platform}");
    }
    // A notebook without a reported platform is not restarted, whatever the list.
    assert!(obstacle(&on(None, &[], "InService"), &none, &list).is_some());
}

/// The record's reason comes first. All reasons of the policy come later. The owner is not asked to
/// stop a notebook that cannot be started again.
#[test]
fn it_is_asked_after_the_record_and_before_the_policy() {
    let retired = on(Some("notebook-al2-v3"), &[], "InService");
    let own = |state| [record(HERE, &retired, state)];
    let waits = json!({"remediation": {"whenRunning": "Wait"}});
    let closed =
        json!({"remediation": {"windows": [{"schedule": "0 2 * * SAT", "duration": "4h"}]}});
    let none = json!({});
    for (patch, records, reason) in [
        (&waits, &[][..], "NotRestartable"),
        (&closed, &[], "NotRestartable"),
        (&none, &own(RecordState::Failed), "NotRestartable"),
        (&none, &own(RecordState::Stopping), "Remediating"),
    ] {
        let (is_claimed, evaluation) = concluded(&retired, (patch, records, &default()));
        assert!(!is_claimed, "{patch}");
        let said = evaluation.findings[0].reason.as_deref();
        assert_eq!(said, Some(reason), "{patch} {records:?}");
    }
    // The notebook waits for no budget, and takes none from others.
    let policy = enforcing(&json!({}));
    let fleet = [(
        HERE,
        vec![retired.clone(), notebook(HERE, "zoo", "InService")],
    )];
    assert_eq!(claimed(&policy, &fleet, &[]), ["zoo"]);
}

/// A claim judges the fresh description. The platform may have been retired, or read differently,
/// since the scan.
#[test]
fn a_claim_judges_the_platform_anew() {
    let policy = enforcing(&json!({}));
    let evaluation = found(
        &policy,
        &[(HERE, vec![on(Some(CURRENT_PLATFORM), &[], "InService")])],
    );
    let policies = policies(&[&policy]);
    let circumstances = at_present(&policy, &policies);
    let mut queue = Queue::new(circumstances, &evaluation, &[], None);
    let candidate = queue.next().unwrap();
    let (account, region) = (&candidate.account, &candidate.region);
    let reread = on(Some("notebook-al2-v3"), &[], "InService");
    let wait = admit(
        &policy,
        (&policies, &Usage::of(&policy.name, [])),
        (account, region),
        &reread,
        (now(), Evaluate::Live),
    )
    .unwrap_err();
    assert_eq!(wait.next, Next::Wait(WaitReason::NotRestartable));
    queue.executed.add_blocked(&candidate, wait);
    let evaluation = conclude(circumstances, evaluation, queue.executed);
    assert_eq!(
        evaluation.findings[0].reason.as_deref(),
        Some("NotRestartable")
    );
    assert_eq!(evaluation.targets[0].not_restartable, 1);
}
