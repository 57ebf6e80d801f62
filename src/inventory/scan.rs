//! observe *(reads)*: one reading of one target.

use std::{collections::HashMap, sync::Arc};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use jiff::Timestamp;

use super::{Observer, Vanished, flight::Scope, patience::Patience};
use crate::{
    aws::TargetReader,
    domain::{Notebook, NotebookArn, NotebookSummary, ReadFailure, TargetState},
};

/// How a reading is done.
pub(super) struct Terms<'a> {
    pub(super) patience: Patience<'a>,
    pub(super) observer: &'a dyn Observer,
    pub(super) vanished: Vanished,
}

/// What came of it.
pub(super) struct ScanResult {
    pub(super) state: TargetState,
    pub(super) message: Option<String>,
    /// State and message with the reading of tags counted in, where that makes a difference.
    pub(super) with_tags: Option<(TargetState, Option<String>)>,
    pub(super) notebooks: Vec<Arc<Notebook>>,
    /// Whether the notebooks are those that AWS listed now.
    pub(super) listed: bool,
    /// How many notebooks were described.
    pub(super) described: usize,
}

/// Lists the target's notebooks and describes those that changed since they were last described.
///
/// What cannot be read in time is there as unread: nothing is dropped, and nothing counts as read that was not.
pub(super) async fn scan(
    reader: &TargetReader,
    known: &[Arc<Notebook>],
    scope: Scope,
    terms: &Terms<'_>,
) -> ScanResult {
    let patience = &terms.patience;
    let listed = patience.wait(reader.list()).await;
    match listed.unwrap_or_else(|| Err(patience.ended("the notebooks were not listed"))) {
        Ok(summaries) => {
            let listed = ToDescribe::new(summaries, known, scope);
            terms.observer.listed(listed.changed.len());
            describe(reader, listed, terms).await
        }
        Err(failure) => unlisted(&failure, known),
    }
}

/// A target that could not be listed: what was there is Unknown now, and shown as such.
fn unlisted(failure: &ReadFailure, known: &[Arc<Notebook>]) -> ScanResult {
    let disabled = failure.state == TargetState::RegionDisabled;
    let known = if disabled { &[] } else { known };
    ScanResult {
        state: failure.state,
        message: Some(failure.message.clone()),
        with_tags: None,
        listed: false,
        notebooks: all_unread(known, failure),
        described: 0,
    }
}

/// The same notebooks, each of them unread.
pub(super) fn all_unread(known: &[Arc<Notebook>], failure: &ReadFailure) -> Vec<Arc<Notebook>> {
    let unread = known.iter().map(|notebook| {
        Arc::new(Notebook {
            summary: notebook.summary.clone(),
            details: Err(failure.clone()),
            tags: notebook.tags.clone(),
            described_at: notebook.described_at,
        })
    });
    unread.collect()
}

/// What has to be described, and what need not be.
struct ToDescribe {
    unchanged: Vec<Arc<Notebook>>,
    changed: Vec<NotebookSummary>,
    tags: bool,
}

impl ToDescribe {
    fn new(summaries: Vec<NotebookSummary>, known: &[Arc<Notebook>], scope: Scope) -> Self {
        let known: HashMap<_, _> = known
            .iter()
            .map(|notebook| (&notebook.summary.arn, notebook))
            .collect();
        let mut divided = Self {
            unchanged: Vec::new(),
            changed: Vec::new(),
            tags: scope.tags,
        };
        for summary in summaries {
            match known.get(&summary.arn) {
                Some(notebook) if is_current(notebook, &summary, scope) => {
                    divided.unchanged.push(Arc::clone(notebook));
                }
                _ => divided.changed.push(summary),
            }
        }
        divided
    }
}

/// Whether nothing says that the notebook changed since it was described.
///
/// Source: `LastModifiedTime` moves on stop and start, and root access can only be changed between the two.
fn is_current(notebook: &Notebook, summary: &NotebookSummary, scope: Scope) -> bool {
    notebook.summary == *summary
        && summary.last_modified.is_some()
        && notebook.described_at >= scope.described_since
        // One that changed between the two requests is looked at again.
        && notebook.details.as_ref().is_ok_and(|details| details.status == summary.status)
        && (!scope.tags || matches!(notebook.tags, Some(Ok(_))))
}

