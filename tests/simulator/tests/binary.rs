//! The program: what it prints, how it ends, what it refuses.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::clients::ACCOUNT;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sagemaker-simulator");

/// Kills what a failed test leaves behind.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Starts the program and waits for its line.
    fn start(arguments: &[&str]) -> (Self, String) {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut running = Self(command.spawn().unwrap());
        let mut line = String::new();
        let output = running.0.stdout.as_mut().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        (running, line)
    }

    fn ends_well(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            assert!(Instant::now() < deadline, "still running");
            std::thread::yield_now();
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

fn variable<'a>(line: &'a str, name: &str) -> &'a str {
    let mut words = line.trim().strip_prefix("export ").unwrap().split(' ');
    words
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
        .unwrap()
}

fn notebooks(line: &str) -> usize {
    let address = variable(line, "AWS_ENDPOINT_URL")
        .strip_prefix("http://")
        .unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = "GET /_admin/notebooks HTTP/1.1\r\nhost: simulator\r\nconnection: close\r\n\r\n";
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str::<Vec<serde_json::Value>>(body)
        .unwrap()
        .len()
}

#[test]
fn it_prints_one_line_serves_and_stops_when_told() {
    for signal in ["TERM", "INT"] {
        let generate = "accounts=1,regions=1,notebooks=7";
        let (mut running, line) =
            Running::start(&["--generate", generate, "--latency", "1ms", "--speed", "10"]);
        assert!(!variable(&line, "AWS_ACCESS_KEY_ID").is_empty());
        assert!(!variable(&line, "AWS_SECRET_ACCESS_KEY").is_empty());
        assert_eq!(notebooks(&line), 7);
        running.signal(signal);
        running.ends_well();
    }
}

#[test]
fn it_reads_a_fleet_file() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fleets/demo.yaml");
    let (_running, line) = Running::start(&["--fleet", file]);
    assert_eq!(notebooks(&line), 15);
}

#[test]
fn it_ends_when_its_input_is_closed_if_told_to() {
    let (mut running, _) = Running::start(&["--generate", "", "--exit-with-parent"]);
    drop(running.0.stdin.take());
    running.ends_well();
}

#[test]
fn it_ends_with_its_parent_if_told_to() {
    // The shell leaves the simulator behind, with an input that stays open, and tells its id.
    let script = format!(
        "'{PROGRAM}' --generate notebooks=1 --exit-with-parent </dev/null & echo $!; read line"
    );
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut shell = Running(shell.spawn().unwrap());
    let mut output = BufReader::new(shell.0.stdout.take().unwrap());
    let mut line = || {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    };
    let (first, second) = (line(), line());
    let (pid, env) = if first.starts_with("export") {
        (second, first)
    } else {
        (first, second)
    };
    let address = variable(&env, "AWS_ENDPOINT_URL")
        .strip_prefix("http://")
        .unwrap();
    assert!(
        std::net::TcpStream::connect(address).is_ok(),
        "process {pid} serves"
    );
    shell.0.kill().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < deadline, "process {pid} is still there");
        std::thread::yield_now();
    }
}

#[test]
fn it_refuses_what_it_does_not_understand() {
    let refused = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&[]).contains("--fleet"));
    assert!(refused(&["--generate", "books=1"]).contains("notebooks="));
    assert!(refused(&["--fleet", "/nowhere.yaml"]).contains("/nowhere.yaml"));
    assert!(refused(&["--generate", "", "--fault", "{}"]).contains("effect"));
    assert!(refused(&["--generate", "", "--latency", "fast"]).contains("latency"));
}

#[test]
fn a_fault_can_be_given_at_the_start() {
    let fault = format!(
        r#"{{"on": {{"account": "{ACCOUNT}"}}, "effect": {{"throttle": {{"rate": 10, "burst": 20}}}}}}"#
    );
    let (_running, line) = Running::start(&["--generate", "", "--fault", &fault]);
    let address = variable(&line, "AWS_ENDPOINT_URL")
        .strip_prefix("http://")
        .unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /_admin/faults HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.contains("throttle") && answer.contains(ACCOUNT),
        "{answer}"
    );
}
