//! **Crash at every write.** The operator is killed before and after each of its writes, to AWS and
//! to the API server, and started again: every time it ends as if nothing had happened.
//!
//! Relays stand between the operator and both servers. They count its writes, and at the chosen one
//! they kill it: before they pass it on, or after it was answered and before the operator hears of
//! it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, StreamExt, stream};
use kube::Client;
use sagemaker_simulator::{Notebook, Operation, Options, RootAccess, Simulator, Status};
use serde_json::json;
use sudoless::api::RecordState as State;
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::support::{
    enforced::{self, cluster, rooted, stopped},
    records::intended,
    relay::{Counts, Judge, Passing, Relay},
    safety,
    stage::{self, Stage},
};

/// Runs at the same time.
const PARALLEL: usize = 4;

/// Deadline of one run. As many operators as `PARALLEL` start at the same time.
const LONGEST_RUN: Duration = Duration::from_mins(3);

/// As `enforced::FAST`, but a relay judges each write before it passes it on, which takes longer
/// than a second on a busy machine.
const PATIENT: [&str; 8] = [
    "--poll-interval",
    "150ms",
    "--resend-after",
    "1s",
    "--settle",
    "1s",
    "--write-timeout",
    "4s",
];

/// Where the operator dies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Death {
    /// At which kind of write.
    what: String,
    /// At which of that kind.
    number: usize,
    /// Once it was answered; otherwise before it is passed on.
    after: bool,
}

/// What one run saw.
#[derive(Default)]
struct Seen {
    stage: OnceLock<Weak<Stage>>,
    died: Notify,
    has_died: AtomicBool,
    /// Writes to AWS without a durable intent.
    unintended: Mutex<Vec<String>>,
}

impl Seen {
    /// Whether a request, or its answer, is passed on.
    async fn judge(self: Arc<Self>, death: Option<Death>, passing: Passing) -> bool {
        let Some(stage) = self.stage.get().and_then(Weak::upgrade) else {
            return false;
        };
        if !passing.after
            && let Err(problem) = intended(&stage.client, &stage.account(), &passing).await
        {
            self.unintended.lock().unwrap().push(problem);
        }
        let dies = death.is_some_and(|death| {
            (&death.what, death.number, death.after)
                == (&passing.what, passing.number, passing.after)
        });
        if dies {
            stage.kill_operator();
            self.has_died.store(true, Ordering::SeqCst);
            self.died.notify_one();
        }
        !dies
    }
}

/// One run; returns whether the operator died, and how many writes of each kind there were.
async fn run(
    name: &str,
    notebook: Notebook,
    death: Option<Death>,
) -> (bool, BTreeMap<String, usize>) {
    let was_running = notebook.status == Status::InService;
    let fleet = enforced::fleet(name, [notebook]);
    let simulator = Simulator::start(fleet, Options::default()).unwrap();
    let aws = kube::Config::new(simulator.url().parse().unwrap());
    let aws = Client::try_from(aws).unwrap();
    let administrator = stage::client(cluster()).await;

    let (seen, counts) = (Arc::<Seen>::default(), Counts::default());
    let judging = Arc::clone(&seen);
    let judge: Judge =
        Arc::new(move |passing| Arc::clone(&judging).judge(death.clone(), passing).boxed());
    let to_aws = Relay::start(aws, Arc::clone(&counts), Arc::clone(&judge)).await;
    let to_kubernetes = Relay::start(administrator.clone(), Arc::clone(&counts), judge).await;
    let folder = TempDir::new().unwrap();
    let kubeconfig = to_kubernetes.kubeconfig(folder.path());

    let mut stage = Stage::idle(administrator, name, simulator, &PATIENT);
    stage.reach_aws_at(&to_aws.url);
    let stage = Arc::new(stage);
    let _ = seen.stage.set(Arc::downgrade(&stage));
    stage.start_operator(&kubeconfig);
    stage.enforce(json!({})).await;

    // Either it dies and is started again, as Kubernetes does, or there are not so many writes.
    tokio::select! {
        () = seen.died.notified() => stage.start_operator(&kubeconfig),
        () = ends(&stage, was_running) => {}
    }
    ends(&stage, was_running).await;
    right(&stage, was_running).await;
    let unintended = seen.unintended.lock().unwrap().clone();
    assert_eq!(unintended, Vec::<String>::new(), "{name}");
    let counts = counts.lock().unwrap().clone();
    (seen.has_died.load(Ordering::SeqCst), counts)
}

