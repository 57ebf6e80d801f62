//! claim *(writes)*: makes records for the notebooks that the plan names, one at a time, each judged once more by what is read just
//! then: notebook, policies and records, past every cache.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Context, sight::Sight};
use crate::{
    api::NotebookRemediation,
    decide::{self, Candidate, Horizon, Planner, Policies, Tally, Wait, admit, read_record},
    domain::{
        Access, Intent, Mode, Next, Notebook, NotebookRef, NotebookSummary, Policy, PolicyName,
        ReadFailure, Record, RecordName, TargetKey, WaitReason,
    },
    kubernetes::{Owner, Written, has_finalizer},
};

/// How long a pass goes on claiming before it publishes what it did so far.
const CLAIMING: Duration = Duration::from_secs(5);

/// How long reading a candidate again may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why claims could not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The API server.
    #[error("records could not be read or made: {0}")]
    Records(#[from] kube::Error),
}

/// What became of a candidate.
enum Claim {
    Made(Box<Record>),
    Waits(Wait),
}

/// How far the claims of a pass came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Everything was tried.
    Complete,
    /// Everything was tried, and something could not be read just then: it is worth another try soon.
    Unread,
    /// There was no time for the rest.
    Partial,
}

/// Claims what the planner names.
pub(super) async fn claim(
    context: &Context,
    policy: &PolicyName,
    planner: &mut Planner<'_>,
) -> Result<Progress, Error> {
    let deadline = Instant::now() + CLAIMING;
    let mut progress = Progress::Complete;
    while Instant::now() < deadline {
        let Some(candidate) = planner.next_candidate() else {
            return Ok(progress);
        };
        match claim_one(context, policy, &candidate).await? {
            Claim::Made(record) => planner.claimed(&record),
            Claim::Waits(wait) => {
                if wait.next == Next::Wait(WaitReason::Unread) {
                    progress = Progress::Unread;
                }
                planner.refused(&candidate, wait);
            }
        }
    }
    Ok(Progress::Partial)
}

async fn claim_one(
    context: &Context,
    name: &PolicyName,
    candidate: &Candidate,
) -> Result<Claim, Error> {
    let unread = |message: &str| Ok(Claim::Waits(Wait::unread(message.to_owned())));
    // One account and region that does not answer holds up no other (promise P8).
    if context
        .ailing
        .is_ailing(&candidate.account, &candidate.region)
    {
        return unread(
            "a notebook there could not be read a moment ago; it is tried again within a minute",
        );
    }
    let listed = context.fresh_policies().await?;
    let (Some(policy), Some(owner)) = (listed.policies.get(name), listed.owners.get(name)) else {
        return unread("the policy is not there any more, or not understood");
    };
    if policy.mode != Mode::Enforce || policy.suspended {
        return unread("the policy does not enforce any more");
    }
    let account = policy
        .accounts
        .iter()
        .find(|account| account.id == candidate.account);
    let Some(account) = account else {
        return unread("the policy does not name its account any more");
    };
    let notebook = match reread(context, &account.access, &listed.policies, candidate).await {
        Ok(Some(notebook)) => notebook,
        Ok(None) => return unread("it does not exist any more"),
        Err(failure) => {
            context.ailing.failed(&candidate.account, &candidate.region);
            return unread(&format!(
                "it could not be read just before it was to be claimed: {}",
                failure.message
            ));
        }
    };
    // One at a time in this process, over all policies: what is counted stays true until the record is made.
    let _turn = context.claims.lock().await;
    let summary = &candidate.notebook.summary;
    let reference = NotebookRef::new(&candidate.account, &candidate.region, summary);
    let predecessor = context
        .records
        .get(RecordName::of(&reference).as_str())
        .await?;
    let tally = match tally(context, policy, candidate, predecessor.as_ref()).await? {
        Ok(tally) => tally,
        Err(wait) => return Ok(Claim::Waits(wait)),
    };
    let admitted = admit(
        policy,
        (&listed.policies, &tally),
        (&candidate.account, &candidate.region),
        &notebook,
        (Timestamp::now(), Horizon::Now),
    );
    match admitted {
        Ok(intent) => make(context, intent, owner, predecessor).await,
        Err(wait) => Ok(Claim::Waits(wait)),
    }
}

