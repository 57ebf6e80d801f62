//! execute *(writes)*: creates records for the notebooks in the plan, one at a time. Before each
//! claim, the notebook, the policies and the records are read again, bypassing every cache, and the
//! candidate is judged again.
//!
//! A candidate whose read hangs does not delay the others (promise P8). Its read continues beside
//! the claims of the others, and the next pass begins after the candidate at which this one ended.

mod breakers;
mod count;
mod reads;

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use self::reads::{Read, Reads};
pub(super) use self::{
    breakers::{Breakers, OPEN_FOR},
    count::Count,
};
use super::Context;
use crate::{
    decide::{
        self, Blocked, Candidate, Circumstances, Evaluate, Executed, Plan, Position, Usage, admit,
        take_next,
    },
    domain::{Access, Intent, Mode, Next, NotebookRef, PolicyName, Record, RecordName, WaitReason},
    kubernetes::{Owner, PolicyList, StoredRecord, Written, has_finalizer},
};

/// Time for the claims of a pass before it publishes its results. Reads in flight by then are still
/// awaited.
const CLAIMING: Duration = Duration::from_secs(5);

/// Reason why claims failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Error of the API server.
    #[error("records could not be read or created: {0}")]
    Records(#[from] kube::Error),
}

/// Result of judging a candidate.
enum Claim {
    Made(Box<Record>),
    Waits(Blocked),
}

/// Progress of the claims of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// All candidates were tried.
    Complete,
    /// All candidates were tried. A read failed, or something changed meanwhile, so a retry soon is
    /// worthwhile.
    ReadFailed,
    /// The pass ran out of time. Contains the position of the last candidate tried.
    Partial(Option<Position>),
}

/// Result of executing a plan.
pub(super) struct Execution {
    /// Created records, and claims that were blocked.
    pub(super) executed: Executed,
    /// Progress of the claims, or the error that ended them.
    pub(super) ended: Result<Progress, Error>,
}

/// Executes a plan: creates a record for each notebook that is still admitted at its turn.
pub(super) async fn execute(
    context: &Context,
    circumstances: Circumstances<'_>,
    plan: Plan,
    usage: Usage,
) -> Execution {
    let mut claims = Claims {
        context,
        circumstances,
        queue: plan.into_claims().collect(),
        executed: Executed::new(usage),
        reads: Reads::default(),
        last: None,
        progress: Progress::Complete,
    };
    let ended = claims.run().await;
    Execution {
        executed: claims.executed,
        ended,
    }
}

/// Claims of one pass.
struct Claims<'a> {
    context: &'a Context,
    circumstances: Circumstances<'a>,
    /// Candidates that were not tried yet.
    queue: VecDeque<Candidate>,
    executed: Executed,
    reads: Reads<'a>,
    /// Position of the last candidate taken from the queue.
    last: Option<Position>,
    progress: Progress,
}

impl Claims<'_> {
    async fn run(&mut self) -> Result<Progress, Error> {
        let deadline = Instant::now() + CLAIMING;
        while Instant::now() < deadline || self.reads.any_since_before(deadline) {
            self.begin_reads().await?;
            if self.reads.is_empty() {
                return Ok(self.progress.clone());
            }
            if let Some(read) = self.reads.next().await {
                self.claim(read).await?;
            }
        }
        // Reads that began after the deadline are dropped. The next pass tries their candidates.
        Ok(Progress::Partial(self.last.clone()))
    }

    /// Begins to read the next candidates, up to the room for reads.
    async fn begin_reads(&mut self) -> Result<(), Error> {
        while self.reads.has_room() {
            let Some(candidate) = self.next_candidate() else {
                break;
            };
            self.last = Some(candidate.position());
            if self
                .context
                .claim_breakers
                .is_open(&candidate.account, &candidate.region)
            {
                self.block(&candidate, unread(
                    "a notebook in this account and region could not be read a moment ago; claims are retried within a minute",
                ));
                continue;
            }
            let listed = self.context.recent_policies().await?;
            match access(&listed, &self.circumstances.policy.name, &candidate) {
                Ok(access) => self.reads.begin(self.context, candidate, access, listed),
                Err(wait) => self.block(&candidate, wait),
            }
        }
        Ok(())
    }

    /// Takes the next candidate whose account and region is not being read.
    fn next_candidate(&mut self) -> Option<Candidate> {
        let (reads, executed, circumstances) = (&self.reads, &self.executed, self.circumstances);
        take_next(
            &mut self.queue,
            |candidate| !reads.is_busy(candidate),
            |candidate| executed.admits(circumstances, candidate),
        )
    }

    async fn claim(&mut self, read: Read) -> Result<(), Error> {
        let candidate = read.candidate.clone();
        if read.notebook.is_err() {
            let breakers = &self.context.claim_breakers;
            breakers.open(&candidate.account, &candidate.region);
        }
        match judge(self.context, &self.circumstances.policy.name, read).await? {
            Claim::Made(record) => self.executed.add_claim(&record),
            Claim::Waits(wait) => self.block(&candidate, wait),
        }
        Ok(())
    }

    fn block(&mut self, candidate: &Candidate, wait: Blocked) {
        if let Next::Wait(WaitReason::ReadFailed | WaitReason::Superseded) = wait.next {
            self.progress = Progress::ReadFailed;
        }
        self.executed.add_blocked(candidate, wait);
    }
}

