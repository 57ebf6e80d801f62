//! `sudoless run`: the operator.
#![expect(
    clippy::doc_markdown,
    reason = "doc comments are help texts here, where backticks would be shown"
)]

use std::{
    env,
    io::{self, IsTerminal},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use kube::Client;
use sha2::{Digest, Sha256};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{
    reading::{Reading, duration},
    restarts::Restarts,
};
use crate::{
    aws::{self, Aws},
    controller::{self, Acting, Clients, Context},
    fleet::{Fleet, OnMissing},
    kubernetes::{self, Fence, Lease},
    observability::{
        self, BuildInfo, Color, LogFormat, LogLevels, Metrics, Readiness, ReadinessCheck, Server,
    },
};

/// Time for running passes to end after a signal. Kubernetes kills the process after 30 s.
const GRACE: Duration = Duration::from_secs(5);

/// Run the operator: watch NotebookRootAccessPolicies, report the notebooks they cover, and disable
/// root access in mode Enforce
///
/// The API server comes from KUBECONFIG, or from the service account inside a cluster. Region,
/// credentials (IRSA, Pod Identity, profile, environment) and AWS_ENDPOINT_URL come from the
/// environment, as for the AWS SDKs. In mode Enforce the operator stops, updates and starts
/// notebooks. In mode Audit it changes nothing in AWS.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless run
  sudoless run --metrics-addr 127.0.0.1:8080 --log-format json
  sudoless run --watch-label-selector team=ml-platform")]
pub struct Arguments {
    /// Address that serves /metrics, /healthz and /readyz, as host:port. Port 0 selects a free port
    #[arg(long, default_value = "0.0.0.0:8080", value_name = "HOST:PORT")]
    metrics_addr: String,

    /// Label selector of the policies to reconcile, such as team=a,stage!=test. Several operators
    /// can share the work [default: every policy]
    #[arg(long, value_name = "SELECTOR")]
    watch_label_selector: Option<String>,

    #[command(flatten)]
    election: Election,

    #[command(flatten)]
    reading: Reading,

    /// Interval at which every notebook is described again, changed or not
    #[arg(long, default_value = "6h", value_name = "DURATION", value_parser = duration, help_heading = "Reading AWS")]
    describe_refresh: Duration,

    #[command(flatten)]
    remediating: Remediating,

    #[command(flatten)]
    restarts: Restarts,

    #[command(flatten)]
    logging: Logging,
}

/// Flags of the leader election.
#[derive(Debug, Args)]
#[command(next_help_heading = "Leader election")]
struct Election {
    /// Act only while holding a Lease [default: true inside a cluster, false outside]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    leader_elect: Option<bool>,

    /// Name of the Lease [default: sudoless, with a suffix derived from --watch-label-selector if
    /// that is set]
    #[arg(long, value_name = "NAME")]
    lease_name: Option<String>,

    /// Namespace of the Lease [default: the operator's own]
    #[arg(long, value_name = "NAMESPACE")]
    lease_namespace: Option<String>,
}

/// Flags of remediations.
#[derive(Debug, Args)]
#[command(next_help_heading = "Remediation")]
struct Remediating {
    /// Polling interval for notebooks under remediation
    #[arg(long, default_value = "10s", value_name = "DURATION", value_parser = duration)]
    poll_interval: Duration,

    /// Delay before resending a request that had no effect. A Stop is resent only after the
    /// previous Stop can no longer arrive
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = duration)]
    resend_after: Duration,

    /// Time after which a sent request can no longer arrive. The minimum is --write-timeout plus
    /// the clock skew between operators
    #[arg(long, default_value = "2m", value_name = "DURATION", value_parser = duration)]
    settle: Duration,

    /// Timeout of a Stop, Update or Start request, up to 8s. Requests are sent only while the lease
    /// outlasts it
    #[arg(long, default_value = "5s", value_name = "DURATION", value_parser = write_timeout)]
    write_timeout: Duration,

    /// Retention of succeeded and cancelled records. Failed records stay until a person deletes
    /// them
    #[arg(long, default_value = "720h", value_name = "DURATION", value_parser = duration)]
    record_retention: Duration,
}

