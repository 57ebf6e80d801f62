//! A running program of the cluster, with its log in a file.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};

use crate::Error;
use crate::watchdog::Watchdog;

/// Enough for a fatal message and its context.
const LOG_LINES: usize = 25;

/// A running program. Dropping it kills and reaps it.
#[derive(Debug)]
pub(crate) struct Program {
    name: &'static str,
    log: PathBuf,
    child: Child,
}

impl Program {
    /// Starts `command` under the watchdog. Its output is appended to `<folder>/<name>.log`.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        watchdog: &Watchdog,
    ) -> Result<Self, Error> {
        let log = watchdog.folder().join(format!("{name}.log"));
        let open = || OpenOptions::new().create(true).append(true).open(&log);
        let doing = || Error::io(format!("open {}", log.display()));
        command
            .stdin(Stdio::null())
            .stdout(open().map_err(doing())?)
            .stderr(open().map_err(doing())?);
        watchdog.adopt(&mut command);
        let child = command
            .spawn()
            .map_err(Error::io(format!("start {name}")))?;
        Ok(Self { name, log, child })
    }

    /// Returns the program's exit status if it has ended.
    pub(crate) fn exit_status(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.child
            .try_wait()
            .map_err(Error::io(format!("wait for {}", self.name)))
    }

    /// Returns an error if the program has ended.
    pub(crate) fn expect_running(&mut self) -> Result<(), Error> {
        match self.exit_status()? {
            None => Ok(()),
            Some(status) => Err(Error::Exited {
                program: self.name,
                status,
                log: self.last_lines(),
            }),
        }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Error> {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        kill(pid, signal)
            .map_err(|errno| Error::io(format!("send {signal} to {}", self.name))(errno.into()))
    }

    /// Returns the process ID.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the last lines of the program's log.
    pub(crate) fn last_lines(&self) -> String {
        last_lines(&self.log)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if the process has ended and was reaped, as intended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn last_lines(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(LOG_LINES)..)
        .unwrap_or_default()
        .join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_program_that_ended_shows_the_end_of_its_log() {
        let watchdog = Watchdog::start().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "seq 100; echo boom >&2; exit 3"]);
        let mut program = Program::start("doomed", command, &watchdog).unwrap();
        program.child.wait().unwrap();

        let Error::Exited {
            program,
            status,
            log,
        } = program.expect_running().unwrap_err()
        else {
            unreachable!()
        };
        assert_eq!((program, status.code()), ("doomed", Some(3)));
        assert!(
            log.starts_with("77\n") && log.ends_with("100\nboom"),
            "{log}"
        );
    }
}
