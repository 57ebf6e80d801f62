//! A running `sudoless run`, started as by a user.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use local_cluster::{LocalCluster, Options};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sagemaker_simulator::Simulator;
use serde_json::Value;

use crate::usage::Usage;

const DEADLINE: Duration = Duration::from_mins(1);

pub struct Operator {
    process: Child,
    address: String,
}

/// Starts an API server with the committed definitions.
pub fn cluster() -> LocalCluster {
    let cluster = LocalCluster::start(Options::default()).unwrap();
    let definitions = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    cluster.install(&definitions, "nrap").unwrap();
    cluster
}

impl Operator {
    /// Starts the operator with all flags at their defaults, and waits until it is ready.
    pub fn start(cluster: &LocalCluster, simulator: &Simulator) -> Self {
        Self::start_with(cluster, simulator, &[])
    }

    /// Starts the operator with flags, and waits until it is ready.
    pub fn start_with(cluster: &LocalCluster, simulator: &Simulator, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sudoless"));
        command
            .args([
                "run",
                "--metrics-addr",
                "127.0.0.1:0",
                "--log-format",
                "json",
            ])
            .args(flags)
            .env("KUBECONFIG", cluster.kubeconfig_path())
            .envs(simulator.env())
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = cluster.adopt(&mut command).spawn().unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        let (sender, addresses) = mpsc::channel();
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let event: Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(address) = event["address"].as_str() {
                    let _ = sender.send(address.to_owned());
                }
                if event["level"] != "INFO" {
                    eprintln!("    the operator: {line}");
                }
            }
        });
        let address = addresses.recv_timeout(DEADLINE).expect("it serves metrics");
        let operator = Self { process, address };
        let started = Instant::now();
        while !operator.get("/readyz").starts_with("HTTP/1.1 200") {
            assert!(started.elapsed() < DEADLINE, "the operator is not ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        operator
    }

    pub fn usage(&self) -> Usage {
        Usage::of(&self.process.id().to_string())
    }

    /// Scrapes the metrics as Prometheus does, which also takes memory. Returns the page's size as
    /// soon as the page contains a scan, a moment after the status.
    pub fn scrape(&self) -> usize {
        let started = Instant::now();
        loop {
            let page = self.get("/metrics");
            if page.contains("\nsudoless_policy_last_scan_timestamp_seconds{") {
                return page.len();
            }
            assert!(started.elapsed() < DEADLINE, "no scan in the metrics");
        }
    }

    fn get(&self, path: &str) -> String {
        let address = &self.address;
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let process = Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        let _ = kill(process, Signal::SIGTERM);
        let _ = self.process.wait();
    }
}
