//! Why a finding matters, and what a person can do about it.
//!
//! The commands are AWS CLI's (`aws sagemaker`, and its waiters `notebook-instance-stopped` and `notebook-instance-in-service`, which look
//! every 30 seconds for half an hour). What they rely on: root access changes only while a notebook is Stopped; an Update is accepted
//! and done later, and for a moment a Describe may still show the old Stopped.

mod unrestartable;

pub use unrestartable::migration;

use super::model::{Notebook, Remedy, Step};
use crate::{
    api::{RootAccess, TargetState, Verdict},
    domain::{NotRestartable, RoleName},
};

const UPDATE: &str = "update-notebook-instance";

/// Why it matters that a notebook has this verdict; `None`: nothing has to be done.
pub(super) fn why(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Compliant | Verdict::Exempt => None,
        Verdict::NonCompliant => Some(
            "Whoever can open it is root on it: they can read and change everything there, the credentials of its execution role \
             included, and switch off what watches them.",
        ),
        Verdict::Unknown => Some(
            "Nobody knows whether its users have root. Until somebody does, it counts as if they had.",
        ),
    }
}

/// What would help to read an account and region; `None`: nothing has to be done.
pub(super) fn for_target(state: TargetState, region: &str) -> Option<String> {
    let advice = match state {
        TargetState::Scanned | TargetState::RegionDisabled => return None,
        TargetState::AccessDenied if region == "*" => {
            "Allow account:ListRegions there, or name the regions. If AssumeRole is what was denied: compare the role's name, its trust \
             policy and the external id."
        }
        TargetState::AccessDenied => {
            "Allow what the message names: sagemaker:ListNotebookInstances and sagemaker:DescribeNotebookInstance, and sagemaker:ListTags \
             if the policy speaks of tags. If AssumeRole is what was denied: compare the role's name, its trust policy and the external id."
        }
        TargetState::InvalidCredentials => {
            "Log in again or renew the keys; if they belong to another account, name the role to assume in this one."
        }
        TargetState::Throttled => {
            "Run it again when less is going on in the account, with a lower --describes-per-target or a longer --target-deadline."
        }
        TargetState::Unreachable => {
            "Run it again; if it stays, look at the network and at AWS's health."
        }
    };
    Some(advice.to_owned())
}

/// How the finding is fixed by hand; `None`: nothing has to be done. `role` is the one that it was read with; `obstacle` is why AWS would not
/// start the notebook once it is stopped, whether it runs or not.
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
                "Look at it in the SageMaker console of its account and region",
            )],
            note: Some(
                "Its name is none that AWS documents for notebook instances: no command is shown that holds it.".to_owned(),
            ),
        }),
        Verdict::NonCompliant => Some(fix(notebook, role, obstacle)),
    }
}

/// Source: the service model, `NotebookInstanceName`. Such a name needs no quotes in any shell, and is no option.
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
            "Look at it in the SageMaker console: AWS describes it without saying whether its users have root"
        }
        Some("AccessDenied") => {
            "Allow sagemaker:DescribeNotebookInstance, and look for service control policies and permission boundaries that deny it"
        }
        Some("TagsUnknown") => "Allow sagemaker:ListTags: the policy speaks of tags",
        Some("Throttled") => {
            "Run it again with a lower --describes-per-target or a longer --target-deadline"
        }
        _ => "Run it again; the message says what went wrong",
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
            "The commands need credentials of account {} that may do this (--profile …); the role {role}, which it was read with, need not \
             be allowed to.",
            notebook.account
        ),
        None => format!(
            "The commands need credentials of account {} that may do this.",
            notebook.account
        ),
    };
    Remedy {
        note: Some(format!("{note} {credentials}")),
        steps,
    }
}

/// What is done in a status, and what to bear in mind.
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
        "Stopped" => (aws.update(), stopped("Do not start it: it was not running.")),
        "InService" => running(),
        "Pending" => {
            let wait = aws.wait("Wait until it runs", "notebook-instance-in-service");
            let (steps, note) = running();
            ([vec![wait], steps].concat(), note)
        }
        "Stopping" | "Updating" => (
            [
                vec![aws.wait("Wait until it is Stopped", "notebook-instance-stopped")],
                aws.update(),
            ]
            .concat(),
            stopped("Do not start it: whoever had it stopped does."),
        ),
        "Deleting" => (
            vec![Step::told("Nothing: it is being deleted. Scan again later")],
            "Deleted notebooks have no users.".to_owned(),
        ),
        "Failed" => (
            [vec![aws.look("See why it failed", "[NotebookInstanceStatus,FailureReason]")], aws.update()].concat(),
            stopped(
                "Whether AWS updates a notebook in this status is not documented. If it refuses: its owner deletes it, or starts it, and \
                 then it is fixed like any that runs.",
            ),
        ),
        _ => (
            vec![aws.look(
                "Wait until it is Stopped or InService, and scan again: AWS changes root access of stopped notebooks only",
                "[NotebookInstanceStatus,RootAccess]",
            )],
            "Its status is none that AWS documents.".to_owned(),
        ),
    }
}

const IF_REFUSED: &str = "Its users lose their kernels, what is in memory and what they installed outside /home/ec2-user/SageMaker: ask \
                          them first. If the update is refused, start it all the same.";

/// The commands for one notebook.
struct Aws<'a> {
    region: &'a str,
    name: &'a str,
}

impl Aws<'_> {
    /// From InService.
    fn restart(&self) -> Vec<Step> {
        self.restart_with(self.disable())
    }

    /// From InService, with this Update.
    fn restart_with(&self, update: Step) -> Vec<Step> {
        let mut steps = vec![
            self.step("Stop it", "stop-notebook-instance", ""),
            self.wait("Wait until it is Stopped", "notebook-instance-stopped"),
        ];
        steps.extend(self.update_with(update));
        steps.extend([
            self.step(
                "Start it again, because it was running",
                "start-notebook-instance",
                "",
            ),
            self.wait("Wait until it runs", "notebook-instance-in-service"),
        ]);
        steps
    }

    /// From Stopped.
    fn update(&self) -> Vec<Step> {
        self.update_with(self.disable())
    }

    fn update_with(&self, update: Step) -> Vec<Step> {
        vec![
            update,
            self.wait("Wait until that is done", "notebook-instance-stopped"),
            self.look(
                "See that it says Stopped and Disabled; if not yet, look again in a minute",
                "[NotebookInstanceStatus,RootAccess]",
            ),
        ]
    }

    fn disable(&self) -> Step {
        self.step("Take root away", UPDATE, " --root-access Disabled")
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
    /// One without a command.
    fn told(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            command: None,
        }
    }
}
