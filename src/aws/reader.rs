//! Reads one target: the notebooks of an account and region, under one identity.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use aws_sdk_sagemaker::{
    Client,
    config::{Region as SdkRegion, retry::RetryPartition},
    types::{NotebookInstanceSortKey, NotebookInstanceSortOrder},
};

use super::{
    attempts::Attempts,
    convert,
    fault::Fault,
    foundation::own_retries,
    outcome::{Operation, Outcome},
    pages::Pages,
    rate::RateController,
    session::Session,
};
use crate::domain::{
    NotebookArn, NotebookDetails, NotebookSummary, ReadFailure, Region, Tags, TargetState,
};

/// Reader of one target. Cheap to clone; clones share the rate limit and the credentials.
#[derive(Clone)]
pub struct TargetReader {
    shared: Arc<Shared>,
}

struct Shared {
    session: Arc<Session>,
    region: Region,
    retries: RetryPartition,
    rate: Arc<RateController>,
    /// Client with the issue number of its credentials. It lives only while a read is in flight,
    /// because each client takes 18 KiB, too much for thousands of idle targets.
    client: Mutex<(Weak<Client>, u64)>,
}

impl TargetReader {
    pub(super) fn new(session: Arc<Session>, region: Region) -> Self {
        let rate = Arc::new(RateController::new(session.foundation.describes_per_target));
        Self {
            shared: Arc::new(Shared {
                session,
                region,
                retries: own_retries(),
                rate,
                client: Mutex::default(),
            }),
        }
    }

    /// Returns all notebooks of the target, sorted by name. Sends one request per hundred
    /// notebooks.
    ///
    /// A list is complete or fails. An entry without a name or ARN, an endless list, or an answer
    /// without a list fails as `Unreachable`, because a missing notebook would go unnoticed.
    pub async fn list(&self) -> Result<Vec<NotebookSummary>, ReadFailure> {
        self.shared.session.verify().await?;
        let list = || self.send(|client| self.list_pages(client));
        let failure = match list().await {
            Ok(notebooks) => return Ok(notebooks),
            Err(fault) => self.failure(fault).await,
        };
        if failure.state != TargetState::RegionDisabled {
            return Err(failure);
        }
        // The check may have used newer credentials than the rejected ones. The region is disabled
        // only if the list fails with these too. A region wrongly taken for disabled would be left
        // out of everything.
        match list().await {
            Ok(notebooks) => Ok(notebooks),
            Err(again) if again.outcome == Outcome::Unrecognized => Err(failure),
            Err(other) => Err(self.failure(other).await),
        }
    }

    /// Returns the details of a notebook that a List does not contain, or `None` if the notebook
    /// does not exist any more.
    pub async fn describe(&self, name: &str) -> Result<Option<NotebookDetails>, ReadFailure> {
        self.shared.session.verify().await?;
        let describe = |client: Arc<Client>| async move {
            client
                .describe_notebook_instance()
                .notebook_instance_name(name)
                .send()
                .await
                .map_err(|error| Fault::of(Operation::DescribeNotebookInstance, &error, None))
        };
        let answer = self.send(describe).await;
        self.found(answer.map(convert::details)).await
    }

    /// Returns the tags of a notebook, or `None` if the notebook does not exist any more.
    pub async fn tags(&self, arn: &NotebookArn) -> Result<Option<Tags>, ReadFailure> {
        self.shared.session.verify().await?;
        let tags = self.send(|client| self.tag_pages(client, arn)).await;
        self.found(tags).await
    }

