//! The lower bound: the bare SDK sends the same requests, with the same concurrency, in a separate
//! process. It keeps nothing of the answers, makes no decisions and uses no API server.

use std::{
    path::Path,
    process::{ExitCode, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_sagemaker::{
    Client,
    config::{Region, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig},
    types::{NotebookInstanceSortKey, NotebookInstanceSortOrder, RootAccess},
};
use aws_smithy_http_client::{Builder, tls};
use futures::{StreamExt, stream};
use sagemaker_simulator::Simulator;
use serde::{Deserialize, Serialize};
use tokio::{process::Command, sync::OnceCell};

use crate::{
    case::{PAGE, Size},
    usage::Usage,
};

/// Concurrent Describes in each target: the operator's default.
const DESCRIBES_PER_TARGET: usize = 20;

/// Concurrent targets, as in the operator.
const TARGETS_AT_ONCE: usize = 64;

/// Targets to read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Work {
    accounts: Vec<String>,
    regions: Vec<String>,
}

/// Result of the lower bound.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Bound {
    pub wall: Duration,
    /// Part of `wall` spent on Describes, with a single target.
    pub describing: Duration,
    pub notebooks: usize,
    /// Notebooks with root access for their users, which proves that the answers were read.
    pub enabled: usize,
    pub usage: Usage,
}

/// Result of reading one target.
#[derive(Clone, Copy, Debug, Default)]
struct Read {
    notebooks: usize,
    enabled: usize,
    describing: Duration,
}

struct Account {
    id: String,
    credentials: OnceCell<Credentials>,
}

impl Work {
    pub fn of(size: &Size) -> Self {
        Self {
            accounts: size
                .fleet()
                .accounts
                .into_iter()
                .map(|account| account.id)
                .collect(),
            regions: size.region_names().into_iter().map(str::to_owned).collect(),
        }
    }

    pub fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

/// Runs a process that sends the requests, and waits for it. The process ends if the caller stops
/// waiting.
pub async fn bound(size: &Size, simulator: &Simulator) -> Bound {
    let mut work = tempfile::NamedTempFile::new().unwrap();
    serde_json::to_writer(&mut work, &Work::of(size)).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("bare")
        .arg(work.path())
        .envs(simulator.env())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "the lower bound failed: {output:?}"
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs the lower bound in its own process.
pub async fn send(work: &Work) -> ExitCode {
    let config = config().await;
    let started = Instant::now();
    let targets = work.accounts.iter().flat_map(|id| {
        let account = Arc::new(Account {
            id: id.clone(),
            credentials: OnceCell::new(),
        });
        work.regions
            .iter()
            .map(move |region| (Arc::clone(&account), region.clone()))
    });
    let reads: Vec<Read> = stream::iter(targets)
        .map(|(account, region)| tokio::spawn(read(config.clone(), account, region)))
        .buffer_unordered(TARGETS_AT_ONCE)
        .map(Result::unwrap)
        .collect()
        .await;
    let bound = Bound {
        wall: started.elapsed(),
        describing: reads.iter().map(|read| read.describing).sum(),
        notebooks: reads.iter().map(|read| read.notebooks).sum(),
        enabled: reads.iter().map(|read| read.enabled).sum(),
        usage: Usage::of("self"),
    };
    println!("{}", serde_json::to_string(&bound).unwrap());
    ExitCode::SUCCESS
}

/// Returns the operator's settings: one connector for all requests, adaptive retries, and no limits
/// on stalled streams.
async fn config() -> SdkConfig {
    let client = Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::AwsLc,
        ))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(client)
        .retry_config(RetryConfig::adaptive().with_max_attempts(10))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_attempt_timeout(Duration::from_secs(10))
                .build(),
        )
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .load()
        .await
}

async fn read(config: SdkConfig, account: Arc<Account>, region: String) -> Read {
    let credentials = account
        .credentials
        .get_or_init(|| assume(&config, &account.id))
        .await;
    let config = config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
        .region(Region::new(region))
        .build();
    let client = Client::new(&config);
    let names = list(&client).await;
    let started = Instant::now();
    let enabled = stream::iter(names.iter().cloned())
        .map(|name| has_root(&client, name))
        .buffer_unordered(DESCRIBES_PER_TARGET)
        .filter(|has_root| std::future::ready(*has_root))
        .count()
        .await;
    Read {
        notebooks: names.len(),
        enabled,
        describing: started.elapsed(),
    }
}

async fn assume(config: &SdkConfig, account: &str) -> Credentials {
    let answer = aws_sdk_sts::Client::new(config)
        .assume_role()
        .role_arn(format!("arn:aws:iam::{account}:role/sudoless"))
        .role_session_name("bench")
        .send()
        .await
        .unwrap();
    let credentials = answer.credentials.unwrap();
    Credentials::new(
        credentials.access_key_id,
        credentials.secret_access_key,
        Some(credentials.session_token),
        None,
        "bench",
    )
}

async fn list(client: &Client) -> Vec<String> {
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let answer = client
            .list_notebook_instances()
            .max_results(i32::try_from(PAGE).unwrap())
            .sort_by(NotebookInstanceSortKey::Name)
            .sort_order(NotebookInstanceSortOrder::Ascending)
            .set_next_token(token)
            .send()
            .await
            .unwrap();
        let page = answer.notebook_instances.unwrap();
        names.extend(
            page.into_iter()
                .map(|notebook| notebook.notebook_instance_name.unwrap()),
        );
        token = answer.next_token;
        if token.is_none() {
            return names;
        }
    }
}

async fn has_root(client: &Client, name: String) -> bool {
    let answer = client
        .describe_notebook_instance()
        .notebook_instance_name(name)
        .send()
        .await
        .unwrap();
    answer.root_access == Some(RootAccess::Enabled)
}
