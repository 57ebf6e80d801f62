//! The operator's own program between a real API server and a simulated AWS.
//!
//! Many stages share an API server. Each has its own simulator and its own operator, which looks
//! only after the policies of its stage.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams},
    runtime::wait::await_condition,
};
use local_cluster::LocalCluster;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sagemaker_simulator::{Fleet, Options, Simulator};
use serde_json::{Value, json};
use sudoless::api::{
    NotebookRootAccessPolicy, NotebookRootAccessPolicyStatus as Status, SCAN_NOW_ANNOTATION,
};

use super::served;
pub use super::served::client;

/// Until something that takes milliseconds has happened, on a machine that does five other things.
pub const DEADLINE: Duration = Duration::from_mins(2);

/// Between two looks at what tells nobody when it changes.
const LOOK: Duration = Duration::from_millis(25);

/// Lines of the operator's log that a failing test shows.
const TAIL: usize = 50;

/// What Kubernetes gives a pod to end in.
const GRACE: Duration = Duration::from_secs(30);

/// A simulator, an operator, and the label that binds policies to it.
pub struct Stage {
    /// The stage's name: value of the label, and prefix of its policies' names.
    pub name: String,
    /// AWS.
    pub simulator: Arc<Simulator>,
    /// An administrator's client.
    pub client: Client,
    operator: Mutex<Option<Operator>>,
    flags: Vec<String>,
    /// Where the operator finds AWS, and with which key.
    env: Vec<(String, String)>,
}

/// A running `sudoless run`.
pub struct Operator {
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
    /// Where /metrics, /healthz and /readyz are, as `host:port`.
    pub address: String,
}

/// The API server shared by the tests that audit and by those that store nothing. It holds no
/// records, because each operator watches the records of all operators.
pub fn cluster() -> &'static LocalCluster {
    static CLUSTER: OnceLock<LocalCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| served::start(local_cluster::Options::default()))
}

impl Stage {
    /// Starts a simulator with a fleet, and an operator with more flags, on the cluster of the
    /// tests that audit.
    pub async fn begin(name: &str, fleet: Fleet, flags: &[&str]) -> Self {
        Self::on(cluster(), name, fleet, flags).await
    }

    /// The same on another cluster.
    pub async fn on(cluster: &LocalCluster, name: &str, fleet: Fleet, flags: &[&str]) -> Self {
        let simulator = Simulator::start(fleet, Options::default()).unwrap();
        Self::with(cluster, name, simulator, flags).await
    }

    /// The same with a simulator that was started otherwise.
    pub async fn with(
        cluster: &LocalCluster,
        name: &str,
        simulator: Simulator,
        flags: &[&str],
    ) -> Self {
        let stage = Self::idle(client(cluster).await, name, simulator, flags);
        stage.start_operator(cluster.kubeconfig_path());
        stage
    }

    /// A stage whose operator does not run yet.
    pub fn idle(client: Client, name: &str, simulator: Simulator, flags: &[&str]) -> Self {
        let mut all: Vec<String> = [
            "--metrics-addr",
            "127.0.0.1:0",
            "--log-format",
            "json",
            "--watch-label-selector",
        ]
        .map(str::to_owned)
        .to_vec();
        all.push(format!("stage={name}"));
        all.extend(flags.iter().map(ToString::to_string));
        Self {
            name: name.to_owned(),
            operator: Mutex::default(),
            client,
            env: simulator.env(),
            simulator: Arc::new(simulator),
            flags: all,
        }
    }

    /// The operator finds AWS here from its next start on.
    pub fn reach_aws_at(&mut self, url: &str) {
        for (name, value) in &mut self.env {
            if name == "AWS_ENDPOINT_URL" {
                url.clone_into(value);
            }
        }
    }

    /// Starts the operator, which must not be running.
    pub fn start_operator(&self, kubeconfig: &Path) {
        *self.operator.lock().unwrap() = Some(self.another_operator(kubeconfig));
    }

    /// Starts an operator beside the one that is running.
    pub fn another_operator(&self, kubeconfig: &Path) -> Operator {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sudoless"));
        command
            .arg("run")
            .args(&self.flags)
            .env("KUBECONFIG", kubeconfig)
            .envs(self.env.iter().cloned());
        Operator::start(command)
    }

    /// Starts the operator by the given command, which names a cluster. The endpoint of AWS is
    /// added.
    pub fn start_operator_by(&self, command: Command) {
        *self.operator.lock().unwrap() = Some(self.another_operator_by(command));
    }