/// Waits until the only notebook is done with, and the policy says so.
async fn ends(stage: &Stage, was_running: bool) {
    let status = if was_running {
        Status::InService
    } else {
        Status::Stopped
    };
    stage.until_compliant_within(LONGEST_RUN).await;
    stage.until_finished("churn").await;
    assert_eq!(
        stage.truth("churn"),
        (status, RootAccess::Disabled),
        "{}",
        stage.name
    );
}

/// It ended as if nothing had happened.
async fn right(stage: &Stage, was_running: bool) {
    let name = &stage.name;
    let record = stage.record("churn").await.unwrap();
    let status = record.status.clone().unwrap();
    assert_eq!(status.state, Some(State::Succeeded), "{name}: {status:#?}");
    assert_eq!(record.spec.was_running, was_running, "{name}: {record:#?}");
    assert_eq!(record.spec.recurrence, 0, "{name}: {record:#?}");
    assert_eq!(
        status.downtime_seconds.is_some(),
        was_running,
        "{name}: {status:#?}"
    );
    safety::holds(&stage.simulator);
    let accepted = stage.accepted("churn");
    let times = |wanted: Operation| accepted.iter().filter(|done| **done == wanted).count();
    let once = usize::from(was_running);
    assert_eq!(
        times(Operation::StopNotebookInstance),
        once,
        "{name}: {accepted:?}"
    );
    assert_eq!(
        times(Operation::StartNotebookInstance),
        once,
        "{name}: {accepted:?}"
    );
}

/// Dies before and after every write that a cycle has; returns how many kinds there were.
async fn dies_at_every_write(kind: &str, notebook: impl Fn(&str) -> Notebook) -> Vec<String> {
    let alive = format!("{kind}-alive");
    let (died, counts) = run(&alive, notebook(&alive), None).await;
    assert!(!died);
    let deaths: Vec<Death> = counts
        .iter()
        .flat_map(|(what, count)| (1..=*count).map(move |number| (what, number)))
        .flat_map(|(what, number)| {
            [false, true].map(|after| Death {
                what: what.clone(),
                number,
                after,
            })
        })
        .collect();
    let runs = deaths.iter().enumerate().map(|(index, death)| {
        let name = format!("{kind}-{index}");
        let notebook = notebook(&name);
        async move {
            let (died, _) = run(&name, notebook, Some(death.clone())).await;
            // How often a status is written depends on what happens to be seen, and written,
            // together. Any other write is made a second time only if the first one's answer came
            // too late.
            let is_certain = !death.what.ends_with("/status") && death.number == 1;
            assert!(died || !is_certain, "{name}: {death:?}");
        }
    });
    stream::iter(runs)
        .buffer_unordered(PARALLEL)
        .collect::<Vec<()>>()
        .await;
    counts.into_keys().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_notebook_is_never_left_down() {
    let kinds = dies_at_every_write("up", |stage| rooted(stage, "churn")).await;
    let wanted = [
        "PATCH notebookremediations",
        "PATCH notebookrootaccesspolicies/status",
        "POST notebookremediations",
        "PUT notebookremediations/status",
        "StartNotebookInstance",
        "StopNotebookInstance",
        "UpdateNotebookInstance",
    ];
    assert_eq!(kinds, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_notebook_is_never_started() {
    let kinds = dies_at_every_write("down", |stage| stopped(stage, "churn")).await;
    let wanted = [
        "PATCH notebookremediations",
        "PATCH notebookrootaccesspolicies/status",
        "POST notebookremediations",
        "PUT notebookremediations/status",
        "UpdateNotebookInstance",
    ];
    assert_eq!(kinds, wanted);
}
