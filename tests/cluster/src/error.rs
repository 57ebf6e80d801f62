use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::Tool;

/// Why a tool could not be built, or a cluster not be started or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no `go` on the `PATH`.
    #[error(
        "go is missing: install Go {wanted} or newer from https://go.dev/dl/ and put it on the PATH"
    )]
    GoMissing {
        /// The version that the tool module asks for.
        wanted: String,
    },
    /// Go is there but will not work on the tool module, most often because it is too old.
    #[error("go cannot build the tools, which need Go {wanted} or newer:\n{output}")]
    GoUnusable {
        /// The version that the tool module asks for.
        wanted: String,
        /// What go itself said.
        output: String,
    },
    /// A build of the tools failed.
    #[error("building {} failed ({status}); the last lines:\n{output}", names(.tools))]
    Build {
        /// What was being built.
        tools: Vec<Tool>,
        /// How `go install` ended.
        status: ExitStatus,
        /// The last lines that it printed.
        output: String,
    },
    /// Neither `XDG_CACHE_HOME` nor `HOME` is set, so there is no place to keep the tools.
    #[error("no place for the built tools: set HOME or XDG_CACHE_HOME")]
    NoCacheFolder,
    /// No free port was found.
    #[error("no free port on 127.0.0.1 between {first} and {last}")]
    NoFreePort {
        /// First port that was considered.
        first: u16,
        /// Last port that was considered.
        last: u16,
    },
    /// One of the cluster's programs ended by itself.
    #[error("{program} ended by itself ({status}); the last lines of its log:\n{log}")]
    Exited {
        /// The program's name.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// The cluster did not become ready in time.
    #[error(
        "the cluster was not ready within {waited:?}: {last}\nthe last lines of the API server's log:\n{log}"
    )]
    NotReady {
        /// How long it was waited for.
        waited: Duration,
        /// What the last look said.
        last: String,
        /// The last lines of the API server's log.
        log: String,
    },
    /// The watchdog process could not set itself up.
    #[error("the watchdog could not create the folder {}", .0.display())]
    Watchdog(PathBuf),
    /// A command against the cluster failed.
    #[error("`{command}` failed ({status}): {stderr}")]
    Command {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed on stderr.
        stderr: String,
    },
    /// Something that the operating system refused.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why not.
        source: io::Error,
    },
}

impl Error {
    /// Wraps an I/O error, for `map_err`, saying what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

fn names(tools: &[Tool]) -> String {
    tools
        .iter()
        .map(|tool| tool.name())
        .collect::<Vec<_>>()
        .join(", ")
}
