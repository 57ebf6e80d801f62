//! Reads one notebook past every cache, and updates the cache *(reads)*. It is used before a
//! claim and at each pass over a record.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use super::{Context, target_clients::TargetClient};
use crate::{
    decide::Policies,
    domain::{NotebookArn, ReadFailure, Tags, TargetState},
    fleet::Seen,
};

/// Reader of one notebook.
pub(super) struct Sight<'a> {
    pub(super) context: &'a Context,
    pub(super) client: &'a TargetClient,
    /// Timeout of each request, retries included.
    pub(super) patience: Duration,
}

impl Sight<'_> {
    /// Describes a notebook. Returns `None` if it does not exist.
    pub(super) async fn describe(&self, name: &str) -> Result<Option<Seen>, ReadFailure> {
        let described_at = Timestamp::now();
        let details = self.within(self.client.reader.describe(name)).await?;
        let seen = details.map(|details| Seen {
            details,
            described_at,
        });
        let key = &self.client.key;
        self.context.fleet.note(key, name, seen.as_ref());
        Ok(seen)
    }

    /// Reads the tags, if a policy for the account and region uses tags. Otherwise returns `None`.
    /// A List does not show when tags change.
    pub(super) async fn tags(
        &self,
        policies: &Policies,
        arn: &NotebookArn,
    ) -> Option<Result<Tags, ReadFailure>> {
        let key = &self.client.key;
        if !policies.speak_of_tags(&key.account, &key.region) {
            return None;
        }
        let read = self.within(self.client.reader.tags(arn)).await;
        Some(
            read.and_then(|tags| {
                tags.ok_or_else(|| failure("the notebook does not exist any more"))
            }),
        )
    }

    async fn within<T>(
        &self,
        reading: impl Future<Output = Result<T, ReadFailure>>,
    ) -> Result<T, ReadFailure> {
        timeout(self.patience, reading)
            .await
            .unwrap_or_else(|_| Err(failure("AWS did not answer in time")))
    }
}

fn failure(message: &str) -> ReadFailure {
    ReadFailure {
        state: TargetState::Unreachable,
        message: message.to_owned(),
    }
}
