//! A pass that panics: the operator runs within the test, so that its requests can panic in the
//! task that sends them.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures::FutureExt;
use kube::{Client, ResourceExt};
use sagemaker_simulator::{RootAccess, Simulator, Status};
use serde_json::{Value, json};
use sudoless::{
    api::RecordState as State,
    aws::Aws,
    controller::{self, Acting, Clients, Context},
    domain::RetiredPlatforms,
    fleet::{self, Fleet, OnMissing},
    kubernetes::Fence,
    observability::{self, BuildInfo, Color, LogFormat, Metrics, Readiness},
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    aws,
    enforced::{cluster, fleet, rooted, spec},
    relay::{Judge, Passing, judged},
    stage::{self, Stage, until},
};

/// The notebook whose passes panic.
const BAD: &str = "bad";

/// The least waits after the first and the second error in a row: a second and two, and a fifth
/// less by chance.
const WAITS: [Duration; 2] = [Duration::from_millis(800), Duration::from_millis(1600)];

/// Which write about [`BAD`] panics, and when it did.
#[derive(Clone, Default)]
struct Planted(Arc<Mutex<(Option<&'static str>, Vec<Instant>)>>);

impl Planted {
    fn set(&self, what: Option<&'static str>) {
        *self.0.lock().unwrap() = (what, Vec::new());
    }

    fn panics(&self) -> Vec<Instant> {
        self.0.lock().unwrap().1.clone()
    }

    fn judge(&self) -> Judge {
        let planted = self.clone();
        Arc::new(move |passing: Passing| {
            let planted = planted.clone();
            async move {
                assert!(!planted.strikes(&passing), "planted in {}", passing.what);
                true
            }
            .boxed()
        })
    }

    fn strikes(&self, passing: &Passing) -> bool {
        let mut planted = self.0.lock().unwrap();
        let record: Value = serde_json::from_slice(&passing.body).unwrap_or_default();
        let strikes = planted.0 == Some(passing.what.as_str())
            && !passing.after
            && record["spec"]["notebook"]["name"] == BAD;
        if strikes {
            planted.1.push(Instant::now());
        }
        strikes
    }
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

/// Runs an operator of a stage within the test; returns its metrics.
fn operate(stage: &Stage, requests: Client) -> (Metrics, tokio::task::JoinHandle<()>) {
    let metrics = Metrics::new(BuildInfo::current()).unwrap();
    let options = sudoless::aws::Options {
        write_timeout: Duration::from_secs(1),
        ..sudoless::aws::Options::default()
    };
    let aws: Aws = aws::aws(&stage.simulator, &options);
    let fleet = Fleet::new(
        aws.reads(),
        fleet::Options {
            silence: Duration::from_secs(5),
            target_deadline: Duration::from_mins(1),
            describe_refresh: Duration::from_hours(6),
            on_missing: OnMissing::Skip,
        },
        Arc::new(metrics.clone()),
    );
    let acting = Acting {
        aws,
        fence: Fence::none(),
        operator: stage.name.clone(),
        options: controller::Options {
            poll_interval: Duration::from_millis(150),
            resend_after: Duration::from_secs(1),
            settle: Duration::from_secs(1),
            write_timeout: Duration::from_secs(1),
            record_retention: Duration::from_hours(720),
        },
        retired_platforms: RetiredPlatforms::default(),
    };
    let clients = Clients {
        watches: stage.client.clone(),
        requests,
    };
    let shutdown = CancellationToken::new();
    let context = Context::new(clients, fleet, acting, metrics.clone(), shutdown);
    let selector = format!("stage={}", stage.name);
    let running = tokio::spawn(async move {
        controller::run(Arc::new(context), Some(&selector), Readiness::new()).await;
    });
    (metrics, running)
}

fn counted(metrics: &Metrics, controller: &str) -> u64 {
    let page = metrics.render().unwrap();
    let series = format!(
        "sudoless_reconciliations_total{{controller=\"{controller}\",result=\"Panicked\"}} "
    );
    let mut lines = page.lines();
    let count = lines.find_map(|line| line.strip_prefix(&series));
    count.unwrap().parse().unwrap()
}

/// In the pass over a policy the panic comes while the lock of all claims is held.
#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_panics_backs_off_and_ends_no_other() {
    let log = Log::default();
    let writer = log.clone();
    let lines = observability::subscriber(
        LogFormat::Json,
        Color::None,
        &"info".parse().unwrap(),
        move || writer.clone(),
    );
    tracing::subscriber::set_global_default(lines).unwrap();
    let name = "panics";
    let notebooks = [rooted(name, BAD), rooted(name, "good")];
    let simulator = Simulator::start(
        fleet(name, notebooks),
        sagemaker_simulator::Options::default(),
    );
    let stage = Stage::idle(
        stage::client(cluster()).await,
        name,
        simulator.unwrap(),
        &[],
    );
    let planted = Planted::default();
    let requests = judged(stage.client.clone(), planted.judge());
    let (metrics, running) = operate(&stage, requests);

    planted.set(Some("POST notebookremediations"));
    let only = |notebook: &str| spec(name, json!({"selector": {"names": [notebook]}}));
    stage.apply("bad", only(BAD)).await;
    until("two panics", || planted.panics().len() >= 2).await;
    assert!(counted(&metrics, "policy") >= 2);
    stage.apply("good", only("good")).await;
    stage.until_finished("good").await;
    assert_eq!(stage.record(BAD).await, None);

    planted.set(Some("PUT notebookremediations/status"));
    until("three panics", || planted.panics().len() >= 3).await;
    let panics = planted.panics();
    for (number, least) in WAITS.into_iter().enumerate() {
        let waited = panics[number + 1] - panics[number];
        assert!(waited >= least, "{waited:?} instead of {least:?}");
    }
    assert!(counted(&metrics, "remediation") >= 2);
    let record = stage.record(BAD).await.unwrap().name_any();
    for (kind, object) in [("policy", stage.policy("bad")), ("record", record)] {
        let told = log.lines().into_iter().any(|line| {
            let line: Value = serde_json::from_str(&line).unwrap();
            line[kind] == object.as_str() && line["error"].to_string().contains("the pass panicked")
        });
        assert!(told, "{kind} {object}: {:#?}", log.lines());
    }

    planted.set(None);
    stage.until_state(BAD, State::Succeeded).await;
    for notebook in [BAD, "good"] {
        let healed = (Status::InService, RootAccess::Disabled);
        assert_eq!(stage.truth(notebook), healed, "{notebook}");
    }
    assert!(!running.is_finished());
    running.abort();
}
