//! Runs the program, and reads what it wrote.

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Instant,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sagemaker_simulator::{Fleet, Options, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{small::ACCOUNT, stage::DEADLINE};

/// Flags, instead of a manifest, for the small fleet's account in both its regions; and more.
pub fn by_flags<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let both = "us-east-1,eu-west-1";
    let account = ["--account", ACCOUNT, "--role", "sudoless", "--region", both];
    [&account[..], more].concat()
}

/// What came of a scan.
#[derive(Debug)]
pub struct Scanned {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A scan that runs.
pub struct Running(Child);

/// Starts a simulator.
pub fn simulate(fleet: Fleet) -> Simulator {
    Simulator::start(fleet, Options::default()).unwrap()
}

/// The program's command line, with nothing of this process's environment that AWS or a terminal is
/// configured by.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sudoless"));
    command
        .arg("scan")
        .args(arguments)
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command
}

/// The same with the simulator's environment.
pub fn command_at(simulator: &Simulator, arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    command.envs(simulator.env());
    command
}

/// Scans.
pub fn scan(simulator: &Simulator, arguments: &[&str]) -> Scanned {
    finish(&mut command_at(simulator, arguments))
}

/// Scans with a text at standard input.
pub fn scan_input(simulator: &Simulator, input: &str, arguments: &[&str]) -> Scanned {
    let mut child = command_at(simulator, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whether it reads all of it is its own business.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Running(child).ended()
}

/// Runs it to its end.
pub fn finish(command: &mut Command) -> Scanned {
    start(command).ended()
}

/// Starts it.
pub fn start(command: &mut Command) -> Running {
    Running(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    )
}

impl Running {
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        kill(pid, signal).unwrap();
    }

    /// Nobody takes what it writes any more.
    pub fn close_stdout(&mut self) {
        drop(self.0.stdout.take());
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn ended(mut self) -> Scanned {
        let stdout = self.0.stdout.take().map(read);
        let stderr = self.0.stderr.take().map(read);
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < DEADLINE, "it does not end");
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        let text = |reader: Option<std::thread::JoinHandle<String>>| {
            reader.map(|reader| reader.join().unwrap())
        };
        let scanned = Scanned {
            code: status.code().unwrap_or(-1),
            stdout: text(stdout).unwrap_or_default(),
            stderr: text(stderr).unwrap_or_default(),
        };
        assert!(!scanned.stderr.contains("panicked"), "{}", scanned.stderr);
        scanned
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

impl Scanned {
    /// The report, if the output was JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }

    /// That it ended so.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// The notebook of a name in a report of one policy.
pub fn notebook<'a>(report: &'a Value, name: &str) -> &'a Value {
    let notebooks = report["policies"][0]["notebooks"].as_array().unwrap();
    notebooks
        .iter()
        .find(|notebook| notebook["name"] == name)
        .unwrap_or_else(|| panic!("{name} is not in {report:#}"))
}

/// A manifest of a policy.
pub fn manifest(name: &str, spec: &Value) -> String {
    json!({
        "apiVersion": "sudoless.dev/v1alpha1",
        "kind": "NotebookRootAccessPolicy",
        "metadata": {"name": name},
        "spec": spec,
    })
    .to_string()
}

/// A folder with files.
pub struct Folder(TempDir);

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = folder.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}