    /// The same beside the one that is running. What the command says of AWS counts.
    pub fn another_operator_by(&self, mut command: Command) -> Operator {
        let own: Vec<_> = command
            .get_envs()
            .map(|(name, _)| name.to_owned())
            .collect();
        let env = self.env.iter().cloned();
        command.envs(env.filter(|(name, _)| !own.contains(&name.into())));
        Operator::start(command)
    }

    /// Stops the operator as Kubernetes does; returns how it ended, and after how long.
    ///
    /// # Panics
    /// If it is still there after the 30 seconds that Kubernetes gives it.
    pub fn stop_operator(&self) -> (ExitStatus, Duration) {
        let mut operator = self.operator.lock().unwrap().take().unwrap();
        let asked = Instant::now();
        operator.signal(Signal::SIGTERM);
        loop {
            if let Some(status) = operator.process.try_wait().unwrap() {
                return (status, asked.elapsed());
            }
            let log = operator.log();
            assert!(
                asked.elapsed() < GRACE,
                "it does not end:\n{}",
                log.join("\n")
            );
            std::thread::sleep(LOOK);
        }
    }

    /// Ends the operator as a crash does, and waits until it is gone.
    pub fn kill_operator(&self) {
        drop(self.operator.lock().unwrap().take());
    }

    /// Waits until the operator ends by itself; returns how.
    pub async fn operator_ended(&self) -> ExitStatus {
        let mut ended = None;
        until("the operator to end", || {
            ended = self
                .operator
                .lock()
                .unwrap()
                .as_mut()
                .unwrap()
                .process
                .try_wait()
                .unwrap();
            ended.is_some()
        })
        .await;
        ended.unwrap()
    }

    /// Sends the operator a signal.
    pub fn signal_operator(&self, signal: Signal) {
        self.operator
            .lock()
            .unwrap()
            .as_ref()
            .unwrap()
            .signal(signal);
    }

    /// The operator's log so far, one JSON object a line.
    pub fn log(&self) -> Vec<String> {
        self.operator
            .lock()
            .unwrap()
            .as_ref()
            .map(Operator::log)
            .unwrap_or_default()
    }

    /// Where the operator's own server is, as `host:port`.
    pub fn address(&self) -> String {
        let operator = self.operator.lock().unwrap();
        operator.as_ref().unwrap().address.clone()
    }

    /// GET of a page of the operator's own server: status code and body.
    pub fn page(&self, path: &str) -> (u16, String) {
        http_get(&self.address(), path)
    }

    /// Waits until the operator has logged something.
    pub async fn until_logged(&self, what: &str) {
        until(what, || self.log().iter().any(|line| line.contains(what))).await;
    }

