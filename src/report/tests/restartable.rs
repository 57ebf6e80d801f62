//! Notebooks that AWS would not start again: their remedies, and their form in each format.

use super::*;
use crate::domain::{NotRestartable, RetiredPlatforms};

/// Returns a violation on a platform, with its remedy.
fn on(platform: &str, status: &str) -> Notebook {
    let obstacle = NotRestartable::PlatformRetired(platform.to_owned());
    let obstacle = RetiredPlatforms::default()
        .contains(platform)
        .then_some(&obstacle);
    with(obstacle, Some(platform), status)
}

fn with(obstacle: Option<&NotRestartable>, platform: Option<&str>, status: &str) -> Notebook {
    let notebook = Notebook {
        platform: platform.map(str::to_owned),
        reason: Some("NotRestartable".to_owned()),
        ..notebook("churn", Verdict::NonCompliant, status)
    };
    Notebook {
        remedy: remedy::for_notebook(&notebook, None, obstacle),
        ..notebook
    }
}

fn note(notebook: &Notebook) -> &str {
    let remedy = notebook.remedy.as_ref().unwrap();
    remedy.note.as_deref().unwrap()
}

const SEE: &str = "describe-notebook-instance --query '[InstanceType,NotebookInstanceLifecycleConfigName]' --output text";
const MIGRATE: &str =
    "update-notebook-instance --platform-identifier notebook-al2023-v1 --root-access Disabled";

#[test]
fn a_notebook_on_amazon_linux_2_is_migrated_by_the_update() {
    for platform in ["notebook-al2-v1", "notebook-al2-v2", "notebook-al2-v3"] {
        let running = on(platform, "InService");
        let restart = [SEE, STOP, STOPPED, MIGRATE, STOPPED, LOOK, START, RUNS];
        assert_eq!(commands(&running), restart, "{platform}");
        for part in [
            platform,
            "cannot be undone",
            "ml.p3dn",
            "ml.inf1",
            "dnf",
            "/home/ec2-user/SageMaker",
        ] {
            assert!(note(&running).contains(part), "{part}: {}", note(&running));
        }
        // AWS would reject a Start.
        assert!(!note(&running).contains("start the notebook anyway"));
        let pending = commands(&on(platform, "Pending"));
        assert_eq!(pending, [&[RUNS][..], &restart].concat(), "{platform}");
    }
    assert_eq!(
        commands(&on("notebook-al2023-v1", "InService")),
        [STOP, STOPPED, UPDATE, STOPPED, LOOK, START, RUNS]
    );
}

/// No remedy stops a notebook that AWS would not start again.
#[test]
fn a_notebook_that_cannot_be_migrated_is_not_stopped() {
    let accelerated = NotRestartable::Accelerators(vec!["ml.eia1.medium".to_owned()]);
    for (running, part) in [
        (on("notebook-al1-v1", "InService"), "Create a new notebook"),
        (
            with(Some(&NotRestartable::PlatformUnknown), None, "InService"),
            "If AWS starts that platform",
        ),
        (
            with(Some(&accelerated), Some("notebook-al2023-v1"), "InService"),
            "Create a new notebook",
        ),
    ] {
        let commands = commands(&running);
        assert!(
            commands
                .iter()
                .all(|command| command.starts_with("describe-")),
            "{commands:?}"
        );
        let remedy = running.remedy.as_ref().unwrap();
        assert!(
            remedy.steps.iter().any(|step| step.what.contains(part)),
            "{remedy:?}"
        );
        assert!(
            note(&running).contains("Do not stop the notebook before"),
            "{}",
            note(&running)
        );
    }
}

/// A stopped notebook is fixed like any other, and stays on its platform.
#[test]
fn a_stopped_notebook_keeps_its_platform_and_its_owner_is_told() {
    for (status, expected) in [
        ("Stopped", &[UPDATE, STOPPED, LOOK][..]),
        ("Stopping", &[STOPPED, UPDATE, STOPPED, LOOK]),
    ] {
        for (platform, part) in [
            (
                "notebook-al2-v3",
                "--platform-identifier notebook-al2023-v1 to the update",
            ),
            ("notebook-al1-v1", "creates a new notebook"),
        ] {
            let stopped = on(platform, status);
            assert_eq!(commands(&stopped), expected, "{platform} {status}");
            assert!(note(&stopped).contains(part), "{}", note(&stopped));
        }
    }
}

#[test]
fn every_format_names_the_platform_and_the_table_counts() {
    let report = report(vec![policy(
        "no-root",
        vec![target(REGION, TargetState::Scanned)],
        vec![on("notebook-al2-v3", "InService")],
    )]);
    for format in <Format as clap::ValueEnum>::value_variants() {
        let text = report.render(*format, Appearance::default()).unwrap();
        assert!(text.contains("notebook-al2-v3"), "{format:?}: {text}");
        assert!(text.contains("NotRestartable"), "{format:?}: {text}");
    }
    let text = table(&report, None, Colors::None);
    for part in [
        "NotRestartable (notebook-al2-v3)",
        "churn in 111122223333/eu-west-1, InService on notebook-al2-v3:",
        "; 1 cannot be restarted, because AWS would not start it again",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(report.summary.counts.not_restartable, 1);
}
