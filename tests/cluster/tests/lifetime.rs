//! A cluster ends with its owner, however the owner ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use local_cluster::{LocalCluster, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const DEADLINE: Duration = Duration::from_secs(30);

/// `local-cluster up` in a process of its own, ready.
struct Owner {
    process: Child,
    stdin: Option<ChildStdin>,
    folder: PathBuf,
}

impl Owner {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_local-cluster"))
            .arg("up")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = process.stdin.take();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let kubeconfig = line
            .trim()
            .strip_prefix("export KUBECONFIG=")
            .expect("no KUBECONFIG was printed");
        let folder = Path::new(kubeconfig).parent().unwrap().to_owned();
        assert!(
            !programs_of(&folder).is_empty(),
            "nothing runs: the test would prove nothing"
        );
        Self {
            process,
            stdin,
            folder,
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().cast_signed()), signal).unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // For a test that failed: whether it has ended already does not matter.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The lines of `ps` for processes that were given a path in `folder`. A zombie has no arguments
/// any more, so it does not count.
fn programs_of(folder: &Path) -> Vec<String> {
    let output = Command::new("ps")
        .args(["-A", "-ww", "-o", "pid=,args="])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter(|line| line.contains(folder.to_str().unwrap()))
        .map(str::to_owned)
        .collect()
}

fn assert_all_is_gone_soon(folder: &Path) {
    let started = Instant::now();
    loop {
        let programs = programs_of(folder);
        if programs.is_empty() && !folder.exists() {
            return;
        }
        assert!(
            started.elapsed() < DEADLINE,
            "still there: folder {} ({}), {programs:#?}",
            folder.display(),
            folder.exists()
        );
    }
}

#[test]
fn a_killed_owner_takes_everything_along() {
    let mut owner = Owner::start(&["--controller-manager"]);
    owner.signal(Signal::SIGKILL);
    owner.process.wait().unwrap();
    assert_all_is_gone_soon(&owner.folder);
}

#[test]
fn a_terminated_owner_cleans_up_before_it_ends() {
    let kubeconfig = tempfile::tempdir().unwrap();
    let kubeconfig = kubeconfig.path().join("config");
    // With --kubeconfig the printed path is not in the cluster's folder, so the folder is read from
    // the file.
    let mut process = Command::new(env!("CARGO_BIN_EXE_local-cluster"))
        .args(["up", "--kubeconfig"])
        .arg(&kubeconfig)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(
        line.trim(),
        format!("export KUBECONFIG={}", kubeconfig.display())
    );
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    let certificate = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("certificate-authority: "))
        .unwrap();
    let folder = Path::new(certificate).ancestors().nth(2).unwrap();
    assert!(
        !programs_of(folder).is_empty(),
        "nothing runs: the test would prove nothing"
    );

    kill(Pid::from_raw(process.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert!(process.wait().unwrap().success());

    assert_eq!(programs_of(folder), Vec::<String>::new());
    assert!(!folder.exists());
    assert!(!kubeconfig.exists(), "the copy of the kubeconfig is left");
}

#[test]
fn the_end_of_stdin_ends_the_owner_only_where_asked() {
    let mut asked = Owner::start(&["--until-stdin-closes"]);
    let mut not_asked = Owner::start(&[]);
    for owner in [&mut asked, &mut not_asked] {
        drop(owner.stdin.take());
    }

    assert!(asked.process.wait().unwrap().success());
    assert_all_is_gone_soon(&asked.folder);
    assert!(
        not_asked.process.try_wait().unwrap().is_none(),
        "ended, though not asked"
    );

    not_asked.signal(Signal::SIGINT);
    assert!(not_asked.process.wait().unwrap().success());
    assert_all_is_gone_soon(&not_asked.folder);
}

#[test]
fn a_cluster_outlives_the_thread_that_started_it_and_ends_when_dropped() {
    let cluster = thread::spawn(|| LocalCluster::start(Options::default()).unwrap())
        .join()
        .unwrap();
    let folder = cluster.folder().to_owned();
    assert_eq!(
        cluster.run_kubectl(["get", "--raw", "/readyz"]).unwrap(),
        "ok"
    );

    drop(cluster);

    assert_eq!(programs_of(&folder), Vec::<String>::new());
    assert!(!folder.exists());
}
