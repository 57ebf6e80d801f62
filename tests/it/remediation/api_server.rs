//! An API server that is slow, or refuses: a notebook that is down is flagged in time and brought
//! back, and nothing is written at every poll.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use sagemaker_simulator::{
    Effect, Fault, Operation::StartNotebookInstance as Start,
    Operation::StopNotebookInstance as Stop, Options, RootAccess, Simulator, Status,
};
use serde_json::json;
use sudoless::api::RecordState as State;
use tempfile::TempDir;

use crate::support::{
    enforced::{FAST, cluster, fleet, rooted},
    records::outcome,
    relay::{Counts, Relay, Trouble},
    safety,
    stage::{self, Stage, until},
};

/// The write of a record's status, as relays count it.
const STATUS: &str = "PUT notebookremediations/status";

/// `timeouts.start` of [`Scene::set`].
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// An operator that reaches the API server through a relay.
struct Scene {
    stage: Stage,
    relay: Relay,
    counts: Counts,
    _folder: TempDir,
}

impl Scene {
    /// One notebook, which is stopped, and whose Starts are accepted and do not take.
    async fn set(name: &str, flags: &[&str]) -> Self {
        let simulator =
            Simulator::start(fleet(name, [rooted(name, "churn")]), Options::default()).unwrap();
        let client = stage::client(cluster()).await;
        let counts = Counts::default();
        let relay = Relay::before(client.clone(), Counts::clone(&counts)).await;
        let folder = TempDir::new().unwrap();
        let stage = Stage::idle(client, name, simulator, &[&FAST, flags].concat());
        for effect in [Effect::StuckStopping, Effect::StartNotTaken] {
            stage.simulator.add_fault(Fault::new(effect));
        }
        stage.start_operator(&relay.kubeconfig(folder.path()));
        let timeouts = json!({"stop": "30m", "update": "15m", "start": "10s"});
        stage
            .enforce(json!({"remediation": {"timeouts": timeouts}}))
            .await;
        until("the Stop", || stage.accepted("churn") == [Stop]).await;
        Self {
            stage,
            relay,
            counts,
            _folder: folder,
        }
    }

    /// The same, once a Start was sent.
    async fn starting(name: &str, flags: &[&str]) -> Self {
        let scene = Self::set(name, flags).await;
        scene.stopped();
        let stage = &scene.stage;
        until("the Start", || stage.accepted("churn").contains(&Start)).await;
        scene
    }

    /// The notebook has stopped.
    fn stopped(&self) {
        self.stage
            .modify("churn", |notebook| notebook.status = Status::Stopped);
    }

    /// Requests to change statuses of records meet trouble from now on.
    fn trouble(&self, trouble: Trouble) {
        self.relay.trouble(move |method, path| {
            let is_status = path.contains("/notebookremediations/") && path.ends_with("/status");
            (is_status && method == "PUT").then_some(trouble)
        });
    }

    /// How often a status was written so far, whether it was stored or not.
    fn writes(&self) -> usize {
        let counts = self.counts.lock().unwrap();
        counts.get(STATUS).copied().unwrap_or_default()
    }

    /// Ends all trouble; the notebook comes back, and each state was told of once.
    async fn brought_back(&self) {
        let told = self.back().await;
        let states = [
            "Pending",
            "Stopping",
            "Updating",
            "Starting",
            "NeedsAttention",
            "Succeeded",
        ];
        assert_eq!(told, states);
    }

    /// The same; returns the events of the record.
    async fn back(&self) -> Vec<String> {
        let stage = &self.stage;
        self.relay.relieve();
        stage.simulator.clear_faults();
        let record = stage.until_finished("churn").await;
        assert_eq!(outcome(&record).0, State::Succeeded);
        let truth = (Status::InService, RootAccess::Disabled);
        assert_eq!(stage.truth("churn"), truth);
        safety::holds(&stage.simulator);
        let name = record.metadata.name.unwrap();
        stage::eventually("the last event", async || {
            let told = stage.events_of(&name).await;
            let told: Vec<_> = told.into_iter().map(|(reason, _)| reason).collect();
            (told.last()? == "Succeeded").then_some(told)
        })
        .await
    }
}

