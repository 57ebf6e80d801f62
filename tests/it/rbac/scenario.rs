//! All that the operator does at the API server, in acts. Each begins with something that a person
//! does, and ends when its outcome can be seen.

use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, ResourceExt};
use sagemaker_simulator::{OwnerAct, RootAccess, Simulator, Status};
use serde_json::json;
use sudoless::api::{NotebookRemediation, RecordState as State};

use crate::support::{
    enforced::{self, FAST, rooted, stopped},
    rendered::NAMESPACE,
    stage::{Stage, eventually},
};

/// A notebook that runs, and must run again.
const RUNNING: &str = "running";
/// A notebook that is stopped, and stays so.
const ASLEEP: &str = "asleep";

/// A part of the scenario; the derived order is that of the play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// The operator starts, beside a policy in Audit: it holds the lease.
    Leads,
    /// It reports what it found.
    Reports,
    /// A person changes the policy to Enforce. The status is about that spec.
    Notices,
    /// Both notebooks have records.
    Claims,
    /// A record tells how far it is.
    Begins,
    /// Both records have succeeded, the notebooks are as they were, without root.
    Fixes,
    /// Both records are free to be deleted.
    LetsGo,
    /// There are events about the records.
    Tells,
    /// The owner of the stopped notebook sets root back: its record is replaced by the next one,
    /// which succeeds too.
    Replaces,
    /// The operator is told to end: it gives back the lease.
    Leaves,
}

/// An operator with a service account of its own.
pub struct Play {
    pub stage: Stage,
    kubeconfig: std::path::PathBuf,
}

impl Act {
    pub const ALL: [Self; 10] = [
        Self::Leads,
        Self::Reports,
        Self::Notices,
        Self::Claims,
        Self::Begins,
        Self::Fixes,
        Self::LetsGo,
        Self::Tells,
        Self::Replaces,
        Self::Leaves,
    ];

    /// Performs the person's part of the step.
    pub async fn begin(self, play: &Play) {
        let stage = &play.stage;
        match self {
            Self::Leads => {
                stage.enforce(json!({"mode": "Audit"})).await;
                stage.start_operator(&play.kubeconfig);
            }
            // One at a time by default, and that takes long.
            Self::Notices => stage.enforce(enforced::at_most(2)).await,
            Self::Replaces => {
                stage.owner(ASLEEP, OwnerAct::EnableRoot);
                let now = jiff::Timestamp::now().to_string();
                let scan_now = sudoless::api::SCAN_NOW_ANNOTATION;
                stage.annotate("p", scan_now, Some(&now)).await;
            }
            Self::Leaves => assert!(stage.stop_operator().0.success()),
            Self::Reports
            | Self::Claims
            | Self::Begins
            | Self::Fixes
            | Self::LetsGo
            | Self::Tells => {}
        }
    }

    /// Whether it has come to what it is about.
    pub async fn is_over(self, play: &Play) -> bool {
        let stage = &play.stage;
        match self {
            Self::Leads => play.holder().await.is_some(),
            Self::Reports => stage.get("p").await.status.is_some_and(|status| {
                let summary = status.summary.unwrap_or_default();
                summary.non_compliant == 2
            }),
            Self::Notices => {
                let policy = stage.get("p").await;
                let status = policy.status.unwrap_or_default();
                status.observed_generation == policy.metadata.generation
            }
            Self::Claims => stage.records().await.len() == 2,
            Self::Begins => {
                let records = stage.records().await;
                records.iter().any(|record| record.status.is_some())
            }
            Self::Fixes => {
                let records = stage.records().await;
                let is_fixed = |name, status| stage.truth(name) == (status, RootAccess::Disabled);
                records.len() == 2
                    && records.iter().all(succeeded)
                    && is_fixed(RUNNING, Status::InService)
                    && is_fixed(ASLEEP, Status::Stopped)
            }
            Self::LetsGo => {
                let records = stage.records().await;
                records.iter().all(|record| record.finalizers().is_empty())
            }
            Self::Tells => {
                let names = stage.records().await.into_iter();
                for name in names.map(|record| record.name_any()) {
                    if stage.events_of(&name).await.is_empty() {
                        return false;
                    }
                }
                true
            }
            Self::Replaces => {
                let record = stage.record(ASLEEP).await;
                record.is_some_and(|it| it.spec.recurrence == 1 && succeeded(&it))
            }
            Self::Leaves => play.holder().await.is_none(),
        }
    }
}

fn succeeded(record: &NotebookRemediation) -> bool {
    let state = record.status.as_ref().and_then(|status| status.state);
    state == Some(State::Succeeded)
}

impl Play {
    /// A stage of that name; its operator does not run yet, and will act as that kubeconfig says.
    pub fn new(client: kube::Client, name: &str, kubeconfig: std::path::PathBuf) -> Self {
        let fleet = enforced::fleet(name, [rooted(name, RUNNING), stopped(name, ASLEEP)]);
        let simulator = Simulator::start(fleet, sagemaker_simulator::Options::default()).unwrap();
        let election = [
            "--leader-elect",
            "--lease-namespace",
            NAMESPACE,
            "--lease-name",
            name,
        ];
        let flags: Vec<&str> = FAST.into_iter().chain(election).collect();
        Self {
            stage: Stage::idle(client, name, simulator, &flags),
            kubeconfig,
        }
    }

    /// Plays the acts that come before one.
    pub async fn perform_until(&self, before: Act) {
        for act in Act::ALL.into_iter().filter(|act| *act < before) {
            self.perform(act).await;
        }
    }

    /// Plays an act to its end.
    pub async fn perform(&self, act: Act) {
        act.begin(self).await;
        let what = format!("{}: {act:?}", self.stage.name);
        eventually(&what, async || act.is_over(self).await.then_some(())).await;
    }

    /// Who holds the lease.
    async fn holder(&self) -> Option<String> {
        let leases: Api<Lease> = Api::namespaced(self.stage.client.clone(), NAMESPACE);
        let lease = leases.get_opt(&self.stage.name).await.unwrap()?;
        lease
            .spec?
            .holder_identity
            .filter(|holder| !holder.is_empty())
    }
}
