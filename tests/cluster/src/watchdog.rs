//! Ends a cluster with its owner.
//!
//! Two small processes belong to each cluster. Each is blocked on a pipe whose other end only the
//! owner holds, so that the kernel wakes them when the owner ends, even after a SIGKILL:
//!
//! * the *anchor* (`cat`) leads the process group that all the cluster's programs join
//! * the *watchdog* (`/bin/sh`, in its own group) creates the cluster's folder. When its pipe
//!   closes, it kills the anchor's group and removes the folder.
//!
//! `PR_SET_PDEATHSIG` does not fit. It exists on Linux only, and needs `unsafe` between fork and
//! exec. It also fires when the *thread* that started the program ends, as a test's thread does.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Error;

/// Arguments: the folder to create and remove, and the process group to kill.
///
/// The watchdog creates the folder itself. The folder is therefore removed in every case, and an
/// existing folder never is. The group is killed until it is empty, because a program that was just
/// forked joins late. The loop is bounded, because zombies stay in the group for ever if the
/// machine's first process never reaps orphans.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
mkdir -m 700 "$1" || exit 1
echo ready
while read -r _; do :; done
tries=0
while kill -s KILL -- "-$2" && [ "$tries" -lt 40 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
"#;

/// Anchor and watchdog of one cluster. Dropping it kills the adopted programs and removes the
/// folder.
#[derive(Debug)]
pub struct Watchdog {
    anchor: Child,
    shell: Child,
    folder: PathBuf,
}

impl Watchdog {
    /// Starts both, and creates a new folder among the system's temporary files.
    pub fn start() -> Result<Self, Error> {
        Self::start_in(&std::env::temp_dir())
    }

    fn start_in(parent: &Path) -> Result<Self, Error> {
        let folder = parent.join(format!("local-cluster-{:016x}", fastrand::u64(..)));
        let anchor = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Error::io("start cat"))?;
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "local-cluster-watchdog"])
            .arg(&folder)
            .arg(anchor.id().to_string())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Error::io("start /bin/sh"))?;
        let stdout = shell.stdout.take();
        let started = Self {
            anchor,
            shell,
            folder,
        };
        let mut line = String::new();
        if let Some(stdout) = stdout {
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(Error::io("hear from the watchdog"))?;
        }
        if line == "ready\n" {
            Ok(started)
        } else {
            Err(Error::Watchdog(started.folder.clone()))
        }
    }

    /// Returns the cluster's folder. It exists as long as `self`, and only its owner can read it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ties a program, before its start, to the owner: the program and its children end with the
    /// owner.
    pub fn adopt<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        command.process_group(self.anchor.id().cast_signed())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Killed here too, because the shell may have ended early. An error means that the process
        // was already reaped.
        let _ = self.anchor.kill();
        let _ = self.anchor.wait();
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let error = Watchdog::start_in(Path::new("/dev/null")).unwrap_err();
        assert!(matches!(error, Error::Watchdog(folder) if folder.starts_with("/dev/null")));
    }

    #[test]
    fn the_folder_and_what_was_adopted_go_with_it() {
        let watchdog = Watchdog::start().unwrap();
        let folder = watchdog.folder().to_owned();
        assert!(folder.is_dir());
        let mut program = watchdog
            .adopt(Command::new("cat").stdin(Stdio::piped()))
            .spawn()
            .unwrap();
        let _open = program.stdin.take();

        drop(watchdog);

        assert!(!folder.exists());
        assert!(!program.wait().unwrap().success(), "ended by itself");
    }
}