/// Slower than the longest time that a request to stop waits for its intent, and quicker than that
/// of a Start.
#[tokio::test(flavor = "multi_thread")]
async fn slow_status_writes_bring_the_notebook_back() {
    let scene = Scene::set("slow-writes", &[]).await;
    scene.trouble(Trouble::Late(Duration::from_secs(4)));
    let (stage, before) = (&scene.stage, scene.writes());
    let sent = stage.simulator.writes().len();
    scene.stopped();
    stage.until_state("churn", State::NeedsAttention).await;
    let accepted = stage.accepted("churn");
    assert!(accepted.contains(&Start), "it was sent: {accepted:?}");
    let written = scene.writes() - before;
    let sent = stage.simulator.writes().len() - sent;
    // Each request has an intent and an answer, and each of the three states is told of.
    assert!(written <= 2 * sent + 3, "{written} writes, {sent} requests");
    scene.brought_back().await;
}

/// A write that takes longer than its request may: it is stored, and the operator does not hear of
/// it.
#[tokio::test(flavor = "multi_thread")]
async fn unanswered_status_writes_flag_the_notebook() {
    let scene = Scene::starting("lost-answers", &[]).await;
    scene.trouble(Trouble::AnswerLate(Duration::from_secs(12)));
    let (stage, before, began) = (&scene.stage, scene.writes(), Instant::now());
    stage.until_state("churn", State::NeedsAttention).await;
    let written = scene.writes() - before;
    let polls = began.elapsed().as_secs() / 10 + 2;
    assert!(
        written as u64 <= polls,
        "{written} writes in {polls} passes"
    );
    // It is not known of a write without an answer that it was stored, so that its state may not be
    // told of.
    let told = scene.back().await;
    let mut once = told.clone();
    once.dedup();
    assert_eq!(told, once);
}

/// The lease cannot be read in time, so that nothing is sent.
#[tokio::test(flavor = "multi_thread")]
async fn slow_lease_does_not_reset_the_deadline() {
    let lease = ["--leader-elect", "--lease-namespace", "default"];
    let flags = [&lease[..], &["--lease-name", "slow-lease"]].concat();
    let scene = Scene::starting("slow-lease", &flags).await;
    scene.relay.trouble(|method, path| {
        let late = Trouble::Late(Duration::from_secs(4));
        (method == "GET" && path.ends_with("/leases/slow-lease")).then_some(late)
    });
    let (stage, before) = (&scene.stage, scene.writes());
    stage.until_logged("could not be read in time").await;
    stage.until_state("churn", State::NeedsAttention).await;
    let written = scene.writes() - before;
    // A Start that was on its way, and the state.
    assert!(written <= 3, "{written} writes");
    scene.brought_back().await;
}

/// An overloaded API server stores nothing: the notebook is flagged as soon as it can be.
async fn overloaded(name: &str, status: StatusCode) {
    let scene = Scene::starting(name, &[]).await;
    scene.trouble(Trouble::Answer(status));
    let (stage, before, began) = (&scene.stage, scene.writes(), Instant::now());
    until("the deadline to pass", || began.elapsed() > START_TIMEOUT).await;
    let written = scene.writes() - before;
    assert!(written <= 15, "{written} writes in {START_TIMEOUT:?}");
    scene.relay.relieve();
    stage.until_state("churn", State::NeedsAttention).await;
    scene.brought_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_status_writes_are_made_up_for() {
    futures::join!(
        overloaded("answers-503", StatusCode::SERVICE_UNAVAILABLE),
        overloaded("answers-429", StatusCode::TOO_MANY_REQUESTS)
    );
}
