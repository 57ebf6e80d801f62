//! How a cluster is made to end with its owner.
//!
//! Two small processes stand beside each cluster, each blocked on a pipe whose other end only the owner holds, so that the
//! kernel wakes them when the owner is gone, even after a SIGKILL:
//!
//! * the *anchor* (`cat`) leads the process group that all the cluster's programs join;
//! * the *watchdog* (`/bin/sh`, in a group of its own) made the cluster's folder. When its pipe closes it kills the anchor's
//!   group and removes the folder.
//!
//! Chosen over `PR_SET_PDEATHSIG`, which exists on Linux only, needs `unsafe` to set between fork and exec, and fires when the
//! *thread* that started the program ends, as a test's thread does.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Error;

/// Arguments: the folder to make and to remove, the process group to kill.
///
/// The watchdog makes the folder itself, so that there is no moment at which nobody would remove it, and so that it never
/// removes one that was there before. The group is killed until it is empty: a program that the owner had only just forked
/// joins late. The bound is for machines whose first process never reaps orphans, where zombies stay in the group for ever.
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

/// The anchor and the watchdog of one cluster. Dropping it kills what was adopted and removes the folder.
#[derive(Debug)]
pub struct Watchdog {
    anchor: Child,
    shell: Child,
    folder: PathBuf,
}

impl Watchdog {
    /// Starts both and creates a new folder in the system's folder for temporary files.
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

    /// The cluster's folder: exists as long as `self` does, readable by its owner only.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes a program that is about to be started end with the owner. Processes that it starts itself end too.
    pub fn adopt<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        command.process_group(self.anchor.id().cast_signed())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Not left to the shell, which may have ended before its time. Errors mean that the process was reaped already.
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
