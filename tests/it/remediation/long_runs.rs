//! A long run in which everything goes wrong at random, from a seed: two operators of which one
//! leads, an API server that does not answer now and then, operators that crash, AWS that refuses,
//! drops and delays. Afterwards everything must settle.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use fastrand::Rng;
use futures::FutureExt;
use kube::Client;
use sagemaker_simulator::{Effect, Fault, Loss, Operation, Options, RootAccess, Simulator, Status};
use sudoless::api::RecordState as State;
use tempfile::TempDir;

use crate::support::{
    enforced::{self, FAST, at_most, cluster, rooted, stopped},
    records::intended,
    relay::{Counts, Judge, Relay},
    safety::{self, Watch},
    stage::{self, Operator, Stage},
};

/// How long things go wrong.
const TROUBLE: Duration = Duration::from_secs(35);

/// Between two events.
const PACE: Duration = Duration::from_millis(700);

/// At most so many may be down.
const BUDGET: u32 = 3;

const RUNNING: usize = 9;
const STOPPED: usize = 3;

/// Everything between the two operators and their servers.
struct Scene {
    stage: Arc<Stage>,
    kubernetes: Relay,
    _aws: Relay,
    kubeconfig: PathBuf,
    _folder: TempDir,
    unintended: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    async fn set(name: &str) -> Self {
        let running = (0..RUNNING).map(|number| rooted(name, &format!("up-{number}")));
        let stopped = (0..STOPPED).map(|number| stopped(name, &format!("down-{number}")));
        let fleet = enforced::fleet(name, running.chain(stopped));
        let simulator = Simulator::start(fleet, Options::default()).unwrap();
        let aws = kube::Config::new(simulator.url().parse().unwrap());
        let aws = Client::try_from(aws).unwrap();
        let client = stage::client(cluster()).await;

        let unintended = Arc::<Mutex<Vec<String>>>::default();
        let (account, asked, found) = (
            enforced::account(name),
            client.clone(),
            Arc::clone(&unintended),
        );
        let judge: Judge = Arc::new(move |passing| {
            let (account, client, found) = (account.clone(), asked.clone(), Arc::clone(&found));
            async move {
                if !passing.after
                    && let Err(problem) = intended(&client, &account, &passing).await
                {
                    found.lock().unwrap().push(problem);
                }
                true
            }
            .boxed()
        });
        let to_aws = Relay::start(aws, Counts::default(), Arc::clone(&judge)).await;
        let kubernetes = Relay::start(client.clone(), Counts::default(), judge).await;
        let folder = TempDir::new().unwrap();
        let kubeconfig = kubernetes.kubeconfig(folder.path());
        let mut flags: Vec<&str> = FAST.to_vec();
        flags.extend(["--leader-elect", "--lease-namespace", "default"]);
        let mut stage = Stage::idle(client, name, simulator, &flags);
        stage.reach_aws_at(&to_aws.url);
        stage.start_operator(&kubeconfig);
        Self {
            stage: Arc::new(stage),
            kubernetes,
            _aws: to_aws,
            kubeconfig,
            _folder: folder,
            unintended,
        }
    }

    /// One more thing that goes wrong. Returns what it was.
    fn trouble(&self, random: &mut Rng, other: &mut Option<Operator>) -> String {
        match random.u32(..12) {
            0 => {
                self.stage.kill_operator();
                self.stage.start_operator(&self.kubeconfig);
                "the first operator crashes".to_owned()
            }
            1 => {
                drop(other.take());
                *other = Some(self.stage.another_operator(&self.kubeconfig));
                "the second operator crashes".to_owned()
            }
            2 | 3 => {
                self.kubernetes.pause();
                "the API server does not answer".to_owned()
            }
            4 => {
                self.stage.simulator.expire_sessions();
                "credentials expire".to_owned()
            }
            _ => {
                let fault = fault(random);
                let told = format!("{fault:?}");
                self.stage.simulator.add_fault(fault);
                told
            }
        }
    }
}

