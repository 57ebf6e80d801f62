//! A fleet of an account of its own, a policy that enforces over it, and how fast everything goes.
//!
//! Many stages share an API server, and a record's name follows from the notebook's ARN: each stage
//! has an account that no other has.

use std::{collections::hash_map::DefaultHasher, hash::Hasher, sync::OnceLock, time::Duration};

use local_cluster::LocalCluster;
use sagemaker_simulator::{
    Account, Fleet, Notebook, Operation, OwnerAct, RootAccess, Simulator, Status, Timings,
};
use serde_json::{Value, json};

use sudoless::api::NotebookRootAccessPolicyStatus as PolicyStatus;

use super::{
    served,
    stage::{DEADLINE, Stage, condition},
};

/// The only region of these accounts.
pub const REGION: &str = "us-east-1";

/// Flags of an operator that is as impatient as the simulator is fast.
pub const FAST: [&str; 8] = [
    "--poll-interval",
    "150ms",
    "--resend-after",
    "1s",
    "--settle",
    "1s",
    "--write-timeout",
    "1s",
];

/// The API server shared by the tests that enforce.
pub fn cluster() -> &'static LocalCluster {
    static CLUSTER: OnceLock<LocalCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| served::start(local_cluster::Options::default()))
}

/// What remains of AWS's minutes.
pub fn quick() -> Timings {
    Timings {
        stop: Duration::from_millis(300),
        update: Duration::from_millis(200),
        start: Duration::from_millis(300),
        ..Timings::default()
    }
}

/// The account of a stage.
pub fn account(stage: &str) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(stage.as_bytes());
    format!("{:012}", hasher.finish() % 1_000_000_000_000)
}

/// A running notebook of a stage, whose users have root.
pub fn rooted(stage: &str, name: &str) -> Notebook {
    Notebook::new(&account(stage), REGION, name)
}

/// The same, stopped.
pub fn stopped(stage: &str, name: &str) -> Notebook {
    rooted(stage, name).status(Status::Stopped)
}

/// The fleet of a stage: quick, with one account, whose role anybody may assume.
pub fn fleet(stage: &str, notebooks: impl IntoIterator<Item = Notebook>) -> Fleet {
    let account = Account::new(&account(stage))
        .role("sudoless")
        .regions([REGION]);
    Fleet::new()
        .account(account)
        .notebooks(notebooks)
        .timings(quick())
}

/// The spec of a policy over a stage's account, which enforces; `more` adds fields or replaces
/// them. Stopped notebooks do not rest, because everything takes milliseconds; tests that are about
/// that say how long they do.
pub fn spec(stage: &str, more: Value) -> Value {
    let mut spec = json!({
        "mode": "Enforce",
        "accounts": [{"id": account(stage), "role": "sudoless"}],
        "regions": [REGION],
    });
    let Value::Object(more) = more else {
        panic!("fields, not {more}")
    };
    spec.as_object_mut().unwrap().extend(more);
    let rest = &mut spec["remediation"]["restAfterStop"];
    if rest.is_null() {
        *rest = json!("0s");
    }
    spec
}

/// A policy's `remediation` by which so many may be down at the same time.
pub fn at_most(down: u32) -> Value {
    json!({"remediation": {"maxConcurrent": down, "maxConcurrentPerRegion": down}})
}

impl Stage {
    /// A stage whose operator is in a hurry, on the cluster of the tests that enforce.
    pub async fn quick(name: &str, notebooks: impl IntoIterator<Item = Notebook>) -> Self {
        Self::on(cluster(), name, fleet(name, notebooks), &FAST).await
    }

    /// Applies the policy `p` over the stage's account.
    pub async fn enforce(&self, more: Value) {
        self.apply("p", spec(&self.name, more)).await;
    }

    /// Waits until everything is compliant, and nothing is under way any more.
    pub async fn until_compliant(&self) -> PolicyStatus {
        self.until_compliant_within(DEADLINE).await
    }

    /// The same with another deadline.
    pub async fn until_compliant_within(&self, deadline: Duration) -> PolicyStatus {
        self.until_within("p", deadline, |status| {
            let summary = status.summary.unwrap_or_default();
            condition(status, "Compliant").0 == "True"
                && (summary.remediating, summary.needs_attention) == (0, 0)
        })
        .await
    }

    /// The stage's account.
    pub fn account(&self) -> String {
        account(&self.name)
    }

    /// A notebook as it truly is.
    ///
    /// # Panics
    /// If there is none.
    pub fn notebook(&self, name: &str) -> Notebook {
        let found = self.simulator.notebook(&self.account(), REGION, name);
        found.unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// Status and root access of a notebook as they truly are.
    pub fn truth(&self, name: &str) -> (Status, RootAccess) {
        let notebook = self.notebook(name);
        (notebook.status, notebook.root_access)
    }

    /// An owner's act, which AWS must not refuse.
    pub fn owner(&self, name: &str, act: OwnerAct) {
        let acted = self.simulator.owner(&self.account(), REGION, name, act);
        acted.unwrap();
    }

    /// Sets what no owner can.
    pub fn modify(&self, name: &str, change: impl FnOnce(&mut Notebook)) {
        let account = self.account();
        let changed = self
            .simulator
            .modify_notebook(&account, REGION, name, change);
        assert!(changed, "there is no {name}");
    }

    /// The accepted writes about a notebook, in order, the probes among the Updates not counted:
    /// those are refused.
    pub fn accepted(&self, name: &str) -> Vec<Operation> {
        accepted(&self.simulator, name)
    }
}

/// As [`Stage::accepted`].
pub fn accepted(simulator: &Simulator, name: &str) -> Vec<Operation> {
    let writes = simulator.writes().into_iter();
    writes
        .filter(|write| write.notebook == name && write.outcome == sagemaker_simulator::OK)
        .map(|write| write.operation)
        .collect()
}
