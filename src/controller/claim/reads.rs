//! Reads candidates again before they are claimed *(reads)*: one at a time, and more while AWS does
//! not answer.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{Instant, timeout};

use crate::{
    controller::{Context, sight::Sight},
    decide::{Candidate, Policies},
    domain::{Access, AccountId, Notebook, NotebookSummary, ReadFailure, Region, TargetKey},
    kubernetes::PolicyList,
};

/// Timeout of reading a candidate.
const PATIENCE: Duration = Duration::from_secs(10);

/// Wait for an answer after which further candidates are read at the same time.
const SLOW: Duration = Duration::from_millis(500);

/// Upper limit on reads that begin together. The number doubles each time no read is answered
/// within `SLOW`. Many hanging targets are passed within seconds. A target that answers is read
/// alone, so that no read is wasted when a budget is exhausted.
const MOST_TOGETHER: usize = 16;

/// Upper limit on reads in client. Hanging reads must leave permits for scans and remediations.
const MOST_UNDER_WAY: usize = 64;

/// Candidates being read.
pub(super) struct Reads<'a> {
    under_way: FuturesUnordered<BoxFuture<'a, Read>>,
    /// Start of the read of each account and region. Only one is in flight in each, because others
    /// would hang with it.
    begun_at: HashMap<(AccountId, Region), Instant>,
    /// Number of reads that begin together.
    together: usize,
    /// Number of reads that may begin now.
    room: usize,
}

/// Candidate that was read.
pub(super) struct Read {
    pub(super) candidate: Candidate,
    /// Policies, listed just before the read.
    pub(super) listed: Arc<PolicyList>,
    /// Present notebook, or `None` if it does not exist any more.
    pub(super) notebook: Result<Option<Notebook>, ReadFailure>,
}

impl Default for Reads<'_> {
    fn default() -> Self {
        Self {
            under_way: FuturesUnordered::new(),
            begun_at: HashMap::new(),
            together: 1,
            room: 1,
        }
    }
}

impl<'a> Reads<'a> {
    /// Returns true if no read is in client.
    pub(super) fn is_empty(&self) -> bool {
        self.begun_at.is_empty()
    }

    /// Returns true if another read may begin now.
    pub(super) fn has_room(&self) -> bool {
        self.room > 0 && self.begun_at.len() < MOST_UNDER_WAY
    }

    /// Returns true if a read of the candidate's account and region is in client.
    pub(super) fn is_busy(&self, candidate: &Candidate) -> bool {
        self.begun_at.contains_key(&place(candidate))
    }

    /// Returns true if a read that began before an instant is in client.
    pub(super) fn any_since_before(&self, instant: Instant) -> bool {
        self.begun_at.values().any(|begun_at| *begun_at < instant)
    }

    /// Begins to read a candidate.
    pub(super) fn begin(
        &mut self,
        context: &'a Context,
        candidate: Candidate,
        access: Access,
        listed: Arc<PolicyList>,
    ) {
        self.room = self.room.saturating_sub(1);
        self.begun_at.insert(place(&candidate), Instant::now());
        let reading = async move {
            let notebook = read(context, access, &listed.policies, &candidate).await;
            Read {
                candidate,
                listed,
                notebook,
            }
        };
        self.under_way.push(reading.boxed());
    }

    /// Returns the next candidate that was read, or `None` after a while without an answer, when
    /// further reads may begin.
    pub(super) async fn next(&mut self) -> Option<Read> {
        let answered = timeout(SLOW, self.under_way.next()).await.ok().flatten();
        self.together = match &answered {
            Some(read) => {
                self.begun_at.remove(&place(&read.candidate));
                1
            }
            None => MOST_TOGETHER.min(2 * self.together),
        };
        self.room = self.together;
        answered
    }
}

fn place(candidate: &Candidate) -> (AccountId, Region) {
    (candidate.account.clone(), candidate.region.clone())
}

/// Describes a candidate again, and reads its tags if a policy uses tags. Returns `None` if the
/// notebook does not exist any more.
async fn read(
    context: &Context,
    access: Access,
    policies: &Policies,
    candidate: &Candidate,
) -> Result<Option<Notebook>, ReadFailure> {
    let begun_at = Instant::now();
    let key = TargetKey {
        account: candidate.account.clone(),
        region: candidate.region.clone(),
        access,
    };
    let client = context.target_clients.reach(&key, &context.aws);
    let sight = || Sight {
        context,
        client: &client,
        patience: PATIENCE.saturating_sub(begun_at.elapsed()),
    };
    let summary = &candidate.notebook.summary;
    let Some(seen) = sight().describe(&summary.name).await? else {
        return Ok(None);
    };
    let tags = sight().tags(policies, &summary.arn).await.transpose()?;
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
