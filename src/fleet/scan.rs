//! observe *(reads)*: lists the notebooks of a target, then describes the changed ones under the
//! target's limit.

use std::{collections::HashMap, sync::Arc};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use jiff::Timestamp;

use super::{
    deadline::Deadline,
    observer::Observer,
    options::{Freshness, OnMissing},
};
use crate::{
    aws::TargetReader,
    domain::{Notebook, NotebookArn, NotebookSummary, ReadFailure, TargetState},
};

/// Coverage of a reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// Start of the reading.
    pub(super) started_at: Timestamp,
    /// Notebooks that were described earlier are described again, changed or not.
    pub(super) described_since: Timestamp,
    /// True if tags are read too.
    pub(super) tags: bool,
}

/// Reading in flight.
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
    /// State and message that include the reading of tags, if they differ.
    pub(super) with_tags: Option<(TargetState, Option<String>)>,
    pub(super) notebooks: Vec<Arc<Notebook>>,
    /// True if AWS listed these notebooks in this reading.
    pub(super) listed: bool,
    /// Number of notebooks that were to be described.
    pub(super) described: usize,
}

impl Scope {
    /// Returns true if a reading of this scope is new and thorough enough. Notebooks that are
    /// described in turn, every few hours, do not matter: a reading that began a moment before
    /// their turn is as good.
    pub(super) fn suffices(self, freshness: Freshness, tags: bool) -> bool {
        let described = !freshness.full || self.described_since >= freshness.not_before;
        self.started_at >= freshness.not_before && described && (self.tags || !tags)
    }
}

impl Scan<'_> {
    /// Lists the target's notebooks and describes those that changed since they were last
    /// described.
    ///
    /// The result has notebooks that were not read by the deadline as unread. None is dropped.
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
        // Unchanged notebooks count as read. A target is not refused because the rest of it is.
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

/// Returns the result for a target that could not be listed. Its known notebooks are `Unknown`.
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

/// Returns the same notebooks as unread.
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

/// Listed notebooks, divided by the need to describe them.
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

/// Returns true if nothing shows that the notebook changed since it was described.
///
/// Source: `LastModifiedTime` moves on stop and start, and root access can only be changed between
/// the two.
fn is_current(notebook: &Notebook, summary: &NotebookSummary, scope: Scope) -> bool {
    notebook.summary == *summary
        && summary.last_modified.is_some()
        && notebook.described_at >= scope.described_since
        // A notebook that changed between the two requests is described again.
        && notebook.details.as_ref().is_ok_and(|details| details.status == summary.status)
        && (!scope.tags || matches!(notebook.tags, Some(Ok(_))))
}

/// Describes a notebook, and reads its tags if they are needed. `None` means that the notebook is
/// gone, which is no error.
async fn read(
    reader: &TargetReader,
    summary: NotebookSummary,
    tags: bool,
) -> (NotebookArn, Option<Arc<Notebook>>) {
    let described_at = Timestamp::now();
    let details = reader.describe(&summary.name).await.map_err(of_one_listed);
    let tags = match (tags, &details) {
        (false, _) | (true, Ok(None)) => None,
        // The verdict is `Unknown` already. Another request would add nothing.
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

/// Corrects the state of a failure in a region that lists its notebooks. Such a region is enabled,
/// so that unrecognized keys are invalid.
fn of_one_listed(failure: ReadFailure) -> ReadFailure {
    match failure.state {
        TargetState::RegionDisabled => ReadFailure {
            state: TargetState::InvalidCredentials,
            ..failure
        },
        _ => failure,
    }
}

/// Outcomes of the Describes of a reading.
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

    /// Returns the target's state and message. It has the Describes' state if none succeeded, and
    /// is throttled if the deadline was exceeded. If some failed for other reasons, it counts as
    /// read, and their notebooks are `Unknown`.
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
