//! observe *(reads)*: the notebook, its tags where a policy speaks of them, and what the policies want of it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use super::{Error, Pass};
use crate::{
    controller::flights::Flight,
    decide::{self, Budget, Sighting, Tally},
    domain::{
        Notebook, NotebookDetails, NotebookStatus, NotebookSummary, ReadFailure, RecordState,
        RootAccess, Tags, TargetState,
    },
    inventory::Seen,
    kubernetes::PolicyList,
};

/// How long a Describe may take, retries included: what is older is looked at again anyway.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(30);

/// What a pass saw.
pub(super) struct Observed {
    pub(super) sighting: Sighting,
    /// Why it could not be read.
    pub(super) problem: Option<String>,
    /// When it was asked for.
    pub(super) asked_at: Instant,
}

impl Pass<'_> {
    pub(super) async fn observe(&mut self, flight: &Flight) -> Result<Observed, Error> {
        let notebook = self.record.intent.notebook.clone();
        let key = self.record.intent.key();
        let asked_at = Instant::now();
        let described_at = Timestamp::now();
        let described = timeout(DESCRIBE_TIMEOUT, flight.reader.describe(&notebook.name)).await;
        let details = match described.unwrap_or_else(|_| Err(no_answer())) {
            Ok(Some(details)) => details,
            Ok(None) => {
                self.context.inventory.note(&key, &notebook.name, None);
                return Ok(Observed {
                    sighting: Sighting::Missing,
                    problem: None,
                    asked_at,
                });
            }
            Err(failure) => {
                return Ok(Observed {
                    sighting: Sighting::Unreadable,
                    problem: Some(failure.message),
                    asked_at,
                });
            }
        };
        let seen = Seen {
            details: details.clone(),
            described_at,
        };
        self.context
            .inventory
            .note(&key, &notebook.name, Some(&seen));
        let policies = self.context.recent_policies().await.map_err(Error::Read)?;
        let tags = self.tags(flight, &policies).await;
        let problem = tags
            .as_ref()
            .and_then(|tags| tags.as_ref().err())
            .map(|failure| failure.message.clone());
        let sighting = Sighting::Seen {
            status: details.status.clone(),
            root_access: details.root_access,
        };
        let budget = self.budget(&details, &policies).await?;
        let notebook = self.as_notebook(details, tags, described_at);
        self.wish = Some(decide::wish(
            &self.record,
            &notebook,
            &policies.policies,
            budget,
            self.now,
        ));
        Ok(Observed {
            sighting,
            problem,
            asked_at,
        })
    }

    async fn tags(
        &self,
        flight: &Flight,
        policies: &PolicyList,
    ) -> Option<Result<Tags, ReadFailure>> {
        let notebook = &self.record.intent.notebook;
        if !policies
            .policies
            .speak_of_tags(&notebook.account, &notebook.region)
        {
            return None;
        }
        let read = timeout(DESCRIBE_TIMEOUT, flight.reader.tags(&notebook.arn)).await;
        match read.unwrap_or_else(|_| Err(no_answer())) {
            Ok(Some(tags)) => Some(Ok(tags)),
            // It vanished just now: the next pass sees that.
            Ok(None) => Some(Err(no_answer())),
            Err(failure) => Some(Err(failure)),
        }
    }

    /// Counts once more just before somebody is stopped: two operators may have claimed at the same time, and the budget may have
    /// been lowered since.
    async fn budget(
        &self,
        details: &NotebookDetails,
        policies: &PolicyList,
    ) -> Result<Budget, Error> {
        let (intent, progress) = (&self.record.intent, &self.record.progress);
        let is_first_stop = intent.was_running
            && progress.stop_requested_at.is_none()
            && details.status == NotebookStatus::InService
            && details.root_access == RootAccess::Enabled;
        let Some(policy) = policies
            .policies
            .get(&intent.policy)
            .filter(|_| is_first_stop)
        else {
            return Ok(Budget::Kept);
        };
        let open = self
            .context
            .records
            .open_of(&intent.policy)
            .await
            .map_err(Error::Read)?;
        let mut records: Vec<_> = open
            .iter()
            .filter_map(|record| decide::read_record(record).ok())
            .collect();
        for record in &mut records {
            // One that needs attention gave the policy's slot back, but this one is about to take its notebook down only now.
            if record.intent.notebook == intent.notebook {
                record.progress.state = RecordState::Pending;
            }
        }
        // A record that cannot be read may be of a notebook that is down.
        let exceeded = records.len() < open.len()
            || Tally::of(&intent.policy, &records).exceeds(
                policy,
                &intent.notebook.account,
                &intent.notebook.region,
            );
        Ok(if exceeded {
            Budget::Exceeded
        } else {
            Budget::Kept
        })
    }

    fn as_notebook(
        &self,
        details: NotebookDetails,
        tags: Option<Result<Tags, ReadFailure>>,
        described_at: Timestamp,
    ) -> Notebook {
        let notebook = &self.record.intent.notebook;
        Notebook {
            summary: NotebookSummary {
                arn: notebook.arn.clone(),
                name: notebook.name.clone(),
                status: details.status.clone(),
                last_modified: None,
                lifecycle_config: None,
            },
            details: Ok(details),
            tags,
            described_at,
        }
    }
}

fn no_answer() -> ReadFailure {
    ReadFailure {
        state: TargetState::Unreachable,
        message: "AWS did not answer in time".to_owned(),
    }
}
