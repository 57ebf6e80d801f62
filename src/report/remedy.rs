//! Why a finding matters, and what a person can do about it.
//!
//! The commands are AWS CLI's (`aws sagemaker`, and its waiters `notebook-instance-stopped` and `notebook-instance-in-service`, which look
//! every 30 seconds for half an hour). What they rely on: root access changes only while a notebook is Stopped; an Update is accepted
//! and done later, and for a moment a Describe may still show the old Stopped.

use super::model::{Notebook, Remedy, Step};
use crate::{
    api::{RootAccess, TargetState, Verdict},
    domain::RoleName,
};

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

/// How the finding is fixed by hand; `None`: nothing has to be done. `role` is the one that it was read with.
pub(super) fn for_notebook(notebook: &Notebook, role: Option<&RoleName>) -> Option<Remedy> {
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
        Verdict::NonCompliant => Some(fix(notebook, role)),
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

fn fix(notebook: &Notebook, role: Option<&RoleName>) -> Remedy {
    let aws = Aws(notebook);
    let (steps, note) = match notebook.status.as_str() {
        "Stopped" => (aws.update(), "Do not start it: it was not running."),
        "InService" => (aws.restart(), IF_REFUSED),
        "Pending" => (
            [
                vec![aws.wait("Wait until it runs", "notebook-instance-in-service")],
                aws.restart(),
            ]
            .concat(),
            IF_REFUSED,
        ),
        "Stopping" | "Updating" => (
            [
                vec![aws.wait("Wait until it is Stopped", "notebook-instance-stopped")],
                aws.update(),
            ]
            .concat(),
            "Do not start it: whoever had it stopped does.",
        ),
        "Deleting" => (
            vec![Step::told("Nothing: it is being deleted. Scan again later")],
            "Deleted notebooks have no users.",
        ),
        "Failed" => (
            [vec![aws.look("See why it failed", "[NotebookInstanceStatus,FailureReason]")], aws.update()].concat(),
            "Whether AWS updates a notebook in this status is not documented. If it refuses: its owner deletes it, or starts it, and then \
             it is fixed like any that runs.",
        ),
        _ => (
            vec![aws.look(
                "Wait until it is Stopped or InService, and scan again: AWS changes root access of stopped notebooks only",
                "[NotebookInstanceStatus,RootAccess]",
            )],
            "Its status is none that AWS documents.",
        ),
    };
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

const IF_REFUSED: &str = "Its users lose their kernels, what is in memory and what they installed outside /home/ec2-user/SageMaker: ask \
                          them first. If the update is refused, start it all the same.";

/// The commands for one notebook.
struct Aws<'a>(&'a Notebook);

impl Aws<'_> {
    /// From InService.
    fn restart(&self) -> Vec<Step> {
        let mut steps = vec![
            self.step("Stop it", "stop-notebook-instance", ""),
            self.wait("Wait until it is Stopped", "notebook-instance-stopped"),
        ];
        steps.extend(self.update());
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
        vec![
            self.step(
                "Take root away",
                "update-notebook-instance",
                " --root-access Disabled",
            ),
            self.wait("Wait until that is done", "notebook-instance-stopped"),
            self.look(
                "See that it says Stopped and Disabled; if not yet, look again in a minute",
                "[NotebookInstanceStatus,RootAccess]",
            ),
        ]
    }

    fn wait(&self, what: &str, waiter: &str) -> Step {
        self.step(what, &format!("wait {waiter}"), "")
    }

    fn look(&self, what: &str, query: &str) -> Step {
        let query = format!(" --query '{query}' --output text");
        self.step(what, "describe-notebook-instance", &query)
    }

    fn step(&self, what: &str, operation: &str, more: &str) -> Step {
        let Notebook { region, name, .. } = self.0;
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