/// Describes the candidate again, and reads its tags where a policy speaks of them. `None`: it does not exist any more.
async fn reread(
    context: &Context,
    access: &Access,
    policies: &Policies,
    candidate: &Candidate,
) -> Result<Option<Notebook>, ReadFailure> {
    let key = TargetKey {
        account: candidate.account.clone(),
        region: candidate.region.clone(),
        access: access.clone(),
    };
    let sight = Sight {
        context,
        flight: &context.flights.reach(&key, &context.aws),
        key: &key,
        patience: PATIENCE,
    };
    let summary = &candidate.notebook.summary;
    let Some(seen) = sight.describe(&summary.name).await? else {
        return Ok(None);
    };
    let tags = sight.tags(policies, &summary.arn).await.transpose()?;
    Ok(Some(Notebook {
        summary: NotebookSummary {
            status: seen.details.status.clone(),
            ..summary.clone()
        },
        details: Ok(seen.details),
        tags: tags.map(Ok),
        described_at: seen.described_at,
    }))
}

/// Counts the records from a fresh list. Only the canary's evidence may be of a cache: it does no harm if it is late. The inner error
/// names a record that is not understood: it may be of a notebook that is down, so that no budget can be counted.
async fn tally(
    context: &Context,
    policy: &Policy,
    candidate: &Candidate,
    predecessor: Option<&NotebookRemediation>,
) -> Result<Result<Tally, Wait>, Error> {
    let open = context.records.open().await?;
    let mut records = Vec::with_capacity(open.len() + 1);
    let finished = predecessor.filter(|record| {
        let name = record.metadata.name.as_ref();
        open.iter()
            .all(|other| other.metadata.name.as_ref() != name)
    });
    for resource in open.iter().chain(finished) {
        match read_record(resource) {
            Ok(record) => records.push(record),
            Err(problem) => {
                let name = resource.metadata.name.as_deref().unwrap_or_default();
                return Ok(Err(Wait::unread(format!(
                    "nbr/{name} cannot be understood, so that no budget can be counted: {problem}"
                ))));
            }
        }
    }
    let mut tally = Tally::of(&policy.name, &records);
    if context
        .known
        .is_proven(&candidate.account, &candidate.region)
    {
        tally.prove(&candidate.account, &candidate.region);
    }
    Ok(Ok(tally))
}

/// Makes the record, in place of a finished one: the create is the lock.
async fn make(
    context: &Context,
    intent: Intent,
    owner: &Owner,
    predecessor: Option<NotebookRemediation>,
) -> Result<Claim, Error> {
    let taken = || {
        Claim::Waits(Wait::unread(
            "its record changed meanwhile; looking again".to_owned(),
        ))
    };
    if let Some(predecessor) = predecessor {
        // With its finalizer it would stay, as one that is being deleted.
        if has_finalizer(&predecessor) {
            return Ok(taken());
        }
        if let Written::Conflict = context.records.delete(&predecessor).await? {
            return Ok(taken());
        }
    }
    let spec = decide::write_intent(&intent);
    let Written::Done(created) = context
        .records
        .create(&intent.notebook, spec, owner)
        .await?
    else {
        return Ok(taken());
    };
    tracing::info!(
        policy = %intent.policy,
        record = created.metadata.name,
        account = %intent.notebook.account,
        region = %intent.notebook.region,
        notebook = intent.notebook.name,
        was_running = intent.was_running,
        recurrence = intent.recurrence,
        "claimed"
    );
    let created_at = created
        .metadata
        .creation_timestamp
        .as_ref()
        .map_or_else(Timestamp::now, |time| time.0);
    let record = Record::new(intent, created_at);
    // The watch tells of it a moment later: until then the next plan would name it again.
    context.known.add(
        RecordName::of(&record.intent.notebook).as_str(),
        record.clone(),
    );
    Ok(Claim::Made(Box::new(record)))
}
