use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::Tool;

/// Error of building a tool, or of starting or using a cluster.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no `go` on the `PATH`.
    #[error(
        "go is missing: install Go {wanted} or newer from https://go.dev/dl/ and put it on the PATH"
    )]
    GoMissing {
        /// Version required by the tool module.
        wanted: String,
    },
    /// Go cannot use the tool module, most often because it is too old.
    #[error("go cannot build the tools, which need Go {wanted} or newer:\n{output}")]
    GoUnusable {
        /// Version required by the tool module.
        wanted: String,
        /// Output of go.
        output: String,
    },
    /// A build of the tools failed.
    #[error("building {} failed ({status}); the last lines:\n{output}", names(.tools))]
    Build {
        /// Tools of the build.
        tools: Vec<Tool>,
        /// Exit status of `go install`.
        status: ExitStatus,
        /// Last lines of its output.
        output: String,
    },
    /// Neither `XDG_CACHE_HOME` nor `HOME` is set, so there is no place for the tools.
    #[error("no place for the built tools: set HOME or XDG_CACHE_HOME")]
    NoCacheFolder,
    /// No free port was found.
    #[error("no free port on 127.0.0.1 between {first} and {last}")]
    NoFreePort {
        /// First port tried.
        first: u16,
        /// Last port tried.
        last: u16,
    },
    /// One of the cluster's programs ended by itself.
    #[error("{program} ended by itself ({status}); the last lines of its log:\n{log}")]
    Exited {
        /// Name of the program.
        program: &'static str,
        /// Exit status of the program.
        status: ExitStatus,
        /// Last lines of the program's log.
        log: String,
    },
    /// The cluster did not become ready in time.
    #[error(
        "the cluster was not ready within {waited:?}: {last}\nthe last lines of the API server's log:\n{log}"
    )]
    NotReady {
        /// Time waited.
        waited: Duration,
        /// Result of the last check.
        last: String,
        /// Last lines of the API server's log.
        log: String,
    },
    /// The watchdog process failed to start.
    #[error("the watchdog could not create the folder {}", .0.display())]
    Watchdog(PathBuf),
    /// A command against the cluster failed.
    #[error("`{command}` failed ({status}): {stderr}")]
    Command {
        /// The program and its arguments.
        command: String,
        /// Exit status of the command.
        status: ExitStatus,
        /// Stderr of the command.
        stderr: String,
    },
    /// An operation failed in the operating system.
    #[error("cannot {doing}: {source}")]
    Io {
        /// Failed operation.
        doing: String,
        /// Error of the operating system.
        source: io::Error,
    },
}

impl Error {
    /// Wraps an I/O error with the name of the operation, for `map_err`.
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
