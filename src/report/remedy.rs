//! Why a finding matters, and how to fix it by hand.
//!
//! The commands are those of the AWS CLI (`aws sagemaker`). Its waiters `notebook-instance-stopped`
//! and `notebook-instance-in-service` poll every 30 seconds for half an hour. The commands rely on
//! two facts. Root access changes only while a notebook is Stopped. An accepted Update takes effect
//! later, and for a moment Describe may still return the old Stopped.

mod unrestartable;

pub use unrestartable::migration;

use super::model::{Notebook, Remedy, Step};
use crate::{
    api::{RootAccess, TargetState, Verdict},
    domain::{NotRestartable, RoleName},
};

const UPDATE: &str = "update-notebook-instance";

/// Returns why a verdict matters, or `None` if nothing has to be done.
pub(super) fn why(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Compliant | Verdict::Exempt => None,
        Verdict::NonCompliant => Some(
            "Users who can open the notebook are root on it. They can read and change everything there, including the credentials of \
             its execution role, and they can disable monitoring.",
        ),
        Verdict::Unknown => Some(
            "The root access of users is unknown. Until it is known, assume that they have root.",
        ),
    }
}

/// Returns advice for reading an account and region, or `None` if nothing has to be done.
pub(super) fn for_target(state: TargetState, region: &str) -> Option<String> {
    let advice = match state {
        TargetState::Scanned | TargetState::RegionDisabled => return None,
        TargetState::AccessDenied if region == "*" => {
            "Allow account:ListRegions in the account, or name the regions. If AssumeRole was denied, check the role's name, its trust \
             policy and the external id."
        }
        TargetState::AccessDenied => {
            "Allow the action that the message names: sagemaker:ListNotebookInstances and sagemaker:DescribeNotebookInstance, and \
             sagemaker:ListTags if the policy uses tags. If AssumeRole was denied, check the role's name, its trust policy and the external id."
        }
        TargetState::InvalidCredentials => {
            "Log in again or renew the keys. If the keys belong to another account, name the role to assume in this account."
        }
        TargetState::Throttled => {
            "Scan again when the account sends fewer requests, with a lower --describes-per-target or a longer --target-deadline."
        }
        TargetState::Unreachable => {
            "Scan again. If the error persists, check the network and the health of AWS."
        }
    };
    Some(advice.to_owned())
}

/// Returns how to fix the finding by hand, or `None` if nothing has to be done. `role` is the role
/// of the scan. `obstacle` is the reason why AWS would not start the notebook again, for running
/// and stopped notebooks.
pub(super) fn for_notebook(
    notebook: &Notebook,
    role: Option<&RoleName>,
    obstacle: Option<&NotRestartable>,
) -> Option<Remedy> {
    match notebook.verdict {
        Verdict::Compliant | Verdict::Exempt => None,
        Verdict::Unknown => Some(read(notebook)),
        Verdict::NonCompliant if !is_documented(&notebook.name) => Some(Remedy {
            steps: vec![Step::told(
                "Look at the notebook in the SageMaker console of its account and region",
            )],
            note: Some(
                "AWS does not document such a name for notebook instances. For safety, no command with the name is shown.".to_owned(),
            ),
        }),
        Verdict::NonCompliant => Some(fix(notebook, role, obstacle)),
    }
}