    /// Waits until a page says what is wanted.
    pub async fn until_page(&self, path: &str, wanted: impl Fn(&str) -> bool) -> String {
        let started = Instant::now();
        loop {
            let (_, page) = self.page(path);
            if wanted(&page) {
                return page;
            }
            assert!(started.elapsed() < DEADLINE, "{path} says:\n{page}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A policy's full name.
    pub fn policy(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// Applies a policy, as a person would, with the stage's label.
    pub async fn apply(&self, name: &str, spec: Value) -> NotebookRootAccessPolicy {
        self.apply_annotated(name, spec, json!({})).await
    }

    /// Applies a policy with annotations.
    pub async fn apply_annotated(
        &self,
        name: &str,
        spec: Value,
        annotations: Value,
    ) -> NotebookRootAccessPolicy {
        let policy = json!({
            "apiVersion": "sudoless.dev/v1alpha1",
            "kind": "NotebookRootAccessPolicy",
            "metadata": {
                "name": self.policy(name),
                "labels": { "stage": self.name },
                "annotations": annotations,
            },
            "spec": spec,
        });
        let parameters = PatchParams::apply("somebody").force();
        self.policies()
            .patch(&self.policy(name), &parameters, &Patch::Apply(policy))
            .await
            .unwrap()
    }

    /// Sets an annotation of a policy, or removes it, and leaves everything else.
    pub async fn annotate(&self, name: &str, annotation: &str, value: Option<&str>) {
        let patch = json!({ "metadata": { "annotations": { annotation: value } } });
        self.policies()
            .patch(
                &self.policy(name),
                &PatchParams::default(),
                &Patch::Merge(patch),
            )
            .await
            .unwrap();
    }

    /// Deletes a policy.
    pub async fn delete(&self, name: &str) {
        self.policies()
            .delete(&self.policy(name), &DeleteParams::default())
            .await
            .unwrap();
    }

    /// The policy as it is.
    pub async fn get(&self, name: &str) -> NotebookRootAccessPolicy {
        self.policies().get(&self.policy(name)).await.unwrap()
    }

    /// The policies' API.
    pub fn policies(&self) -> Api<NotebookRootAccessPolicy> {
        Api::all(self.client.clone())
    }

    /// Waits until the status is about the newest spec and says what is wanted.
    ///
    /// # Panics
    /// At the deadline, with the status as it then is and the end of the operator's log.
    pub async fn until(&self, name: &str, wanted: impl Fn(&Status) -> bool) -> Status {
        self.until_within(name, DEADLINE, wanted).await
    }

    /// The same with another deadline.
    pub async fn until_within(
        &self,
        name: &str,
        deadline: Duration,
        wanted: impl Fn(&Status) -> bool,
    ) -> Status {
        let policy = self.policy(name);
        let seen = move |object: Option<&NotebookRootAccessPolicy>| {
            object.is_some_and(|object| {
                object.status.as_ref().is_some_and(|status| {
                    status.observed_generation == object.metadata.generation && wanted(status)
                })
            })
        };
        let condition = await_condition(self.policies(), &policy, seen);
        if let Ok(found) = tokio::time::timeout(deadline, condition).await {
            return found.unwrap().unwrap().status.unwrap();
        }
        let status = self.get(name).await.status;
        let log = self.log();
        let tail = &log[log.len().saturating_sub(20)..];
        panic!("not within {deadline:?}: {status:#?}\n{}", tail.join("\n"));
    }

    /// Asks for a full scan, past every cache, and waits for its result.
    pub async fn rescan(&self, name: &str) -> Status {
        let last_scan = |status: &Status| status.last_scan_time.as_ref().map(|time| time.0);
        let before = self.get(name).await.status.as_ref().and_then(last_scan);
        // Times in a status are whole seconds: the next scan begins in another.
        let begun = |now: Timestamp| before.is_none_or(|at| now.as_second() > at.as_second());
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while !begun(Timestamp::now()) {
            ticks.tick().await;
        }
        let now = Timestamp::now().to_string();
        self.annotate(name, SCAN_NOW_ANNOTATION, Some(&now)).await;
        self.until(name, |status| last_scan(status) > before).await
    }

    /// Waits until a pass over the newest spec is complete.
    pub async fn until_scanned(&self, name: &str) -> Status {
        self.until(name, |status| {
            condition(status, "Ready").0 != "Unknown" && status.last_scan_time.is_some()
        })
        .await
    }
}

/// Looks until there is what is looked for.
///
/// # Panics
/// At the deadline.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            started.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {what}"
        );
        tokio::time::sleep(LOOK).await;
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let tail = &log[log.len().saturating_sub(TAIL)..];
            let name = &self.name;
            eprintln!(
                "--- end of the log of the operator of stage {name} ---\n{}",
                tail.join("\n")
            );
        }
    }
}

impl Operator {
    fn start(mut command: Command) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (sender, addresses) = std::sync::mpsc::channel();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event: Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(address) = event["address"].as_str() {
                    let _ = sender.send(address.to_owned());
                }
                kept.lock().unwrap().push(line);
            }
        });
        match addresses.recv_timeout(DEADLINE) {
            Ok(address) => Self {
                process,
                log,
                address,
            },
            Err(error) => panic!(
                "the operator did not start: {error}\n{}",
                log.lock().unwrap().join("\n")
            ),
        }
    }

    /// Its log so far, one JSON object a line.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        kill(pid, signal).unwrap();
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits for what no watch tells of: looks again and again, until the deadline.
pub async fn until(what: &str, happened: impl FnMut() -> bool) {
    until_within(what, DEADLINE, happened).await;
}

/// The same with another deadline.
pub async fn until_within(what: &str, deadline: Duration, mut happened: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !happened() {
        assert!(
            started.elapsed() < deadline,
            "not within {deadline:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Status, reason and message of a condition.
pub fn condition(status: &Status, kind: &str) -> (String, String, String) {
    status
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind)
        .map(|condition| {
            (
                condition.status.clone(),
                condition.reason.clone(),
                condition.message.clone(),
            )
        })
        .unwrap_or_default()
}

/// `GET http://address/path`: status code and body.
pub fn http_get(address: &str, path: &str) -> (u16, String) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, body.to_owned())
}
