//! A running simulator, and its direct interface for tests.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::runtime::{Builder, Runtime};

use crate::{
    Account, ActiveFault, Counters, Fault, FaultId, Fleet, FleetError, Notebook, RequestRecord,
    Restart, Timings, Write,
    fleet::Home,
    owner::{OwnerAct, Refused},
    server::{self, Shared},
    world::World,
};

/// Options of a running simulator. The simulated world is in the [`Fleet`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Port on 127.0.0.1, or 0 for any free port.
    pub port: u16,
    /// Delay added to every answer of AWS.
    pub latency: Duration,
    /// Divisor of the durations of all transitions. More than zero.
    pub speed: f64,
    /// Longest lifetime of issued credentials, whatever was requested. Their expiry shows it.
    pub session_lifetime: Option<Duration>,
    /// Number of requests kept in the log of all requests.
    pub request_log: usize,
    /// Number of serving threads. One is enough for thousands of requests per second.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            latency: Duration::ZERO,
            speed: 1.0,
            session_lifetime: None,
            request_log: 1000,
            threads: 1,
        }
    }
}

/// Reason why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The fleet is invalid.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// [`Options::speed`] is not a number above zero.
    #[error("the speed must be above zero, not {0}")]
    Speed(f64),
    /// The port is in use, or the system refused threads or sockets.
    #[error("cannot serve on 127.0.0.1:{port}: {source}")]
    Serve {
        /// Requested port.
        port: u16,
        /// Error of the operating system.
        source: std::io::Error,
    },
}

/// A simulator that serves until it is dropped. It has its own threads and runtime, so that a test
/// may pause its clock, block or be synchronous.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    home: Home,
    runtime: Option<Runtime>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The shutdown is not awaited, because this may run inside another runtime.
            runtime.shutdown_background();
        }
    }
}

impl Simulator {
    /// Starts a simulator. Its port is open when this returns.
    pub fn start(fleet: Fleet, options: Options) -> Result<Self, StartError> {
        fleet.validate()?;
        if !options.speed.is_finite() || options.speed <= 0.0 {
            return Err(StartError::Speed(options.speed));
        }
        let port = options.port;
        let failed = |source| StartError::Serve { port, source };
        let runtime = Builder::new_multi_thread()
            .worker_threads(options.threads.max(1))
            .thread_name("simulator")
            .enable_all()
            .build()
            .map_err(failed)?;
        let socket = std::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let socket = socket.map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let url = format!("http://{}", socket.local_addr().map_err(failed)?);
        let home = fleet.home.clone();
        let world = World::new(fleet, &options);
        let shared = Arc::new(Shared::new(world, options.latency, url));
        let serving = Arc::clone(&shared);
        let listener = {
            // Registers the socket with this runtime instead of the caller's.
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(socket).map_err(failed)?
        };
        runtime.spawn(server::serve(listener, serving));
        Ok(Self {
            shared,
            home,
            runtime: Some(runtime),
        })
    }

    /// Returns the endpoint, such as `http://127.0.0.1:41234`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// Returns the account and key of the operator.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Returns the environment variables that direct an AWS client to this simulator with the home
    /// account's key.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ACCESS_KEY_ID", &self.home.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &self.home.secret_access_key),
            ("AWS_REGION", "us-east-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Sets a fault for all requests from now on.
    pub fn add_fault(&self, fault: impl Into<Fault>) -> FaultId {
        self.shared.world().faults.add(fault.into())
    }

    /// Removes a fault. Returns false if it did not exist.
    pub fn remove_fault(&self, id: FaultId) -> bool {
        self.shared.world().faults.remove(id)
    }

    /// Removes all faults, those of the fleet included.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// Returns all faults in force, with their counts.
    #[must_use]
    pub fn faults(&self) -> Vec<ActiveFault> {
        self.shared.world().faults.list()
    }

    /// Returns a snapshot of the counters.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.world().ledger.counters()
    }

    /// Resets the counters and empties the log of all requests. The log of writes stays.
    pub fn reset_counters(&self) {
        self.shared.world().ledger.reset();
    }

