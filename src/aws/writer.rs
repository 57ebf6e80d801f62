//! The three writes to AWS. Nothing else in the program changes anything in AWS.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_sagemaker::{
    Client,
    config::{Region as SdkRegion, retry::RetryConfig},
    types::RootAccess,
};

use super::{attempts::Attempts, fault::Fault, outcome::Operation, session::Session};
use crate::domain::{Call, Region, WriteOutcome, WriteResponse};

/// Margin by which the HTTP client times out before the whole call. The metrics count attempts that
/// end by themselves, not those dropped on the way.
const CLIENT_ENDS_BEFORE: Duration = Duration::from_millis(20);

/// Writer for the notebooks of one target. Cheap to clone; clones share its credentials.
///
/// Nothing else in the program changes anything in AWS. The writer accepts only the three
/// [`Call`]s, with request bodies that are fixed here. Callers choose the notebook and nothing else
/// (promise P9).
#[derive(Clone)]
pub struct TargetWriter {
    session: Arc<Session>,
    region: Region,
}

impl TargetWriter {
    pub(super) fn new(session: Arc<Session>, region: Region) -> Self {
        Self { session, region }
    }

    /// Sends one request once, and returns what its answer proves. Never retries: an unanswered
    /// request may have been carried out, so the caller has to describe the notebook.
    ///
    /// Times out after [`Options::write_timeout`](super::Options), credentials and connection
    /// included. Nothing is sent after that. A request that has left this process by then can still
    /// arrive at AWS.
    ///
    /// The caller has to check, just before, that the request may be sent.
    pub async fn send(&self, call: Call, name: &str) -> WriteResponse {
        let operation = Operation::from(call);
        let whole = self.session.foundation.write_timeout;
        let deadline = Instant::now() + whole.saturating_sub(CLIENT_ENDS_BEFORE);
        let answer = match tokio::time::timeout(whole, self.response(call, name, deadline)).await {
            Ok(answer) => answer,
            Err(_) => unclear(Fault::timed_out(operation).to_string()),
        };
        tracing::debug!(
            account = %self.session.account,
            region = %self.region,
            notebook = name,
            words = answer.words,
            "{operation}: {}", answer.kind
        );
        answer
    }

    async fn response(&self, call: Call, name: &str, deadline: Instant) -> WriteResponse {
        if let Err(failure) = self.session.verify().await {
            return unclear(failure.message);
        }
        let (client, issue) = self.client(deadline);
        let Err(fault) = request(&client, call, name).await else {
            return WriteResponse {
                kind: WriteOutcome::Accepted,
                words: String::new(),
            };
        };
        if fault.operation != Operation::from(call) {
            // There were no credentials for the write. This says nothing about the notebook, even
            // if the message is a refusal to assume a role.
            return unclear(fault.to_string());
        }
        if fault.refuses_credentials() {
            self.session.identity.forget_issue(issue);
        }
        WriteResponse {
            kind: fault.outcome.answer(),
            words: fault.to_string(),
        }
    }

    /// Returns a client for one request, and the issue number of its credentials.
    fn client(&self, deadline: Instant) -> (Client, u64) {
        let foundation = &self.session.foundation;
        let credentials = self.session.identity.kept();
        let mut config = foundation.sagemaker.to_builder();
        config.set_credentials_provider(Some(self.session.identity.provider.clone()));
        let client = Client::from_conf(
            config
                .identity_cache(credentials.cache)
                .region(SdkRegion::new(self.region.as_str().to_owned()))
                .retry_config(RetryConfig::disabled())
                .http_client(foundation.http.until(deadline))
                .interceptor(Attempts::new(Arc::clone(&foundation.requests)))
                .build(),
        );
        (client, credentials.issue)
    }
}

/// Sends a request with its complete body. An Update changes only the fields that are sent. The
/// same call could attach scripts that run as root.
async fn request(client: &Client, call: Call, name: &str) -> Result<(), Fault> {
    let operation = Operation::from(call);
    match call {
        Call::Stop => client
            .stop_notebook_instance()
            .notebook_instance_name(name)
            .send()
            .await
            .map(drop)
            .map_err(|error| Fault::of(operation, &error, None)),
        Call::Update => client
            .update_notebook_instance()
            .notebook_instance_name(name)
            .root_access(RootAccess::Disabled)
            .send()
            .await
            .map(drop)
            .map_err(|error| Fault::of(operation, &error, None)),
        Call::Start => client
            .start_notebook_instance()
            .notebook_instance_name(name)
            .send()
            .await
            .map(drop)
            .map_err(|error| Fault::of(operation, &error, None)),
    }
}

fn unclear(words: String) -> WriteResponse {
    WriteResponse {
        kind: WriteOutcome::Unclear,
        words,
    }
}

impl fmt::Debug for TargetWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TargetWriter")
            .field("account", &self.session.account)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