    /// Returns the number of throttled attempts since the reader was created, including those at
    /// the account's STS.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.shared.rate.throttled() + self.shared.session.rate.throttled()
    }

    /// Returns a counter that rises while AWS answers in any way or requests wait in the operator's
    /// own queue. A target is silent if its counter stays the same.
    #[must_use]
    pub fn progress(&self) -> u64 {
        self.shared.rate.progress() + self.shared.session.rate.progress()
    }

    /// Returns how many Describes and tag reads are worth having in flight now: fewer after
    /// throttling, at least one.
    #[must_use]
    pub fn describes_in_flight(&self) -> usize {
        self.shared.rate.limit().try_into().unwrap_or(usize::MAX)
    }

    /// Sends a read, and once more with new credentials if AWS no longer accepts the cached ones.
    async fn send<T, F>(&self, call: impl Fn(Arc<Client>) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let (client, issue) = self.client();
        match call(client).await {
            Err(fault) if fault.is_of_old_credentials() => {
                self.shared.session.identity.forget_issue(issue);
                call(self.client().0).await
            }
            answer => answer,
        }
    }

    async fn list_pages(&self, client: Arc<Client>) -> Result<Vec<NotebookSummary>, Fault> {
        const OPERATION: Operation = Operation::ListNotebookInstances;
        let mut notebooks = BTreeMap::new();
        let mut pages = Pages::default();
        loop {
            // Sorted by name, so that a notebook created or deleted meanwhile does not move another
            // one to a page already read.
            let answer = client
                .list_notebook_instances()
                .max_results(100)
                .sort_by(NotebookInstanceSortKey::Name)
                .sort_order(NotebookInstanceSortOrder::Ascending)
                .set_next_token(pages.next())
                .send()
                .await
                .map_err(|error| Fault::of(OPERATION, &error, None))?;
            // For no notebooks AWS sends an empty list. A missing list comes from something else,
            // such as a proxy.
            let page = answer
                .notebook_instances
                .ok_or_else(|| Fault::of_answer(OPERATION, "an answer without a list"))?;
            for entry in page {
                let notebook = convert::summary(entry).ok_or_else(|| {
                    Fault::of_answer(OPERATION, "a notebook without a name or ARN")
                })?;
                notebooks.insert(notebook.name.clone(), notebook);
            }
            if pages.end_at(answer.next_token, OPERATION)? {
                return Ok(notebooks.into_values().collect());
            }
        }
    }

    async fn tag_pages(&self, client: Arc<Client>, arn: &NotebookArn) -> Result<Tags, Fault> {
        const OPERATION: Operation = Operation::ListTags;
        let mut tags = Tags::new();
        let mut pages = Pages::default();
        loop {
            // A resource has at most fifty tags, and they fit one page.
            let answer = client
                .list_tags()
                .resource_arn(arn.as_str())
                .set_next_token(pages.next())
                .send()
                .await
                .map_err(|error| Fault::of(OPERATION, &error, None))?;
            let page = answer.tags.and_then(convert::tags);
            tags.extend(page.ok_or_else(|| Fault::of_answer(OPERATION, "an answer without tags"))?);
            if pages.end_at(answer.next_token, OPERATION)? {
                return Ok(tags);
            }
        }
    }

    async fn found<T>(&self, answer: Result<T, Fault>) -> Result<Option<T>, ReadFailure> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(fault) if fault.outcome == Outcome::NotFound => Ok(None),
            Err(fault) => Err(self.failure(fault).await),
        }
    }

    async fn failure(&self, fault: Fault) -> ReadFailure {
        let failure = self.shared.session.failure(fault).await;
        tracing::debug!(
            account = %self.shared.session.account,
            region = %self.shared.region,
            state = %failure.state,
            "{}", failure.message
        );
        failure
    }

    fn client(&self) -> (Arc<Client>, u64) {
        let shared = &self.shared;
        let credentials = shared.session.identity.kept();
        let mut kept = shared.client.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.1 == credentials.issue
            && let Some(client) = kept.0.upgrade()
        {
            return (client, credentials.issue);
        }
        let foundation = &shared.session.foundation;
        let attempts =
            Attempts::with_rate(Arc::clone(&foundation.requests), Arc::clone(&shared.rate));
        let mut config = foundation.sagemaker.to_builder();
        config.set_credentials_provider(Some(shared.session.identity.provider.clone()));
        let client = Arc::new(Client::from_conf(
            config
                .identity_cache(credentials.cache)
                .region(SdkRegion::new(shared.region.as_str().to_owned()))
                .retry_partition(shared.retries.clone())
                .http_client(foundation.http.with_rate(Arc::clone(&shared.rate)))
                .interceptor(attempts)
                .build(),
        ));
        *kept = (Arc::downgrade(&client), credentials.issue);
        (client, credentials.issue)
    }
}

impl fmt::Debug for TargetReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TargetReader")
            .field("account", &self.shared.session.account)
            .field("region", &self.shared.region)
            .finish_non_exhaustive()
    }
}