/// Flags of the log.
#[derive(Debug, Args)]
#[command(next_help_heading = "Logging")]
struct Logging {
    /// Format of log lines on stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    /// Log level, optionally with levels for modules, such as info,sudoless::aws=debug
    #[arg(
        long,
        env = "SUDOLESS_LOG",
        default_value = "info",
        value_name = "LEVELS"
    )]
    log_level: LogLevels,
}

/// Error of `sudoless run`: the operator cannot start, or has to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Logging cannot start.
    #[error(transparent)]
    Telemetry(#[from] observability::TelemetryError),
    /// The asynchronous runtime cannot start, or signals cannot be handled.
    #[error("cannot start the process: {0}")]
    Process(#[from] io::Error),
    /// There is neither KUBECONFIG nor a service account.
    #[error("no API server is configured: set KUBECONFIG, or run inside a cluster ({0})")]
    Configuration(#[from] kube::config::InferConfigError),
    /// The configuration of the API server is unusable.
    #[error("the API server's configuration is unusable: {0}")]
    Client(#[from] kube::Error),
    /// The metrics address is unavailable.
    #[error(transparent)]
    Listen(#[from] observability::ListenError),
    /// Another process holds the lease.
    #[error("this operator lost the lease {0}: it exits, to start again")]
    LeadershipLost(String),
    /// A metric has an invalid name; a bug.
    #[error("cannot set up the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Runs the operator until SIGTERM or SIGINT.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || !io::stderr().is_terminal();
    let color = if plain { Color::None } else { Color::Ansi };
    observability::start(
        arguments.logging.log_format,
        color,
        &arguments.logging.log_level,
    )?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(operate(arguments));
    // Background reads may still be waiting for AWS. They are dropped.
    runtime.shutdown_background();
    result
}

async fn operate(arguments: Arguments) -> Result<(), Error> {
    let shutdown = on_signal()?;
    let metrics = Metrics::new(BuildInfo::current())?;
    let readiness = Readiness::new();
    let listener = observability::listen(&arguments.metrics_addr).await?;
    let server = Server::new(metrics.clone(), readiness.clone()).serve(listener, shutdown.clone());
    let server = tokio::spawn(server);

    let clients = Clients::new(kube::Config::infer().await?)?;
    let lease = arguments.lease(&clients.requests);
    let aws = Aws::from_environment(arguments.aws(), Arc::new(metrics.clone())).await;
    let fleet = Fleet::new(
        aws.reads(),
        arguments
            .reading
            .fleet(arguments.describe_refresh, OnMissing::Skip),
        Arc::new(metrics.clone()),
    );
    let acting = Acting {
        aws,
        fence: lease.as_ref().map_or_else(Fence::none, |lease| {
            Fence::of(lease.clone(), clients.requests.clone())
        }),
        operator: arguments.lease_name(),
        options: arguments.remediating.options(),
        retired_platforms: arguments.restarts.retired_platforms.clone(),
    };
    let context = Arc::new(Context::new(
        clients.clone(),
        fleet,
        acting,
        metrics,
        shutdown.clone(),
    ));
    let selector = arguments.watch_label_selector.as_deref();
    let standby = readiness.clone();
    let work = async {
        let kind_served = controller::until_records_served(&context);
        if shutdown.run_until_cancelled(kind_served).await.is_none() {
            return Ok(());
        }
        match lease {
            None => {
                controller::run(Arc::clone(&context), selector, readiness).await;
                Ok(())
            }
            Some(lease) => {
                lead(
                    &lease,
                    &clients.requests,
                    Arc::clone(&context),
                    selector,
                    readiness,
                )
                .await
            }
        }
    };
    let ended = tokio::select! {
        ended = work => ended,
        // A standby process is ready too, once the API server serves both kinds.
        never = async { controller::until_served(&context, selector, &standby).await; std::future::pending().await } => never,
        () = async { shutdown.cancelled().await; tokio::time::sleep(GRACE).await } => Ok(()),
    };
    shutdown.cancel();
    let _ = server.await;
    tracing::info!("stopped");
    ended
}

/// Runs the controllers while this process holds the lease. After losing the lease the process
/// exits, so that no state of the old term is left in the next one.
async fn lead(
    lease: &Lease,
    client: &Client,
    context: Arc<Context>,
    selector: Option<&str>,
    readiness: Readiness,
) -> Result<(), Error> {
    // A standby process is ready. Otherwise a rollout would wait for it while the old process holds
    // the lease.
    readiness.open(ReadinessCheck::PolicyWatch);
    let acquiring = lease.acquire(client, |problem| tracing::info!("waiting for {problem}"));
    let Some(mut leadership) = context.shutdown().run_until_cancelled(acquiring).await else {
        return Ok(());
    };
    tracing::info!(
        lease = lease.name,
        namespace = lease.namespace,
        identity = lease.identity,
        "leading"
    );
    readiness.reset(ReadinessCheck::PolicyWatch);
    let lost = tokio::select! {
        () = controller::run(context, selector, readiness) => false,
        () = leadership.lost() => true,
    };
    if lost {
        return Err(Error::LeadershipLost(lease.name.clone()));
    }
    leadership.release().await;
    Ok(())
}

fn on_signal() -> Result<CancellationToken, io::Error> {
    let shutdown = CancellationToken::new();
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let token = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
        }
        token.cancel();
    });
    Ok(shutdown)
}

impl Arguments {
    /// Returns the lease to acquire. `None` disables leader election: the user must run one
    /// operator only.
    fn lease(&self, client: &Client) -> Option<Lease> {
        let in_cluster =
            env::var_os("KUBERNETES_SERVICE_HOST").is_some() && env::var_os("KUBECONFIG").is_none();
        if !self.election.leader_elect.unwrap_or(in_cluster) {
            return None;
        }
        let host = env::var("HOSTNAME").unwrap_or_else(|_| "sudoless".to_owned());
        Some(Lease {
            name: self.lease_name(),
            namespace: self
                .election
                .lease_namespace
                .clone()
                .unwrap_or_else(|| client.default_namespace().to_owned()),
            identity: format!("{host}-{:08x}", fastrand::u32(..)),
        })
    }

    /// Returns the name that identifies this operator among several that share the policies.
    fn lease_name(&self) -> String {
        let given = self.election.lease_name.clone();
        given.unwrap_or_else(|| self.default_lease_name())
    }

    fn aws(&self) -> aws::Options {
        aws::Options {
            write_timeout: self.remediating.write_timeout,
            ..self.reading.aws()
        }
    }

    /// Returns a name per label selector: operators with different selectors must not share a
    /// lease.
    fn default_lease_name(&self) -> String {
        match &self.watch_label_selector {
            None => "sudoless".to_owned(),
            Some(selector) => {
                let digest = Sha256::digest(selector);
                let (suffix, _) = digest.split_at(4);
                format!(
                    "sudoless-{}",
                    suffix
                        .iter()
                        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
                )
            }
        }
    }
}

impl Remediating {
    fn options(&self) -> controller::Options {
        controller::Options {
            poll_interval: self.poll_interval,
            resend_after: self.resend_after,
            settle: self.settle,
            write_timeout: self.write_timeout,
            record_retention: self.record_retention,
        }
    }
}

/// Parses `--write-timeout`. A longer request would not fit into the rest of a lease.
fn write_timeout(text: &str) -> Result<Duration, String> {
    let longest = kubernetes::LONGEST_WRITE;
    match duration(text) {
        Ok(timeout) if timeout <= longest => Ok(timeout),
        _ => Err(format!(
            "write a duration above zero and up to {}s, such as 5s: a longer request would not fit into the rest of the lease",
            longest.as_secs()
        )),
    }
}