    /// Returns all writes, in order.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        self.shared.world().ledger.writes().to_vec()
    }

    /// Empties the log of writes. Sequence numbers continue.
    pub fn clear_writes(&self) {
        self.shared.world().ledger.clear_writes();
    }

    /// Returns the last requests, at most [`Options::request_log`].
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.world().ledger.requests()
    }

    /// Returns all notebooks in their true state, sorted by account, region and name.
    #[must_use]
    pub fn notebooks(&self) -> Vec<Notebook> {
        self.shared.world().notebooks()
    }

    /// Returns a notebook in its true state.
    #[must_use]
    pub fn notebook(&self, account: &str, region: &str, name: &str) -> Option<Notebook> {
        let mut world = self.shared.world();
        let instance = world.instance(account, region, name, Instant::now())?;
        Some(instance.record.clone())
    }

    /// Adds or replaces a notebook. A transition in progress is dropped.
    pub fn put_notebook(&self, notebook: Notebook) {
        self.shared.world().put_notebook(notebook);
    }

    /// Removes a notebook at once. Returns false if it did not exist.
    pub fn remove_notebook(&self, account: &str, region: &str, name: &str) -> bool {
        self.shared.world().remove_notebook(account, region, name)
    }

    /// Changes a notebook at once, and its `LastModifiedTime`. A transition in progress is dropped.
    /// Account, region and name cannot be changed. Returns false if the notebook did not exist.
    pub fn modify_notebook(
        &self,
        account: &str,
        region: &str,
        name: &str,
        change: impl FnOnce(&mut Notebook),
    ) -> bool {
        self.shared.modify(account, region, name, change)
    }

    /// Performs an act of a notebook's owner.
    pub fn owner(
        &self,
        account: &str,
        region: &str,
        name: &str,
        act: OwnerAct,
    ) -> Result<(), Refused> {
        self.shared.owner(account, region, name, act)
    }

    /// Restarts a notebook as Terraform's provider does: stop, wait, [`OwnerAct::Resize`], wait,
    /// start, wait. Gives up at the first rejection. The restarter's calls are neither counted nor
    /// logged.
    pub async fn restart(
        &self,
        account: &str,
        region: &str,
        name: &str,
        restart: Restart,
    ) -> Result<(), Refused> {
        restart.run(&self.shared, (account, region, name)).await
    }

    /// Adds an account, or replaces its roles and regions. Its notebooks stay.
    pub fn put_account(&self, account: Account) {
        self.shared.world().put_account(account);
    }

    /// Sets the durations of transitions that begin from now on.
    pub fn set_timings(&self, timings: Timings) {
        self.shared.world().timings = timings;
    }

    /// Expires all issued credentials, whatever expiry their answers contained.
    pub fn expire_sessions(&self) {
        self.shared.expire_sessions();
    }
}

impl Shared {
    pub(crate) fn modify(
        &self,
        account: &str,
        region: &str,
        name: &str,
        change: impl FnOnce(&mut Notebook),
    ) -> bool {
        let now = Instant::now();
        let mut world = self.world();
        let time = world.timestamp(now);
        let Some(instance) = world.instance(account, region, name, now) else {
            return false;
        };
        let mut record = instance.record.clone();
        let modified = record.last_modified;
        change(&mut record);
        let chosen = record.last_modified != modified;
        account.clone_into(&mut record.account);
        region.clone_into(&mut record.region);
        name.clone_into(&mut record.name);
        instance.set(record);
        if !chosen {
            instance.touch(time);
        }
        true
    }

    pub(crate) fn expire_sessions(&self) {
        let mut world = self.world();
        let now = world.timestamp(Instant::now());
        world.sessions.expire(now);
    }

    /// Returns a session of the home account, in the form of a container's credentials agent.
    pub(crate) fn container_credentials(&self) -> serde_json::Value {
        let mut world = self.world();
        let now = world.timestamp(Instant::now());
        let home = world.sessions.home().account.clone();
        let hour = Duration::from_hours(1);
        let session = world
            .sessions
            .assume("aws", &home, "operator", "container", hour, now);
        serde_json::json!({
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "Token": session.token,
            "Expiration": format!("{:.0}", session.expires),
        })
    }
}
