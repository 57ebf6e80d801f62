mod control_plane;

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::feed::shown;
use crate::watchdog::Watchdog;
use crate::{Error, Tool, Toolbox, feed, kubeconfig};
use control_plane::ControlPlane;

/// Attempts to start when another process takes one of the chosen ports meanwhile.
const ATTEMPTS: u32 = 4;

/// Interval of the checks that the API server is ready.
const POLL: Duration = Duration::from_millis(100);

/// Options of a cluster.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// True to run kube-controller-manager with the controllers for garbage collection, namespaces
    /// and service accounts. Without it, owned objects are not collected, deletions of namespaces
    /// do not end, and namespaces have no `default` service account.
    pub controller_manager: bool,
    /// True to log the requests of service accounts and their answers: see
    /// [`LocalCluster::audit_log`].
    pub audit_log: bool,
    /// Timeout until the cluster is ready, without the build of the tools.
    pub deadline: Duration,
}

/// A running control plane. Dropping it ends its programs and removes its folder, and so does the
/// end of the process.
///
/// All methods take `&self`, so the threads of a test program can share one cluster.
#[derive(Debug)]
pub struct LocalCluster {
    // The fields are dropped in this order: the programs before their folder.
    control_plane: Mutex<ControlPlane>,
    toolbox: Toolbox,
    port: u16,
    deadline: Duration,
    kubeconfig: PathBuf,
    watchdog: Watchdog,
}

impl Default for Options {
    fn default() -> Self {
        // Three seconds are usual. A machine that compiled at the same time took thirty.
        Self {
            controller_manager: false,
            audit_log: false,
            deadline: Duration::from_mins(2),
        }
    }
}

impl LocalCluster {
    /// Builds the tools if needed, starts a control plane, and waits until it is ready. Blocks.
    pub fn start(options: Options) -> Result<Self, Error> {
        let toolbox = Toolbox::open()?;
        toolbox.provide(&Tool::CLUSTER)?;
        if options.controller_manager {
            toolbox.provide(&[Tool::KubeControllerManager])?;
        }
        let mut attempt = 1;
        loop {
            match Self::attempt(&toolbox, options) {
                Err(Error::Exited { log, .. })
                    if attempt < ATTEMPTS && log.contains("address already in use") =>
                {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn attempt(toolbox: &Toolbox, options: Options) -> Result<Self, Error> {
        let watchdog = Watchdog::start()?;
        let (control_plane, port) = ControlPlane::start(toolbox, &watchdog, options)?;
        let cluster = Self {
            kubeconfig: control_plane.kubeconfig().to_owned(),
            control_plane: Mutex::new(control_plane),
            toolbox: toolbox.clone(),
            port,
            deadline: options.deadline,
            watchdog,
        };
        cluster.wait_until_ready("/api/v1/namespaces/default")?;
        if options.controller_manager {
            cluster
                .control_plane()
                .start_controller_manager(&cluster.toolbox, &cluster.watchdog)?;
            // The controller manager creates this service account, so it is running.
            cluster.wait_until_ready("/api/v1/namespaces/default/serviceaccounts/default")?;
        }
        Ok(cluster)
    }

    /// Returns the path of the administrator's kubeconfig (group `system:masters`). It is written
    /// before the API server starts, and only its owner can read it.
    #[must_use]
    pub fn kubeconfig_path(&self) -> &Path {
        &self.kubeconfig
    }

    /// Writes a kubeconfig for a bearer token, for example one from `kubectl create token`, into
    /// the cluster's folder, and returns its path. `user` is the name of the file and of the user
    /// in it. An existing file is replaced.
    pub fn kubeconfig_for(&self, user: &str, token: &str) -> Result<PathBuf, Error> {
        let path = self.folder().join(format!("{user}.kubeconfig"));
        kubeconfig::write(
            &path,
            self.port,
            &control_plane::certificate(self.folder()),
            user,
            token,
        )?;
        Ok(path)
    }

    /// Returns the path of the log of service accounts' requests, with [`Options::audit_log`]. It
    /// has one `audit.k8s.io/v1` Event per line, without bodies. The line of a request is written
    /// with its answer. A watch has a line at its start and one at its end.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        control_plane::audit_log(self.folder())
    }

    /// Returns the URL of the API server, `https://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Returns the cluster's folder with logs, certificates and data. Tests may put files into it.
    /// It is removed with the cluster.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.watchdog.folder()
    }

    /// Returns the path of a tool, built first if needed.
    pub fn tool(&self, tool: Tool) -> Result<PathBuf, Error> {
        self.toolbox.provide(&[tool])?;
        Ok(self.toolbox.path(tool))
    }

    /// Returns a kubectl command for this cluster, as the administrator. The caller runs it.
    pub fn kubectl<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        self.command(self.toolbox.path(Tool::Kubectl), args)
    }

    /// Returns a Helm command for this cluster, with separate caches and settings. Builds Helm
    /// first if needed.
    pub fn helm<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Command, Error> {
        Ok(self.command(self.tool(Tool::Helm)?, args))
    }

    /// Runs kubectl and returns its stdout, or [`Error::Command`] if it failed.
    pub fn run_kubectl<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> Result<String, Error> {
        output(&mut self.kubectl(args), "")
    }

    /// Runs kubectl with `stdin`, as in `apply -f -`, and returns its stdout, or [`Error::Command`]
    /// if it failed.
    pub fn run_kubectl_with<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        stdin: &str,
    ) -> Result<String, Error> {
        output(&mut self.kubectl(args), stdin)
    }

