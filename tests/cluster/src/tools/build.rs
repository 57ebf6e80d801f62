//! Runs `go install` and reports its progress.

use std::collections::VecDeque;
use std::fmt::Display;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Module, Tool};
use crate::Error;
use crate::watchdog::Watchdog;

/// Often enough to show progress, rarely enough for a CI log.
const REPORT_EVERY: Duration = Duration::from_secs(15);

/// Enough for the compiler's errors.
const KEPT_LINES: usize = 30;

/// Writes a progress line to stderr directly, because a test harness swallows `eprintln!`.
pub(super) fn say(message: impl Display) {
    // A progress line that cannot be written is no reason to fail.
    let _ = writeln!(io::stderr().lock(), "local-cluster: {message}");
}

/// Builds `tools`, all of one module, into `<root>/bin`. The caller holds the lock. Each program
/// appears there complete or not at all, because it is built in another folder and then renamed.
pub(super) fn install(module: Module, tools: &[Tool], root: &Path) -> Result<(), Error> {
    let names = tools
        .iter()
        .map(|tool| tool.name())
        .collect::<Vec<_>>()
        .join(", ");
    say(format_args!(
        "building {names} from source, once for this user; the first time takes minutes"
    ));
    // The name is always the same, so that the remains of a killed build are removed now.
    let fresh = root.join("building");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(Error::io(format!("remove {}", fresh.display())))?;
    }
    let watchdog = Watchdog::start()?;
    let started = Instant::now();
    let mut go = Command::new("go");
    go.args(["install", "-v", "-mod=readonly", "-trimpath"])
        .arg(format!("-tags={}", module.tags()))
        .arg(format!("-ldflags={}", link_flags(module)?))
        .args(tools.iter().map(|tool| tool.package()))
        .current_dir(module.folder())
        .env("GOWORK", "off")
        .env("GOBIN", &fresh)
        .env("CGO_ENABLED", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut go = watchdog
        .adopt(&mut go)
        .spawn()
        .map_err(Error::io("start go"))?;
    let last_lines = match go.stderr.take() {
        Some(stderr) => follow(stderr, &names, started),
        None => String::new(),
    };
    let status = go.wait().map_err(Error::io("wait for go"))?;
    if !status.success() {
        return Err(Error::Build {
            tools: tools.to_vec(),
            status,
            output: last_lines,
        });
    }
    for tool in tools {
        let built = fresh.join(tool.installed_as());
        let place = root.join("bin").join(tool.name());
        fs::rename(&built, &place).map_err(Error::io(format!(
            "move {} to {}",
            built.display(),
            place.display()
        )))?;
    }
    fs::remove_dir(&fresh).map_err(Error::io(format!("remove {}", fresh.display())))?;
    say(format_args!(
        "built {names} in {} s",
        started.elapsed().as_secs()
    ));
    Ok(())
}

/// Reads go's output to its end, reports on it from time to time, and returns its last lines.
fn follow(output: impl Read + Send + 'static, names: &str, started: Instant) -> String {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut kept = VecDeque::with_capacity(KEPT_LINES);
    let (mut downloaded, mut compiled) = (0_usize, 0_usize);
    let mut next_report = started + REPORT_EVERY;
    loop {
        match lines.recv_timeout(next_report.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                // With -v, go prints each package that it compiles and each module that it
                // downloads.
                if line.starts_with("go: downloading ") {
                    downloaded += 1;
                } else {
                    compiled += 1;
                }
                if kept.len() == KEPT_LINES {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let seconds = started.elapsed().as_secs();
                say(format_args!(
                    "building {names}: {seconds} s, {downloaded} modules downloaded, {compiled} packages compiled"
                ));
                next_report += REPORT_EVERY;
            }
        }
    }
    kept.make_contiguous().join("\n")
}

/// Returns the linker's flags: no debug information, and the versions that the programs report. Go
/// would only know the versions if the programs were the main module.
fn link_flags(module: Module) -> Result<String, Error> {
    let path = module.folder().join("go.mod");
    let text = fs::read_to_string(&path).map_err(Error::io(format!("read {}", path.display())))?;
    let mut flags = String::from("-s -w");
    if let Some(version) = required_version(&text, "k8s.io/kubernetes") {
        let mut parts = version.trim_start_matches('v').split('.');
        let variables = [
            ("gitVersion", version),
            ("gitMajor", parts.next().unwrap_or_default()),
            ("gitMinor", parts.next().unwrap_or_default()),
        ];
        for (variable, value) in variables {
            flags.push_str(" -X k8s.io/component-base/version.");
            flags.extend([variable, "=", value]);
        }
    }
    Ok(flags)
}

/// Returns the version in the go.mod's line `module version`.
fn required_version<'text>(go_mod: &'text str, module: &str) -> Option<&'text str> {
    go_mod.lines().find_map(|line| {
        let mut words = line
            .split_whitespace()
            .skip_while(|word| *word == "require");
        (words.next()? == module)
            .then(|| words.next())
            .flatten()
            .filter(|version| version.starts_with('v'))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_required_version_is_found_in_a_block_and_alone() {
        let block =
            "require (\n\tk8s.io/kubernetes/x v0.1.0\n\tk8s.io/kubernetes v1.36.3 // indirect\n)\n";
        assert_eq!(
            required_version(block, "k8s.io/kubernetes"),
            Some("v1.36.3")
        );
        assert_eq!(
            required_version("require a.b/c v2.0.0\n", "a.b/c"),
            Some("v2.0.0")
        );
        assert_eq!(
            required_version("replace a.b/c => a.b/c v2.0.0\n", "a.b/c"),
            None
        );
        assert_eq!(required_version("\ta.b/c => a.b/c v2.0.0\n", "a.b/c"), None);
    }

    #[test]
    fn programs_are_told_their_version() {
        let flags = link_flags(Module::Kubernetes).unwrap();
        assert!(flags.contains("version.gitVersion=v1."), "{flags}");
        assert!(flags.contains("version.gitMajor=1 "), "{flags}");
    }

    #[test]
    fn what_go_says_last_is_kept() {
        let output = (0..100)
            .map(|n| format!("line {n}"))
            .collect::<Vec<_>>()
            .join("\n");
        let kept = follow(io::Cursor::new(output), "x", Instant::now());
        assert!(
            kept.starts_with("line 70\n") && kept.ends_with("line 99"),
            "{kept}"
        );
    }
}
