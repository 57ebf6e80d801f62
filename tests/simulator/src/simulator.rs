//! A running simulator, and what tests do to it directly.

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

/// How a simulator is run. What it simulates is in the [`Fleet`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Port on 127.0.0.1; 0 for any that is free.
    pub port: u16,
    /// Added to every answer of AWS.
    pub latency: Duration,
    /// Divides the times of all transitions. More than zero.
    pub speed: f64,
    /// Credentials that are handed out last no longer than this, whatever was asked for, and say so.
    pub session_lifetime: Option<Duration>,
    /// How many of the last requests are kept in the log of all requests.
    pub request_log: usize,
    /// Threads that serve. One is enough for thousands of requests per second.
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

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The fleet is not sound.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// [`Options::speed`] is not a number above zero.
    #[error("the speed must be above zero, not {0}")]
    Speed(f64),
    /// The port is taken, or the system refuses threads or sockets.
    #[error("cannot serve on 127.0.0.1:{port}: {source}")]
    Serve {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A simulator that serves until it is dropped. It has threads and a runtime of its own, so that a test may pause its clock
/// or block, and may be synchronous.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    home: Home,
    runtime: Option<Runtime>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Not waited for: this may run inside another runtime.
            runtime.shutdown_background();
        }
    }
}

impl Simulator {
    /// Starts to serve. The port is open when this returns.
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
            // Registers the socket with this runtime, not with the caller's.
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

    /// The endpoint, such as `http://127.0.0.1:41234`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// The account and key that the operator has of its own.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The variables that make an AWS client talk to this simulator with the home account's key.
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

    /// Sets a fault, which meets requests from now on.
    pub fn add_fault(&self, fault: impl Into<Fault>) -> FaultId {
        self.shared.world().faults.add(fault.into())
    }

    /// Removes one; false if it was not there.
    pub fn remove_fault(&self, id: FaultId) -> bool {
        self.shared.world().faults.remove(id)
    }

    /// Removes all, those of the fleet too.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// All faults in force and how often they were met.
    #[must_use]
    pub fn faults(&self) -> Vec<ActiveFault> {
        self.shared.world().faults.list()
    }

    /// The counters as they are.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.world().ledger.counters()
    }

    /// Zeroes the counters and empties the log of all requests. The log of writes stays.
    pub fn reset_counters(&self) {
        self.shared.world().ledger.reset();
    }

    /// Every write so far, in order.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        self.shared.world().ledger.writes().to_vec()
    }

    /// Empties the log of writes; sequence numbers go on.
    pub fn clear_writes(&self) {
        self.shared.world().ledger.clear_writes();
    }

    /// The last requests, at most [`Options::request_log`].
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.world().ledger.requests()
    }

    /// Every notebook as it truly is now, sorted by account, region and name.
    #[must_use]
    pub fn notebooks(&self) -> Vec<Notebook> {
        self.shared.world().notebooks()
    }

    /// One notebook as it truly is now.
    #[must_use]
    pub fn notebook(&self, account: &str, region: &str, name: &str) -> Option<Notebook> {
        let mut world = self.shared.world();
        let instance = world.instance(account, region, name, Instant::now())?;
        Some(instance.record.clone())
    }

    /// Adds or replaces a notebook; a transition under way is forgotten.
    pub fn put_notebook(&self, notebook: Notebook) {
        self.shared.world().put_notebook(notebook);
    }

    /// Takes a notebook away at once; false if it was not there.
    pub fn remove_notebook(&self, account: &str, region: &str, name: &str) -> bool {
        self.shared.world().remove_notebook(account, region, name)
    }

    /// Changes a notebook at once and moves its `LastModifiedTime`; a transition under way is forgotten. Its account, region and
    /// name cannot be changed. False if it was not there.
    pub fn modify_notebook(
        &self,
        account: &str,
        region: &str,
        name: &str,
        change: impl FnOnce(&mut Notebook),
    ) -> bool {
        self.shared.modify(account, region, name, change)
    }

    /// Lets a notebook's owner act on it.
    pub fn owner(
        &self,
        account: &str,
        region: &str,
        name: &str,
        act: OwnerAct,
    ) -> Result<(), Refused> {
        self.shared.owner(account, region, name, act)
    }

    /// Restarts a notebook as Terraform's provider does: stop, wait, [`OwnerAct::Resize`], wait, start, wait. The restarter gives
    /// up at the first refusal. Its calls are neither counted nor logged.
    pub async fn restart(
        &self,
        account: &str,
        region: &str,
        name: &str,
        restart: Restart,
    ) -> Result<(), Refused> {
        restart.run(&self.shared, (account, region, name)).await
    }

    /// Adds an account, or replaces its roles and regions; its notebooks stay.
    pub fn put_account(&self, account: Account) {
        self.shared.world().put_account(account);
    }

    /// Sets the times of transition, for those that begin from now on.
    pub fn set_timings(&self, timings: Timings) {
        self.shared.world().timings = timings;
    }

    /// Expires all credentials that were handed out, whatever their answer promised.
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

    /// A session of the home account, in the form of a container's credentials agent.
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