fn unread(message: &str) -> Blocked {
    Blocked::read_failed(message.to_owned())
}

fn superseded(message: &str) -> Blocked {
    Blocked::superseded(message.to_owned())
}

/// Returns the access to a candidate's account, if the policy still enforces there.
fn access(
    listed: &PolicyList,
    name: &PolicyName,
    candidate: &Candidate,
) -> Result<Access, Blocked> {
    let (Some(policy), Some(_)) = (listed.policies.get(name), listed.owners.get(name)) else {
        return Err(superseded("the policy was deleted or is invalid"));
    };
    if policy.mode != Mode::Enforce || policy.suspended {
        return Err(superseded(
            "the policy was suspended or is no longer in mode Enforce",
        ));
    }
    policy
        .access(&candidate.account)
        .cloned()
        .ok_or_else(|| superseded("the policy no longer names the account"))
}

/// Judges a candidate that was just read, and creates its record.
async fn judge(context: &Context, name: &PolicyName, read: Read) -> Result<Claim, Error> {
    let (candidate, listed) = (&read.candidate, &read.listed);
    let notebook = match read.notebook {
        Ok(Some(notebook)) => notebook,
        Ok(None) => {
            return Ok(Claim::Waits(superseded(
                "the notebook does not exist any more",
            )));
        }
        Err(failure) => {
            return Ok(Claim::Waits(unread(&format!(
                "the notebook could not be read just before its remediation: {}",
                failure.message
            ))));
        }
    };
    let (Some(policy), Some(owner)) = (listed.policies.get(name), listed.owners.get(name)) else {
        return Ok(Claim::Waits(superseded("the policy was deleted")));
    };
    let summary = &candidate.notebook.summary;
    let reference = NotebookRef::new(&candidate.account, &candidate.region, summary);
    let record = RecordName::of(&reference);
    // Claims are made one at a time in this process, over all policies, so that the count stays
    // true until the record is created. The count is put back only after the claim, because a claim
    // that fails half-way may have created a record that the count lacks.
    let mut turn = context.claims.lock().await;
    let predecessor = context.records.get_stored(record.as_str()).await?;
    let judge = |count: &Count| {
        let usage = count.usage(context, policy, candidate, predecessor.as_ref());
        admit(
            policy,
            (&listed.policies, &usage),
            (&candidate.account, &candidate.region),
            &notebook,
            (Timestamp::now(), Evaluate::Live),
        )
    };
    let recent = turn.take().filter(Count::is_recent);
    let admitted = recent.and_then(|count| Some((judge(&count).ok()?, count)));
    let (admitted, mut count) = if let Some((intent, count)) = admitted {
        (Ok(intent), count)
    } else {
        // A slot that was taken in an older count may be free by now.
        let count = Count::list(context).await?;
        (judge(&count), count)
    };
    let claim = match admitted {
        Ok(intent) => make(context, intent, owner, predecessor).await?,
        Err(wait) => Claim::Waits(wait),
    };
    if let Claim::Made(record) = &claim {
        count.add(record);
    }
    *turn = Some(count);
    Ok(claim)
}

/// Creates the record, in place of a finished record of the same notebook. The creation is the
/// lock.
async fn make(
    context: &Context,
    intent: Intent,
    owner: &Owner,
    predecessor: Option<StoredRecord>,
) -> Result<Claim, Error> {
    let taken = || {
        Claim::Waits(superseded(
            "the record changed meanwhile; the next pass looks again",
        ))
    };
    if let Some(predecessor) = predecessor.and_then(|stored| stored.decoded.ok()) {
        // With its finalizer, the predecessor would remain as a record under deletion.
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
    // The watch sees the record a moment later. Until then, the next plan would name its notebook
    // again.
    context.store.add_created(
        RecordName::of(&record.intent.notebook).as_str(),
        record.clone(),
    );
    Ok(Claim::Made(Box::new(record)))
}