/// A fault that meets the next one or two requests.
fn fault(random: &mut Rng) -> Fault {
    use Operation::{
        DescribeNotebookInstance as Describe, StartNotebookInstance as Start,
        StopNotebookInstance as Stop, UpdateNotebookInstance as Update,
    };
    let any = [Stop, Update, Start, Describe];
    let write = [Stop, Update, Start];
    let how = if random.bool() {
        Loss::Hang
    } else {
        Loss::Reset
    };
    let by = Duration::from_millis(random.u64(100..900));
    let (effect, operation) = match random.u32(..9) {
        0 => (Effect::error("ThrottlingException"), random.choice(any)),
        1 => (
            Effect::error_with_status("InternalFailure", 500),
            random.choice(any),
        ),
        2 => (Effect::AnswerLost { how }, random.choice(write)),
        3 => (Effect::ArriveLate { by, how }, random.choice(write)),
        4 => (Effect::StartNotTaken, Some(Start)),
        5 => (Effect::start_fails(), Some(Start)),
        6 => (Effect::Deny, random.choice([Update, Start, Describe])),
        7 => (Effect::StuckStopping, Some(Stop)),
        _ => (Effect::Hang, random.choice(any)),
    };
    let fault = Fault::new(effect).operation(operation.unwrap());
    fault.next(random.u64(1..=2))
}

/// Frees what hangs in Stopping, as AWS does in the end.
fn unstick(simulator: &Simulator) {
    for notebook in simulator.notebooks() {
        if notebook.status == Status::Stopping {
            let (account, region, name) = (&notebook.account, &notebook.region, &notebook.name);
            simulator.modify_notebook(account, region, name, |notebook| {
                notebook.status = Status::Stopped;
            });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_everybody_is_back_in_the_end() {
    let seed = fastrand::u64(..);
    let seed = std::env::var("SEED").map_or(seed, |seed| seed.parse().unwrap());
    println!("SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let scene = Scene::set("long-run").await;
    let stage = &scene.stage;
    let mut other = Some(stage.another_operator(&scene.kubeconfig));
    let watch = Watch::begin(&stage.simulator, &[]);
    let mut policy = at_most(BUDGET);
    policy["remediation"]["maxFailures"] = serde_json::json!(100);
    stage.enforce(policy).await;

    let began = Instant::now();
    let mut ticks = tokio::time::interval(PACE);
    while began.elapsed() < TROUBLE {
        ticks.tick().await;
        scene.kubernetes.resume();
        if random.u32(..5) == 0 {
            unstick(&stage.simulator);
        }
        let what = scene.trouble(&mut random, &mut other);
        println!("{:>6.1} s: {what}", began.elapsed().as_secs_f64());
    }
    scene.kubernetes.resume();
    stage.simulator.clear_faults();
    unstick(&stage.simulator);

    settle(stage).await;
    let most = watch.end();
    assert!(most <= BUDGET as usize, "{most} were down at the same time");
    let writes = stage.simulator.writes();
    assert!(safety::most_down(&writes) <= BUDGET as usize, "{writes:#?}");
    safety::holds(&stage.simulator);
    let unintended = scene.unintended.lock().unwrap().clone();
    assert_eq!(unintended, Vec::<String>::new());
    for notebook in stage.simulator.notebooks() {
        let ran = notebook.name.starts_with("up");
        let status = if ran {
            Status::InService
        } else {
            Status::Stopped
        };
        let truth = (&notebook.status, &notebook.root_access);
        assert_eq!(truth, (&status, &RootAccess::Disabled), "{notebook:#?}");
    }
}

/// Waits until everything is fixed; what failed is acknowledged, as a person would.
async fn settle(stage: &Stage) {
    let began = Instant::now();
    loop {
        let records = stage.records().await;
        for record in &records {
            let status = record.status.as_ref();
            let failed = status.is_some_and(|status| status.state == Some(State::Failed));
            if failed && record.metadata.finalizers.is_none() {
                stage.delete_record(&record.spec.notebook.name).await;
            }
        }
        let fixed = |notebook: &sagemaker_simulator::Notebook| {
            notebook.root_access == RootAccess::Disabled
                && (notebook.status == Status::InService || notebook.name.starts_with("down"))
        };
        let all = stage.simulator.notebooks().iter().all(fixed);
        let finished = records.iter().all(|record| {
            record
                .status
                .as_ref()
                .is_some_and(|status| status.state == Some(State::Succeeded))
        });
        if all && finished {
            return;
        }
        assert!(
            began.elapsed() < SETTLING,
            "{:#?}\n{records:#?}",
            stage.simulator.notebooks()
        );
        tokio::time::sleep(PACE).await;
    }
}

/// A lease that runs out, two operators, and a whole fleet.
const SETTLING: Duration = Duration::from_mins(3);
