//! Notebooks that AWS would not start again once they are stopped: on a retired platform, on an
//! unknown platform, or with an accelerator.
//!
//! Source: Amazon SageMaker AI Developer Guide, page `nbi-al2023`.

use super::{Aws, UPDATE};
use crate::{
    domain::{CURRENT_PLATFORM, NotRestartable},
    report::model::Step,
};

const LIMITS: &str = "The migration cannot be undone. notebook-al2023-v1 does not support ml.p2, ml.p3, ml.p3dn, ml.inf1 and ml.g3: add --instance-type \
                      to the update. Lifecycle scripts use dnf there, not yum.";

/// Returns the steps that migrate a running notebook and disable root access.
#[must_use]
pub fn migration(region: &str, name: &str) -> Vec<Step> {
    migrate(&Aws { region, name })
}

/// Returns the steps that fix a running notebook, and a note on them.
pub(super) fn fix(aws: &Aws<'_>, obstacle: &NotRestartable) -> (Vec<Step>, String) {
    if obstacle.is_migratable() {
        let note = format!(
            "Its users lose their kernels, everything in memory and everything installed outside /home/ec2-user/SageMaker: ask them first. {obstacle}. \
             The update migrates the notebook. {LIMITS} If AWS rejects the update, correct what the error names and send the update again. \
             Until then AWS would reject a Start too."
        );
        return (migrate(aws), note);
    }
    match obstacle {
        NotRestartable::PlatformUnknown => (
            vec![
                aws.look("See the platform of the notebook", "[PlatformIdentifier]"),
                Step::told(
                    "If AWS starts that platform: stop the notebook, wait, update it with root access Disabled, wait, and start it",
                ),
            ],
            format!("{obstacle}. Do not stop the notebook before its platform is known."),
        ),
        NotRestartable::PlatformRetired(_) | NotRestartable::Accelerators(_) => (
            recreate(aws),
            format!(
                "{obstacle}. AWS cannot migrate it. Do not stop the notebook before its files are copied."
            ),
        ),
    }
}

/// Returns the note for a notebook that is stopped or stopping. Root access is disabled as for any
/// other notebook.
pub(super) fn stopped(obstacle: &NotRestartable) -> String {
    let how = match obstacle {
        _ if obstacle.is_migratable() => {
            format!(
                "To use the notebook again, the owner adds --platform-identifier {CURRENT_PLATFORM} to the update. {LIMITS}"
            )
        }
        NotRestartable::PlatformUnknown => {
            "Before using the notebook again, the owner looks up its platform.".to_owned()
        }
        NotRestartable::PlatformRetired(_) | NotRestartable::Accelerators(_) => {
            format!("To continue, the owner creates a new notebook on {CURRENT_PLATFORM}.")
        }
    };
    format!("{obstacle}. {how}")
}

fn migrate(aws: &Aws<'_>) -> Vec<Step> {
    let see = aws.look(
        "See the instance type and lifecycle configuration: the new platform does not support all of them",
        "[InstanceType,NotebookInstanceLifecycleConfigName]",
    );
    let update = aws.step(
        "Migrate the notebook and disable root access",
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
            "See how the notebook was created",
            "[InstanceType,RoleArn,SubnetId,SecurityGroups,VolumeSizeInGB]",
        ),
        Step::told(&format!(
            "Create a new notebook with similar settings under another name; add --platform-identifier {CURRENT_PLATFORM} --root-access Disabled"
        )),
        Step::told("Copy /home/ec2-user/SageMaker to the new notebook, for example through S3"),
        Step::told("Stop and delete the old notebook when its users have moved"),
    ]
}
