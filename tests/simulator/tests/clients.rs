//! AWS clients of a simulator, and what the tests share.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use aws_credential_types::Credentials;
use aws_sdk_account::config::BehaviorVersion;
use aws_sdk_sagemaker::{
    config::{Region, retry::RetryConfig, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use sagemaker_simulator::{Account, Fleet, Notebook, Options, Simulator, Timings};

pub const ACCOUNT: &str = "111122223333";
pub const OTHER: &str = "444455556666";
pub const REGION: &str = "us-east-1";

/// A fleet with two accounts that can be read and the given notebooks.
pub fn fleet(notebooks: impl IntoIterator<Item = Notebook>) -> Fleet {
    Fleet::new()
        .account(Account::new(ACCOUNT).role("sudoless"))
        .account(Account::new(OTHER).role_with_external_id("ops/sudoless", "8f1c"))
        .timings(Timings {
            stop: Duration::from_millis(20),
            update: Duration::from_millis(20),
            start: Duration::from_millis(20),
            delete: Duration::from_millis(20),
            ..Timings::default()
        })
        .notebooks(notebooks)
}

pub fn notebook(name: &str) -> Notebook {
    Notebook::new(ACCOUNT, REGION, name)
}

pub fn start(fleet: Fleet) -> Simulator {
    Simulator::start(fleet, Options::default()).unwrap()
}

/// A simulator with these notebooks, and a client of [`ACCOUNT`] in [`REGION`].
pub async fn simulate(
    notebooks: impl IntoIterator<Item = Notebook>,
) -> (Simulator, aws_sdk_sagemaker::Client) {
    let simulator = start(fleet(notebooks));
    let client = sagemaker(&simulator, ACCOUNT, REGION).await;
    (simulator, client)
}

pub fn home(simulator: &Simulator) -> Credentials {
    let home = simulator.home();
    keys(&home.access_key_id, &home.secret_access_key, None)
}

pub fn sts(simulator: &Simulator, credentials: Credentials) -> aws_sdk_sts::Client {
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(simulator.url())
        .retry_config(RetryConfig::disabled())
        .credentials_provider(credentials);
    aws_sdk_sts::Client::from_conf(config.build())
}

/// Credentials of the role `sudoless` of [`ACCOUNT`] or [`OTHER`].
pub async fn assume(simulator: &Simulator, account: &str) -> Credentials {
    let (role, external_id) = match account {
        OTHER => ("ops/sudoless", Some("8f1c".to_owned())),
        _ => ("sudoless", None),
    };
    let assumed = sts(simulator, home(simulator))
        .assume_role()
        .role_arn(format!("arn:aws:iam::{account}:role/{role}"))
        .role_session_name("test")
        .set_external_id(external_id)
        .send()
        .await
        .unwrap();
    credentials(assumed.credentials().unwrap())
}

pub fn credentials(handed_out: &aws_sdk_sts::types::Credentials) -> Credentials {
    keys(
        handed_out.access_key_id(),
        handed_out.secret_access_key(),
        Some(handed_out.session_token().to_owned()),
    )
}

pub async fn sagemaker(
    simulator: &Simulator,
    account: &str,
    region: &str,
) -> aws_sdk_sagemaker::Client {
    let credentials = assume(simulator, account).await;
    sagemaker_with(simulator, credentials, region, Duration::from_secs(10))
}

/// A client that gives up after `timeout` and never retries.
pub fn sagemaker_with(
    simulator: &Simulator,
    credentials: Credentials,
    region: &str,
    timeout: Duration,
) -> aws_sdk_sagemaker::Client {
    let timeout = TimeoutConfig::builder().operation_timeout(timeout).build();
    let config = aws_sdk_sagemaker::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(simulator.url())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeout)
        .credentials_provider(credentials);
    aws_sdk_sagemaker::Client::from_conf(config.build())
}

pub fn account(simulator: &Simulator, credentials: Credentials) -> aws_sdk_account::Client {
    let config = aws_sdk_account::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(simulator.url())
        .retry_config(RetryConfig::disabled())
        .credentials_provider(credentials);
    aws_sdk_account::Client::from_conf(config.build())
}

/// Code and message of a service's error.
pub fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E>>,
) -> (String, String) {
    match result {
        Err(SdkError::ServiceError(error)) => {
            let meta = error.into_err().meta().clone();
            (
                meta.code().unwrap_or_default().to_owned(),
                meta.message().unwrap_or_default().to_owned(),
            )
        }
        other => panic!("not a service's error: {other:?}"),
    }
}

pub fn code<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E>>,
) -> String {
    refusal(result).0
}

/// Asks until the answer is `Some`, for at most ten seconds.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within ten seconds: {what}");
        tokio::task::yield_now().await;
    }
}

/// A plain HTTP request: its status and its body, as JSON where it is JSON, else as a string.
pub async fn http(
    simulator: &Simulator,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let body = body.map_or_else(String::new, |body| body.to_string());
    let address = simulator.url().strip_prefix("http://").unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()));
    (status, body)
}

pub fn keys(id: &str, secret: &str, token: Option<String>) -> Credentials {
    Credentials::new(id, secret, token, None, "test")
}

/// A time of an answer to the millisecond. The SDK reads it from a floating point number, and may
/// be some nanoseconds short.
pub fn millis(time: Option<&aws_smithy_types::DateTime>) -> i64 {
    let nanos = time.unwrap().as_nanos();
    i64::try_from((nanos + 500_000).div_euclid(1_000_000)).unwrap()
}
