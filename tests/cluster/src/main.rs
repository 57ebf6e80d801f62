//! `local-cluster`: a control plane on this machine while the command runs.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use local_cluster::{Error, LocalCluster, Options, Tool, Toolbox};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Run a real Kubernetes API server on this machine, without containers, for tests and experiments.
///
/// Go builds etcd, kube-apiserver and related programs from source (once, a few minutes). They run
/// as ordinary processes on random ports of 127.0.0.1. There is no kubelet: objects are real, pods
/// never run.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Start a cluster, print the KUBECONFIG to export, and run until Ctrl-C or SIGTERM
    ///
    /// At its end, in any way, the cluster and all its content is removed.
    Up(Up),
    /// Build the tools if needed, and print their folders, as for a PATH
    Tools(Tools),
}

#[derive(Debug, Args)]
struct Up {
    /// Also run kube-controller-manager: garbage collection, namespace deletion, default service
    /// accounts
    #[arg(long)]
    controller_manager: bool,
    /// File for a copy of the administrator's kubeconfig; removed at the end
    #[arg(long, value_name = "PATH")]
    kubeconfig: Option<PathBuf>,
    /// End when stdin is closed, too, for scripts that start this and may be killed
    #[arg(long)]
    until_stdin_closes: bool,
    /// Timeout until the cluster is ready, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    deadline: u64,
}

#[derive(Debug, Args)]
struct Tools {
    /// Tools to build; default: those of a cluster (etcd, kube-apiserver, kubectl)
    #[arg(value_name = "TOOL", conflicts_with = "all")]
    tools: Vec<Tool>,
    /// Build all tools
    #[arg(long)]
    all: bool,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Subcommands::Up(arguments) => up(&arguments),
        Subcommands::Tools(arguments) => tools(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // An error of writing to stderr cannot be reported.
            let _ = writeln!(io::stderr(), "local-cluster: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tools(arguments: &Tools) -> Result<(), Error> {
    let toolbox = Toolbox::open()?;
    let tools: &[Tool] = match arguments {
        Tools { all: true, .. } => &Tool::ALL,
        Tools { tools, .. } if tools.is_empty() => &Tool::CLUSTER,
        Tools { tools, .. } => tools,
    };
    toolbox.provide(tools)?;
    let folders: Vec<String> = toolbox
        .folders(tools)
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    print(&format!("{}\n", folders.join(":")))
}

fn up(arguments: &Up) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed("start the runtime"))?;
    let options = Options {
        controller_manager: arguments.controller_manager,
        deadline: Duration::from_secs(arguments.deadline),
        ..Options::default()
    };
    // Before this line, a signal simply ends the process, and the watchdog cleans up.
    let cluster = LocalCluster::start(options)?;
    let kubeconfig = cluster.kubeconfig_path();
    if let Some(path) = &arguments.kubeconfig {
        // A copy keeps the mode, so that only the owner can read it.
        fs::copy(kubeconfig, path).map_err(failed(format!("write {}", path.display())))?;
    }
    let kubectl = cluster.tool(Tool::Kubectl)?;
    let shown = arguments.kubeconfig.as_deref().unwrap_or(kubeconfig);
    let bin = kubectl.parent().unwrap_or(&kubectl);
    let result = print(&format!(
        "export KUBECONFIG={}\nexport PATH={}:\"$PATH\"\n# {} is ready; logs in {}; Ctrl-C ends it\n",
        shown.display(),
        bin.display(),
        cluster.url(),
        cluster.folder().display(),
    ))
    .and_then(|()| runtime.block_on(until_told(arguments.until_stdin_closes)));
    drop(cluster);
    match &arguments.kubeconfig {
        Some(path) => {
            result.and(fs::remove_file(path).map_err(failed(format!("remove {}", path.display()))))
        }
        None => result,
    }
}

/// Returns at SIGINT, SIGTERM, SIGHUP or, if requested, at the end of stdin.
async fn until_told(or_stdin_closes: bool) -> Result<(), Error> {
    let listen = |kind| signal(kind).map_err(failed("listen for signals"));
    let (mut interrupt, mut terminate, mut hangup) = (
        listen(SignalKind::interrupt())?,
        listen(SignalKind::terminate())?,
        listen(SignalKind::hangup())?,
    );
    let (closed, stdin_closed) = oneshot::channel();
    if or_stdin_closes {
        thread::spawn(move || {
            // An error ends the wait as well. If the cluster ended first, the receiver is gone.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _ = closed.send(());
        });
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        _ = stdin_closed, if or_stdin_closes => {}
    }
    Ok(())
}

fn print(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(failed("write to stdout"))
}

fn failed(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let doing = doing.into();
    move |source| Error::Io { doing, source }
}