/// Returns true for a name that AWS documents. Such a name needs no quotes in any shell, and is not
/// an option. Source: the service model, `NotebookInstanceName`.
fn is_documented(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.len() <= 63
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn read(notebook: &Notebook) -> Remedy {
    let what = match notebook.reason.as_deref() {
        Some("RootAccessUnknown") if notebook.root_access == RootAccess::Unknown => {
            "Look at the notebook in the SageMaker console: AWS does not report whether its users have root"
        }
        Some("AccessDenied") => {
            "Allow sagemaker:DescribeNotebookInstance, and look for service control policies and permission boundaries that deny it"
        }
        Some("TagsUnknown") => "Allow sagemaker:ListTags, because the policy uses tags",
        Some("Throttled") => {
            "Scan again with a lower --describes-per-target or a longer --target-deadline"
        }
        _ => "Scan again; the message says what went wrong",
    };
    Remedy {
        steps: vec![Step::told(what)],
        note: None,
    }
}

fn fix(notebook: &Notebook, role: Option<&RoleName>, obstacle: Option<&NotRestartable>) -> Remedy {
    let aws = Aws {
        region: &notebook.region,
        name: &notebook.name,
    };
    let (steps, note) = steps(&aws, &notebook.status, obstacle);
    let credentials = match role {
        Some(role) => format!(
            "The commands need credentials of account {} with these permissions (--profile …). The role {role}, which the scan used, may \
             lack them.",
            notebook.account
        ),
        None => format!(
            "The commands need credentials of account {} with these permissions.",
            notebook.account
        ),
    };
    Remedy {
        note: Some(format!("{note} {credentials}")),
        steps,
    }
}

/// Returns the steps for a status, and a note on them.
fn steps(aws: &Aws<'_>, status: &str, obstacle: Option<&NotRestartable>) -> (Vec<Step>, String) {
    let stopped = |note: &str| match obstacle {
        None => note.to_owned(),
        Some(obstacle) => format!("{note} {}", unrestartable::stopped(obstacle)),
    };
    let running = || match obstacle {
        None => (aws.restart(), IF_REFUSED.to_owned()),
        Some(obstacle) => unrestartable::fix(aws, obstacle),
    };
    match status {
        "Stopped" => (aws.update(), stopped("Do not start the notebook: it was not running.")),
        "InService" => running(),
        "Pending" => {
            let wait = aws.wait("Wait until the notebook runs", "notebook-instance-in-service");
            let (steps, note) = running();
            ([vec![wait], steps].concat(), note)
        }
        "Stopping" | "Updating" => (
            [
                vec![aws.wait("Wait until the notebook is Stopped", "notebook-instance-stopped")],
                aws.update(),
            ]
            .concat(),
            stopped("Do not start the notebook: that is up to the person who stopped it."),
        ),
        "Deleting" => (
            vec![Step::told("Nothing: the notebook is being deleted. Scan again later")],
            "Deleted notebooks have no users.".to_owned(),
        ),
        "Failed" => (
            [vec![aws.look("See why the notebook failed", "[NotebookInstanceStatus,FailureReason]")], aws.update()].concat(),
            stopped(
                "AWS does not document whether it updates a notebook in this status. If AWS rejects the update, the owner deletes the \
                 notebook, or starts it. A started notebook is then fixed like any running notebook.",
            ),
        ),
        _ => (
            vec![aws.look(
                "Wait until the notebook is Stopped or InService, and scan again: AWS changes root access of stopped notebooks only",
                "[NotebookInstanceStatus,RootAccess]",
            )],
            "AWS does not document this status.".to_owned(),
        ),
    }
}

const IF_REFUSED: &str = "Its users lose their kernels, everything in memory and everything installed outside /home/ec2-user/SageMaker: ask \
                          them first. If AWS rejects the update, start the notebook anyway.";

/// Makes the commands for one notebook.
struct Aws<'a> {
    region: &'a str,
    name: &'a str,
}

impl Aws<'_> {
    /// Returns the steps from InService.
    fn restart(&self) -> Vec<Step> {
        self.restart_with(self.disable())
    }

    /// Returns the steps from InService, with the given update.
    fn restart_with(&self, update: Step) -> Vec<Step> {
        let mut steps = vec![
            self.step("Stop the notebook", "stop-notebook-instance", ""),
            self.wait(
                "Wait until the notebook is Stopped",
                "notebook-instance-stopped",
            ),
        ];
        steps.extend(self.update_with(update));
        steps.extend([
            self.step(
                "Start the notebook again, because it was running",
                "start-notebook-instance",
                "",
            ),
            self.wait(
                "Wait until the notebook runs",
                "notebook-instance-in-service",
            ),
        ]);
        steps
    }

    /// Returns the steps from Stopped.
    fn update(&self) -> Vec<Step> {
        self.update_with(self.disable())
    }

    fn update_with(&self, update: Step) -> Vec<Step> {
        vec![
            update,
            self.wait("Wait until the update is done", "notebook-instance-stopped"),
            self.look(
                "Check that the output is Stopped and Disabled; if not, check again in a minute",
                "[NotebookInstanceStatus,RootAccess]",
            ),
        ]
    }

    fn disable(&self) -> Step {
        self.step("Disable root access", UPDATE, " --root-access Disabled")
    }

    fn wait(&self, what: &str, waiter: &str) -> Step {
        self.step(what, &format!("wait {waiter}"), "")
    }

    fn look(&self, what: &str, query: &str) -> Step {
        let query = format!(" --query '{query}' --output text");
        self.step(what, "describe-notebook-instance", &query)
    }

    fn step(&self, what: &str, operation: &str, more: &str) -> Step {
        let Self { region, name } = self;
        Step {
            what: what.to_owned(),
            command: Some(format!(
                "aws sagemaker {operation} --region {region} --notebook-instance-name {name}{more}"
            )),
        }
    }
}

impl Step {
    /// Creates a step without a command.
    fn told(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            command: None,
        }
    }
}
