mod control_plane;

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::feed::shown;
use crate::watchdog::Watchdog;
use crate::{Error, Tool, Toolbox, feed, kubeconfig};
use control_plane::ControlPlane;

/// How often to start anew when another process was given one of our ports in between.
const ATTEMPTS: u32 = 4;

/// Between two looks whether the API server is ready.
const POLL: Duration = Duration::from_millis(100);

/// What to start.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Also run kube-controller-manager with the controllers for garbage collection, namespaces and service accounts. Without
    /// it no owned object is collected, no namespace finishes its deletion and no namespace has a `default` service account.
    pub controller_manager: bool,
    /// Also log what service accounts ask of the API server, and what it answers: see [`LocalCluster::audit_log`].
    pub audit_log: bool,
    /// How long to wait for the cluster to be ready, building of the tools not counted.
    pub deadline: Duration,
}

/// A running control plane of its own. Dropping it ends the programs and removes the folder; so does the end of the process.
///
/// All methods take `&self`: one cluster can be shared by the threads of a test program.
#[derive(Debug)]
pub struct LocalCluster {
    // Dropped in this order: the programs before the folder that they write to.
    control_plane: Mutex<ControlPlane>,
    toolbox: Toolbox,
    port: u16,
    deadline: Duration,
    kubeconfig: PathBuf,
    watchdog: Watchdog,
}

impl Default for Options {
    fn default() -> Self {
        // Three seconds are usual; a machine that compiles at the same time has taken thirty.
        Self {
            controller_manager: false,
            audit_log: false,
            deadline: Duration::from_mins(2),
        }
    }
}

impl LocalCluster {
    /// Builds the tools if need be, starts a control plane and waits until it is ready. Blocks.
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
            // The controller manager makes this one, so it works.
            cluster.wait_until_ready("/api/v1/namespaces/default/serviceaccounts/default")?;
        }
        Ok(cluster)
    }

    /// The kubeconfig of the administrator (group `system:masters`). Made before the API server started, and only readable by
    /// the owner.
    #[must_use]
    pub fn kubeconfig_path(&self) -> &Path {
        &self.kubeconfig
    }

    /// Writes a kubeconfig for somebody else's bearer token, for example one from `kubectl create token`, into the cluster's
    /// folder, and returns its path. `user` names the file and the user in it; any token there before is replaced.
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

    /// Where the API server logs the requests of service accounts, with [`Options::audit_log`]: one `audit.k8s.io/v1` Event a line,
    /// without bodies. The line of a request is written when its answer is, that of a watch when it begins and when it ends.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        control_plane::audit_log(self.folder())
    }

    /// `https://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The cluster's folder: logs, certificates, data. Also good for files of a test; it goes with the cluster.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.watchdog.folder()
    }

    /// The path of a tool, built first if need be.
    pub fn tool(&self, tool: Tool) -> Result<PathBuf, Error> {
        self.toolbox.provide(&[tool])?;
        Ok(self.toolbox.path(tool))
    }

    /// A kubectl command against this cluster, as the administrator, to be run by the caller.
    pub fn kubectl<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        self.command(self.toolbox.path(Tool::Kubectl), args)
    }

    /// A Helm command against this cluster, with caches and settings of its own. Builds Helm first if need be.
    pub fn helm<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Command, Error> {
        Ok(self.command(self.tool(Tool::Helm)?, args))
    }

    /// Runs kubectl and returns what it printed on stdout. [`Error::Command`] if it failed.
    pub fn run_kubectl<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> Result<String, Error> {
        output(&mut self.kubectl(args), "")
    }

    /// Runs kubectl with `stdin`, as in `apply -f -`, and returns what it printed on stdout. [`Error::Command`] if it failed.
    pub fn run_kubectl_with<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        stdin: &str,
    ) -> Result<String, Error> {
        output(&mut self.kubectl(args), stdin)
    }

    /// Makes another program end with this cluster and with the owner of it, whatever happens: to be called before `spawn`.
    pub fn adopt<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        self.watchdog.adopt(command)
    }

    /// Kills the API server. Data stays in etcd. Connections are refused until [`LocalCluster::start_api_server`].
    pub fn stop_api_server(&self) {
        self.control_plane().stop_api_server();
    }

    /// Starts the API server again, on the same port and with the same credentials, and waits until it is ready. Does nothing
    /// but wait if it is running.
    pub fn start_api_server(&self) -> Result<(), Error> {
        self.control_plane()
            .start_api_server(&self.toolbox, &self.watchdog)?;
        self.wait_until_ready("/readyz")
    }

    /// Freezes the API server (SIGSTOP): connections open and nothing answers, as behind a network that drops packets.
    pub fn pause_api_server(&self) -> Result<(), Error> {
        self.control_plane().signal_api_server(Signal::SIGSTOP)
    }

    /// Lets a paused API server go on.
    pub fn resume_api_server(&self) -> Result<(), Error> {
        self.control_plane().signal_api_server(Signal::SIGCONT)
    }

    /// The process numbers of the programs that run now, for a test that looks whether they end.
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
        // Cheaper than to start kubectl before there is anything to ask.
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
            // Nothing of the user's own settings, and no trace in the home folder.
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
        // A test that failed while it held the lock must not hide its failure behind those of others.
        self.control_plane
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a command with some input, and returns what it printed on stdout if it succeeded.
fn output(command: &mut Command, stdin: &str) -> Result<String, Error> {
    let finished = feed(command, stdin)?;
    if finished.status.success() {
        Ok(String::from_utf8_lossy(&finished.stdout).into_owned())
    } else {
        let stderr = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
        Err(Error::Command {
            command: shown(command),
            status: finished.status,
            stderr,
        })
    }
}
