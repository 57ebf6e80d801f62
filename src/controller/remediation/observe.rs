//! observe *(reads)*: the notebook, its tags where a policy speaks of them, and what the policies want of it.

use std::time::Duration;

use tokio::time::Instant;

use super::{Error, Pass};
use crate::{
    controller::{flights::Flight, sight::Sight},
    decide::{self, Budget, Sighting, Tally},
    domain::{
        Notebook, NotebookDetails, NotebookStatus, NotebookSummary, ReadFailure, RecordState,
        RootAccess, Tags,
    },
    inventory::Seen,
    kubernetes::PolicyList,
};

/// How long reading may take: what is older is looked at again anyway.
const PATIENCE: Duration = Duration::from_secs(30);

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
        let sight = Sight {
            context: self.context,
            flight,
            key: &key,
            patience: PATIENCE,
        };
        let asked_at = Instant::now();
        let unseen = |sighting, problem| Observed {
            sighting,
            problem,
            asked_at,
        };
        let seen = match sight.describe(&notebook.name).await {
            Ok(Some(seen)) => seen,
            Ok(None) => return Ok(unseen(Sighting::Missing, None)),
            Err(failure) => return Ok(unseen(Sighting::Unreadable, Some(failure.message))),
        };
        let policies = self.context.recent_policies().await.map_err(Error::Read)?;
        let tags = sight.tags(&policies.policies, &notebook.arn).await;
        let problem = tags
            .as_ref()
            .and_then(|tags| tags.as_ref().err())
            .map(|failure| failure.message.clone());
        let sighting = Sighting::Seen {
            status: seen.details.status.clone(),
            root_access: seen.details.root_access,
        };
        let budget = self.budget(&seen.details, &policies).await?;
        let notebook = self.as_notebook(seen, tags);
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

    fn as_notebook(&self, seen: Seen, tags: Option<Result<Tags, ReadFailure>>) -> Notebook {
        let notebook = &self.record.intent.notebook;
        Notebook {
            summary: NotebookSummary {
                arn: notebook.arn.clone(),
                name: notebook.name.clone(),
                status: seen.details.status.clone(),
                last_modified: None,
                lifecycle_config: None,
            },
            details: Ok(seen.details),
            tags,
            described_at: seen.described_at,
        }
    }
}