async fn describe(reader: &TargetReader, listed: ToDescribe, terms: &Terms<'_>) -> ScanResult {
    let patience = &terms.patience;
    let described = listed.changed.len();
    let mut notebooks = Vec::with_capacity(described);
    let mut pending = listed.changed.into_iter();
    let mut in_flight = HashMap::new();
    let mut answers: FuturesUnordered<BoxFuture<'_, _>> = FuturesUnordered::new();
    loop {
        while answers.len() < reader.describes_in_flight() {
            let Some(summary) = pending.next() else { break };
            in_flight.insert(summary.arn.clone(), summary.clone());
            answers.push(read(reader, summary, listed.tags).boxed());
        }
        let Some(answer) = patience.wait(answers.next()).await else {
            break;
        };
        let Some((arn, notebook)) = answer else { break };
        let summary = in_flight.remove(&arn);
        terms.observer.described();
        let gone = || match (terms.vanished, summary) {
            (Vanished::Unread, Some(summary)) => Some(unread(summary, vanished())),
            _ => None,
        };
        notebooks.extend(notebook.or_else(gone));
    }
    drop(answers);
    let failure = patience.ended("it was not described");
    for summary in in_flight.into_values().chain(pending) {
        notebooks.push(unread(summary, failure.clone()));
    }
    // What did not change was read, if earlier: a target is not refused because the rest of it is.
    let unchanged = listed.unchanged.len();
    let (mut outcomes, mut with_tags) = (Outcomes::of(unchanged), Outcomes::of(unchanged));
    for notebook in &notebooks {
        let details = notebook.details.as_ref().err();
        let tags = notebook.tags.as_ref().and_then(|tags| tags.as_ref().err());
        outcomes.count(details);
        with_tags.count(details.or(tags));
    }
    notebooks.extend(listed.unchanged);
    notebooks.sort_by(|one, other| one.summary.name.cmp(&other.summary.name));
    let (outcome, with_tags) = (outcomes.into_state(), with_tags.into_state());
    ScanResult {
        with_tags: (with_tags != outcome).then_some(with_tags),
        state: outcome.0,
        message: outcome.1,
        notebooks,
        listed: true,
        described,
    }
}

/// Describes one, and reads its tags where they are wanted. `None`: it is gone, which is no error.
async fn read(
    reader: &TargetReader,
    summary: NotebookSummary,
    tags: bool,
) -> (NotebookArn, Option<Arc<Notebook>>) {
    let described_at = Timestamp::now();
    let details = reader.describe(&summary.name).await.map_err(of_one_listed);
    let tags = match (tags, &details) {
        (false, _) | (true, Ok(None)) => None,
        // Its verdict is Unknown already: another request would tell nothing.
        (true, Err(failure)) => Some(Err(failure.clone())),
        (true, Ok(Some(_))) => Some(reader.tags(&summary.arn).await.map_err(of_one_listed)),
    };
    let arn = summary.arn.clone();
    let notebook = match (details.transpose(), tags.map(Result::transpose)) {
        (None, _) | (_, Some(None)) => None,
        (Some(details), Some(Some(tags))) => Some((details, Some(tags))),
        (Some(details), None) => Some((details, None)),
    };
    let notebook = notebook.map(|(details, tags)| {
        Arc::new(Notebook {
            summary,
            details,
            tags,
            described_at,
        })
    });
    (arn, notebook)
}

fn unread(summary: NotebookSummary, failure: ReadFailure) -> Arc<Notebook> {
    Arc::new(Notebook {
        summary,
        details: Err(failure),
        tags: None,
        described_at: Timestamp::now(),
    })
}

fn vanished() -> ReadFailure {
    ReadFailure {
        state: TargetState::Unreachable,
        message: "it was listed, and then it was not there: it was deleted meanwhile, or AWS contradicts itself".to_owned(),
    }
}

/// A region that lists its notebooks is enabled: there, keys that are not recognized are bad ones.
fn of_one_listed(failure: ReadFailure) -> ReadFailure {
    match failure.state {
        TargetState::RegionDisabled => ReadFailure {
            state: TargetState::InvalidCredentials,
            ..failure
        },
        _ => failure,
    }
}

/// How the Describes of a reading went.
#[derive(Default)]
struct Outcomes {
    read: usize,
    failed: usize,
    first: Option<ReadFailure>,
    throttled: Option<ReadFailure>,
}

impl Outcomes {
    fn of(read: usize) -> Self {
        Self {
            read,
            ..Self::default()
        }
    }

    fn count(&mut self, failure: Option<&ReadFailure>) {
        let Some(failure) = failure else {
            self.read += 1;
            return;
        };
        self.failed += 1;
        let place = if failure.state == TargetState::Throttled {
            &mut self.throttled
        } else {
            &mut self.first
        };
        if place
            .as_ref()
            .is_none_or(|known| failure.message < known.message)
        {
            *place = Some(failure.clone());
        }
    }

    /// A target is as bad as its Describes where none succeeded, and throttled where patience did not suffice; where some
    /// failed for other reasons it is read, and those notebooks are Unknown.
    fn into_state(self) -> (TargetState, Option<String>) {
        match (self.throttled, self.first) {
            (Some(failure), _) => (failure.state, Some(failure.message)),
            (None, None) => (TargetState::Scanned, None),
            (None, Some(failure)) if self.read == 0 => (failure.state, Some(failure.message)),
            (None, Some(failure)) => {
                let notebooks = if self.failed == 1 {
                    "notebook"
                } else {
                    "notebooks"
                };
                let message = format!(
                    "{} {notebooks} could not be read: {}",
                    self.failed, failure.message
                );
                (TargetState::Scanned, Some(message))
            }
        }
    }
}