    /// Installs or updates custom resource definitions, waits until kubectl knows `resource` and
    /// can explain it, and returns the API server's warnings.
    pub fn install(&self, definitions: &Path, resource: &str) -> Result<String, Error> {
        let mut apply = self.kubectl(["apply", "--server-side", "-f"]);
        let applied = successful(apply.arg(definitions), "")?;
        let started = Instant::now();
        // Each look runs kubectl, which is pause enough.
        while let Err(error) = self.look_for(resource) {
            if started.elapsed() >= self.deadline {
                return Err(error);
            }
        }
        Ok(String::from_utf8_lossy(&applied.stderr).into_owned())
    }

    /// Ties another program to this cluster: it ends with the cluster and with its owner, whatever
    /// happens. Call this before `spawn`.
    pub fn adopt<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        self.watchdog.adopt(command)
    }

    /// Kills the API server. Data stays in etcd. Connections are refused until
    /// [`LocalCluster::start_api_server`].
    pub fn stop_api_server(&self) {
        self.control_plane().stop_api_server();
    }

    /// Starts the API server again, on the same port and with the same credentials, and waits until
    /// it is ready. If it is running already, only waits.
    pub fn start_api_server(&self) -> Result<(), Error> {
        self.control_plane()
            .start_api_server(&self.toolbox, &self.watchdog)?;
        self.wait_until_ready("/readyz")
    }

    /// Freezes the API server (SIGSTOP): connections open and nothing answers, as behind a network
    /// that drops packets.
    pub fn pause_api_server(&self) -> Result<(), Error> {
        self.control_plane().signal_api_server(Signal::SIGSTOP)
    }

    /// Resumes a paused API server.
    pub fn resume_api_server(&self) -> Result<(), Error> {
        self.control_plane().signal_api_server(Signal::SIGCONT)
    }

    /// Returns the IDs of the running processes, for a test that checks whether they end.
    #[must_use]
    pub fn process_ids(&self) -> Vec<u32> {
        self.control_plane().process_ids()
    }

    /// Waits until the API server is ready and `path` can be read.
    fn wait_until_ready(&self, path: &str) -> Result<(), Error> {
        let started = Instant::now();
        while let Some(reason) = self.not_ready_because(path)? {
            if started.elapsed() >= self.deadline {
                let log = self.control_plane().api_server_log();
                return Err(Error::NotReady {
                    waited: self.deadline,
                    last: reason,
                    log,
                });
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn not_ready_because(&self, path: &str) -> Result<Option<String>, Error> {
        self.control_plane().expect_running()?;
        // Cheaper than kubectl while nothing listens yet.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        if let Err(error) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            return Ok(Some(error.to_string()));
        }
        for path in ["/readyz", path] {
            match self.run_kubectl(["get", "--raw", path, "--request-timeout=5s"]) {
                Ok(_) => {}
                Err(Error::Command { stderr, .. }) => return Ok(Some(stderr)),
                Err(other) => return Err(other),
            }
        }
        Ok(None)
    }

    fn look_for(&self, resource: &str) -> Result<(), Error> {
        self.run_kubectl(["get", resource])?;
        self.run_kubectl(["explain", resource])?;
        Ok(())
    }

    fn command<A: AsRef<OsStr>>(
        &self,
        program: PathBuf,
        args: impl IntoIterator<Item = A>,
    ) -> Command {
        let folder = self.folder();
        let mut command = Command::new(program);
        command
            .args(args)
            .env("KUBECONFIG", &self.kubeconfig)
            // kubectl must not read the user's settings, or write to the home folder.
            .env("KUBECACHEDIR", folder.join("kubectl-cache"))
            .env("KUBERC", "off")
            .env("HELM_CACHE_HOME", folder.join("helm/cache"))
            .env("HELM_CONFIG_HOME", folder.join("helm/config"))
            .env("HELM_DATA_HOME", folder.join("helm/data"))
            .stdin(Stdio::null());
        self.watchdog.adopt(&mut command);
        command
    }

    fn control_plane(&self) -> MutexGuard<'_, ControlPlane> {
        // A test that failed while it held the lock must not make others fail as well.
        self.control_plane
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a command with the given input, and returns its stdout if it succeeded.
fn output(command: &mut Command, stdin: &str) -> Result<String, Error> {
    let finished = successful(command, stdin)?;
    Ok(String::from_utf8_lossy(&finished.stdout).into_owned())
}

/// Runs a command with the given input. Returns [`Error::Command`] if it failed.
fn successful(command: &mut Command, stdin: &str) -> Result<Output, Error> {
    let finished = feed(command, stdin)?;
    if finished.status.success() {
        Ok(finished)
    } else {
        let stderr = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
        Err(Error::Command {
            command: shown(command),
            status: finished.status,
            stderr,
        })
    }
}
