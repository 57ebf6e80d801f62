//! Notebooks that AWS starts no more once they are stopped: on a retired platform, on an unknown one, or with an accelerator.
//!
//! Source: Amazon SageMaker AI Developer Guide, page `nbi-al2023`.

use super::{Aws, UPDATE};
use crate::{
    domain::{CURRENT_PLATFORM, NotRestartable},
    report::model::Step,
};

const LIMITS: &str = "It cannot be undone. notebook-al2023-v1 does not support ml.p2, ml.p3, ml.p3dn, ml.inf1 and ml.g3: add --instance-type \
                      to the update. Lifecycle scripts use dnf there, not yum.";

/// The commands that migrate a running notebook and disable root access, as steps.
#[must_use]
pub fn migration(region: &str, name: &str) -> Vec<Step> {
    migrate(&Aws { region, name })
}

/// How a running notebook is fixed, and what to bear in mind.
pub(super) fn fix(aws: &Aws<'_>, obstacle: &NotRestartable) -> (Vec<Step>, String) {
    if obstacle.is_migratable() {
        let note = format!(
            "Its users lose their kernels, what is in memory and what they installed outside /home/ec2-user/SageMaker: ask them first. {obstacle}. The \
             update migrates it. {LIMITS} If the update is refused, correct what the refusal names and send it again: a Start before would \
             be refused too."
        );
        return (migrate(aws), note);
    }
    match obstacle {
        NotRestartable::PlatformUnknown => (
            vec![
                aws.look("See its platform", "[PlatformIdentifier]"),
                Step::told(
                    "If AWS starts that platform: stop the notebook, wait, update it with root access Disabled, wait, and start it",
                ),
            ],
            format!("{obstacle}. Do not stop it before its platform is known."),
        ),
        NotRestartable::PlatformRetired(_) | NotRestartable::Accelerators(_) => (
            recreate(aws),
            format!(
                "{obstacle}. AWS cannot migrate it. Do not stop it before its files are copied."
            ),
        ),
    }
}

/// What to add where the notebook is stopped, or will be: root access is disabled as for any other.
pub(super) fn stopped(obstacle: &NotRestartable) -> String {
    let how = match obstacle {
        _ if obstacle.is_migratable() => {
            format!(
                "To use it again, its owner adds --platform-identifier {CURRENT_PLATFORM} to the update. {LIMITS}"
            )
        }
        NotRestartable::PlatformUnknown => {
            "Its owner looks the platform up before it is used again.".to_owned()
        }
        NotRestartable::PlatformRetired(_) | NotRestartable::Accelerators(_) => {
            format!("To go on, its owner creates a new notebook on {CURRENT_PLATFORM}.")
        }
    };
    format!("{obstacle}. {how}")
}

fn migrate(aws: &Aws<'_>) -> Vec<Step> {
    let see = aws.look(
        "See its instance type and lifecycle configuration: the new platform does not support all of them",
        "[InstanceType,NotebookInstanceLifecycleConfigName]",
    );
    let update = aws.step(
        "Migrate it and disable root access",
        UPDATE,
        &format!(" --platform-identifier {CURRENT_PLATFORM} --root-access Disabled"),
    );
    let mut steps = vec![see];
    steps.extend(aws.restart_with(update));
    steps
}

fn recreate(aws: &Aws<'_>) -> Vec<Step> {
    vec![
        aws.look(
            "See how it was created",
            "[InstanceType,RoleArn,SubnetId,SecurityGroups,VolumeSizeInGB]",
        ),
        Step::told(&format!(
            "Create a new notebook like it, under another name, with --platform-identifier {CURRENT_PLATFORM} --root-access Disabled"
        )),
        Step::told("Copy /home/ec2-user/SageMaker to the new one, for example through S3"),
        Step::told("Stop and delete the old one when its users have moved"),
    ]
}
