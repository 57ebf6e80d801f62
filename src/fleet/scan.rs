//! observe *(reads)*: lists the notebooks of a target, then describes those that changed, under the target's limit.

use std::{collections::HashMap, sync::Arc};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use jiff::Timestamp;

use super::{Freshness, Observer, OnMissing, deadline::Deadline};
use crate::{
    aws::TargetReader,
    domain::{Notebook, NotebookArn, NotebookSummary, ReadFailure, TargetState},
};

/// What a reading covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// When the reading begins.
    pub(super) started_at: Timestamp,
    /// Notebooks that were described earlier are described again, changed or not.
    pub(super) described_since: Timestamp,
    /// Tags are read too.
    pub(super) tags: bool,
}

/// A reading under way.
pub(super) struct Scan<'a> {
    pub(super) reader: &'a TargetReader,
    pub(super) scope: Scope,
    pub(super) deadline: Deadline<'a>,
    pub(super) observer: &'a dyn Observer,
    pub(super) on_missing: OnMissing,
}

/// Result of a reading.
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

impl Scope {
    /// Returns true if a reading of this scope is new and thorough enough. Notebooks that are described in turn, every few
    /// hours, do not matter: a reading that began a moment before their turn is as good.
    pub(super) fn suffices(self, freshness: Freshness, tags: bool) -> bool {
        let described = !freshness.full || self.described_since >= freshness.not_before;
        self.started_at >= freshness.not_before && described && (self.tags || !tags)
    }
}

impl Scan<'_> {
    /// Lists the target's notebooks and describes those that changed since they were last described.
    ///
    /// Notebooks that are not read by the deadline are in the result as unread: none is dropped, and none counts as read.
    pub(super) async fn run(&self, known: &[Arc<Notebook>]) -> ScanResult {
        let listed = self.deadline.wait(self.reader.list()).await;
        match listed.unwrap_or_else(|| Err(self.deadline.exceeded("the notebooks were not listed")))
        {
            Ok(summaries) => {
                let listed = ToDescribe::new(summaries, known, self.scope);
                self.observer.listed(listed.changed.len());
                self.describe(listed).await
            }
            Err(failure) => unlisted(&failure, known),
        }
    }

    async fn describe(&self, listed: ToDescribe) -> ScanResult {
        let described = listed.changed.len();
        let mut notebooks = Vec::with_capacity(described);
        let mut pending = listed.changed.into_iter();
        let mut in_flight = HashMap::new();
        let mut answers: FuturesUnordered<BoxFuture<'_, _>> = FuturesUnordered::new();
        loop {
            while answers.len() < self.reader.describes_in_flight() {
                let Some(summary) = pending.next() else { break };
                in_flight.insert(summary.arn.clone(), summary.clone());
                answers.push(read(self.reader, summary, self.scope.tags).boxed());
            }
            let Some(answer) = self.deadline.wait(answers.next()).await else {
                break;
            };
            let Some((arn, notebook)) = answer else { break };
            let summary = in_flight.remove(&arn);
            self.observer.described();
            let missing = || match (self.on_missing, summary) {
                (OnMissing::Report, Some(summary)) => Some(unread(summary, missing())),
                _ => None,
            };
            notebooks.extend(notebook.or_else(missing));
        }
        drop(answers);
        let failure = self.deadline.exceeded("it was not described");
        for summary in in_flight.into_values().chain(pending) {
            notebooks.push(unread(summary, failure.clone()));
        }
        // Unchanged notebooks were read, if earlier: a target is not refused because the rest of it is.
        let unchanged = listed.unchanged.len();
        let (mut outcomes, mut with_tags) = (Outcomes::new(unchanged), Outcomes::new(unchanged));
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

fn missing() -> ReadFailure {
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
    fn new(read: usize) -> Self {
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

    /// A target is as bad as its Describes where none succeeded, and throttled where the deadline was exceeded; where some
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
