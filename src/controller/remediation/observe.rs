//! observe *(reads)*: reads the notebook, its tags if a policy uses tag selectors, and the
//! policies' desired state.

use std::{sync::Arc, time::Duration};

use kube::ResourceExt;
use tokio::time::Instant;

use super::{Error, Pass};
use crate::{
    controller::{sight::Sight, stored::read_stored, target_clients::TargetClient},
    decide::{self, Budget, Observation, Usage},
    domain::{
        Notebook, NotebookDetails, NotebookStatus, NotebookSummary, ReadFailure, RootAccess, Tags,
        TargetKey, TargetState,
    },
    fleet::Seen,
    kubernetes::PolicyList,
};

/// Deadline for a read. After it the next pass reads again anyway.
const PATIENCE: Duration = Duration::from_secs(30);

/// Observation of a pass.
pub(super) struct Observed {
    pub(super) observation: Observation,
    /// Reason why the notebook or its tags could not be read.
    pub(super) problem: Option<String>,
    /// AWS's reason why the notebook could not be started or updated, if it is in status Failed.
    pub(super) failure_reason: Option<String>,
    /// Time when the read began.
    pub(super) asked_at: Instant,
    /// Access by which the notebook was read, and is written.
    pub(super) client: Arc<TargetClient>,
}

impl Pass<'_> {
    pub(super) async fn observe(&mut self) -> Result<Observed, Error> {
        let notebook = self.record.intent.notebook.clone();
        let asked_at = Instant::now();
        let (client, described) = self.describe().await;
        let unseen = |observation, problem| Observed {
            observation,
            problem,
            failure_reason: None,
            asked_at,
            client: Arc::clone(&client),
        };
        let seen = match described {
            Ok(Some(seen)) => seen,
            Ok(None) => return Ok(unseen(Observation::Missing, None)),
            Err(failure) => return Ok(unseen(Observation::Unreadable, Some(failure.message))),
        };
        let seen_as = |problem| Observed {
            failure_reason: failure_reason(&seen.details),
            ..unseen(Observation::from(&seen.details), problem)
        };
        // A notebook that is down is restarted even if the policies cannot be listed.
        let policies = match self.context.recent_policies().await {
            Ok(policies) => policies,
            Err(error) => {
                self.desired = Some(decide::Desired::Unknown);
                return Ok(seen_as(Some(format!(
                    "the policies could not be listed: {error}"
                ))));
            }
        };
        let sight = self.sight(&client);
        let tags = sight.tags(&policies.policies, &notebook.arn).await;
        let problem = tags
            .as_ref()
            .and_then(|tags| tags.as_ref().err())
            .map(|failure| failure.message.clone());
        let observed = seen_as(problem);
        let budget = self.budget(&seen.details, &policies).await?;
        let notebook = self.as_notebook(seen, tags);
        self.desired = Some(decide::desired(
            &self.record,
            &notebook,
            &policies.policies,
            budget,
            self.now,
        ));
        Ok(observed)
    }

    /// Describes the notebook with the access that worked last, at first the record's access. If
    /// AWS denies that access, a role may have been renamed or an external id rotated. The access
    /// that the policy names now for the same account is then tried. Returns the access that
    /// worked, too, because the notebook is written with the same access.
    async fn describe(&self) -> (Arc<TargetClient>, Result<Option<Seen>, ReadFailure>) {
        let (target_clients, record) = (&self.context.target_clients, self.resource.name_any());
        let name = &self.record.intent.notebook.name;
        let client = target_clients.client(&record, &self.record, self.context);
        let mut refusal = match self.sight(&client).describe(name).await {
            Err(failure) if is_refusal(&failure) => failure,
            described => return (client, described),
        };
        for key in self.other_keys(&client.key).await {
            let other = target_clients.reach(&key, &self.context.aws);
            match self.sight(&other).describe(name).await {
                Ok(seen) => {
                    tracing::info!(
                        refusal = refusal.message,
                        "the record's access was refused; using the access that its policy names now"
                    );
                    target_clients.reached(&record, &other);
                    return (other, Ok(seen));
                }
                Err(failure) if failure.message == refusal.message => {}
                Err(failure) => {
                    refusal.message = format!("{}; {}", refusal.message, failure.message);
                }
            }
        }
        (client, Err(refusal))
    }

    /// Returns the accesses that were not refused yet: the record's access, and the access that its
    /// policy names now.
    async fn other_keys(&self, refused: &TargetKey) -> Vec<TargetKey> {
        let own = self.record.intent.key();
        let policies = self.context.recent_policies().await.ok();
        let policy = policies.and_then(|listed| {
            let policy = listed.policies.get(&self.record.intent.policy);
            policy.map(Arc::clone)
        });
        let present = policy
            .and_then(|policy| policy.access(&own.account).cloned())
            .filter(|access| *access != own.access)
            .map(|access| TargetKey {
                access,
                ..own.clone()
            });
        [Some(own), present]
            .into_iter()
            .flatten()
            .filter(|key| key != refused)
            .collect()
    }

    /// Returns the reader of the notebook.
    pub(super) fn sight<'a>(&'a self, client: &'a TargetClient) -> Sight<'a> {
        Sight {
            context: self.context,
            client,
            patience: PATIENCE,
        }
    }

    /// Counts the budget again just before each Stop. Two operators may have claimed at the same
    /// time, the budget may have been lowered, or other notebooks may have been stopped while this
    /// record waited.
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
        let mut usage = Usage::of(&intent.policy, []);
        for stored in &open {
            match read_stored(stored) {
                Ok(record) => usage.add(&record),
                Err(partial) => usage.add_partial(&partial),
            }
        }
        Ok(usage.budget(policy, &self.record))
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

/// Returns true if AWS refused the identity, so that another access may work.
fn is_refusal(failure: &ReadFailure) -> bool {
    matches!(
        failure.state,
        TargetState::AccessDenied | TargetState::InvalidCredentials
    )
}

/// Returns AWS's reason why the notebook could not be started or updated.
fn failure_reason(details: &NotebookDetails) -> Option<String> {
    let is_failed = details.status == NotebookStatus::Failed;
    details.failure_reason.clone().filter(|_| is_failed)
}
