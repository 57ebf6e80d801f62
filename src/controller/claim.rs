//! claim *(writes)*: makes records for the notebooks that the plan names, one at a time, each judged once more by what is read just
//! then: notebook, policies and records, past every cache.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Context, sight::Sight, stored::read_stored};
use crate::{
    decide::{self, Candidate, Horizon, Planner, Policies, Tally, Wait, admit},
    domain::{
        Access, Intent, Mode, Next, Notebook, NotebookRef, NotebookSummary, Policy, PolicyName,
        ReadFailure, Record, RecordName, TargetKey, WaitReason,
    },
    kubernetes::{Owner, StoredRecord, Written, has_finalizer},
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
    ReadFailed,
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
                if wait.next == Next::Wait(WaitReason::ReadFailed) {
                    progress = Progress::ReadFailed;
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
    let unread = |message: &str| Ok(Claim::Waits(Wait::read_failed(message.to_owned())));
    let superseded = |message: &str| Ok(Claim::Waits(Wait::superseded(message.to_owned())));
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
        return superseded("the policy is not there any more, or not understood");
    };
    if policy.mode != Mode::Enforce || policy.suspended {
        return superseded("the policy does not enforce any more");
    }
    let account = policy
        .accounts
        .iter()
        .find(|account| account.id == candidate.account);
    let Some(account) = account else {
        return superseded("the policy does not name its account any more");
    };
    let notebook = match reread(context, &account.access, &listed.policies, candidate).await {
        Ok(Some(notebook)) => notebook,
        Ok(None) => return superseded("it does not exist any more"),
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
        .get_stored(RecordName::of(&reference).as_str())
        .await?;
    let tally = tally(context, policy, candidate, predecessor.as_ref()).await?;
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

/// Counts the records from a fresh list. Only the canary's evidence may be of a cache: it does no harm if it is late.
async fn tally(
    context: &Context,
    policy: &Policy,
    candidate: &Candidate,
    predecessor: Option<&StoredRecord>,
) -> Result<Tally, Error> {
    let open = context.records.open().await?;
    let finished = predecessor.filter(|record| open.iter().all(|other| other.name != record.name));
    let mut tally = Tally::of(&policy.name, []);
    for stored in open.iter().chain(finished) {
        match read_stored(stored) {
            Ok(record) => tally.add(&record),
            Err(partial) => tally.add_partial(&partial),
        }
    }
    if context
        .known
        .is_proven(&candidate.account, &candidate.region)
    {
        tally.prove(&candidate.account, &candidate.region);
    }
    Ok(tally)
}

/// Makes the record, in place of a finished one: the create is the lock.
async fn make(
    context: &Context,
    intent: Intent,
    owner: &Owner,
    predecessor: Option<StoredRecord>,
) -> Result<Claim, Error> {
    let taken = || {
        Claim::Waits(Wait::superseded(
            "its record changed meanwhile; looking again".to_owned(),
        ))
    };
    if let Some(predecessor) = predecessor.and_then(|stored| stored.decoded.ok()) {
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
    context.known.add_created(
        RecordName::of(&record.intent.notebook).as_str(),
        record.clone(),
    );
    Ok(Claim::Made(Box::new(record)))
}
