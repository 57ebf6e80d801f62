//! observe *(reads)*: the notebook, its tags where a policy speaks of them, and what the policies want of it.

use std::time::Duration;

use tokio::time::Instant;

use super::{Error, Pass};
use crate::{
    controller::{flights::Flight, sight::Sight, stored::read_stored},
    decide::{self, Budget, Sighting, Tally},
    domain::{
        Notebook, NotebookDetails, NotebookStatus, NotebookSummary, ReadFailure, RootAccess, Tags,
        TargetKey,
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
    /// Why AWS could not start or update it, if it is in status Failed.
    pub(super) failure_reason: Option<String>,
    /// When it was asked for.
    pub(super) asked_at: Instant,
}

impl Pass<'_> {
    pub(super) async fn observe(&mut self, flight: &Flight) -> Result<Observed, Error> {
        let notebook = self.record.intent.notebook.clone();
        let key = self.record.intent.key();
        let asked_at = Instant::now();
        let unseen = |sighting, problem| Observed {
            sighting,
            problem,
            failure_reason: None,
            asked_at,
        };
        let sight = self.sight(flight, &key);
        let seen = match sight.describe(&notebook.name).await {
            Ok(Some(seen)) => seen,
            Ok(None) => return Ok(unseen(Sighting::Missing, None)),
            Err(failure) => return Ok(unseen(Sighting::Unreadable, Some(failure.message))),
        };
        let seen_as = |problem| Observed {
            failure_reason: failure_reason(&seen.details),
            ..unseen(Sighting::from(&seen.details), problem)
        };
        // The policies are wanted, not needed: a notebook that is down is brought back without them.
        let policies = match self.context.recent_policies().await {
            Ok(policies) => policies,
            Err(error) => {
                self.wish = Some(decide::Wish::Unclear);
                return Ok(seen_as(Some(format!(
                    "the policies could not be listed: {error}"
                ))));
            }
        };
        let tags = sight.tags(&policies.policies, &notebook.arn).await;
        let problem = tags
            .as_ref()
            .and_then(|tags| tags.as_ref().err())
            .map(|failure| failure.message.clone());
        let observed = seen_as(problem);
        let budget = self.budget(&seen.details, &policies).await?;
        let notebook = self.as_notebook(seen, tags);
        self.wish = Some(decide::wish(
            &self.record,
            &notebook,
            &policies.policies,
            budget,
            self.now,
        ));
        Ok(observed)
    }

    /// How the notebook is read.
    pub(super) fn sight<'a>(&'a self, flight: &'a Flight, key: &'a TargetKey) -> Sight<'a> {
        Sight {
            context: self.context,
            flight,
            key,
            patience: PATIENCE,
        }
    }

    /// Counts once more just before a notebook is stopped, at each Stop: two operators may have claimed at the same time, the budget may
    /// have been lowered since, or this record may have waited while others were stopped.
    async fn budget(
        &self,
        details: &NotebookDetails,
        policies: &PolicyList,
    ) -> Result<Budget, Error> {
        let intent = &self.record.intent;
        let may_be_stopped = intent.was_running
            && details.status == NotebookStatus::InService
            && details.root_access == RootAccess::Enabled;
        let Some(policy) = policies
            .policies
            .get(&intent.policy)
            .filter(|_| may_be_stopped)
        else {
            return Ok(Budget::Kept);
        };
        let open = self
            .context
            .records
            .open_of(&intent.policy)
            .await
            .map_err(Error::Read)?;
        let mut tally = Tally::of(&intent.policy, []);
        for stored in &open {
            match read_stored(stored) {
                Ok(record) => tally.add(&record),
                Err(partial) => tally.add_partial(&partial),
            }
        }
        Ok(tally.budget(policy, &self.record))
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

/// Why AWS could not start or update the notebook.
fn failure_reason(details: &NotebookDetails) -> Option<String> {
    let is_failed = details.status == NotebookStatus::Failed;
    details.failure_reason.clone().filter(|_| is_failed)
}
