//! The real functions. Each distinct input is evaluated once, and the result is kept.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::json;
use sudoless_core::{
    decide::{
        Budget, Decision, Desired, Evaluate, Observation, PartialRecord, Request, Row, Times,
        Usage, admit, desired, is_abandoned, on_response, step,
    },
    domain::{
        Access, Intent, Notebook, NotebookDetails, NotebookRef, NotebookStatus, NotebookSummary,
        PolicyName, ReadFailure, Record, RecordName, RecordState, RootAccess, TargetState,
        Timeouts, WaitReason, WriteOutcome,
    },
};

use crate::{
    mutation::Mutation,
    notebook::{Described, Modified, Saw, Seen, Status},
    policy::{ACCOUNT, Budgets, PolicyState},
    record::{Accepted, NOW, Rec, TIMES},
    scope::{Operators, Scope},
};

/// Time after which a record is adopted: the operator's times plus the longest lease.
const ABANDONED_AFTER: Duration = Duration::from_secs(135);

/// The `CreationTime` of each notebook.
const CREATED: Timestamp = Timestamp::constant(1_700_000_000, 0);

/// Notebooks and their budgets.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// Number of notebooks.
    pub notebooks: usize,
    /// True if each notebook is in its own region. Otherwise all are in one.
    pub apart: bool,
    /// Budgets of the policy.
    pub budgets: Budgets,
}

/// A decision: the record to write, and the request to send afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Record to write.
    pub record: Rec,
    /// Request to send.
    pub request: Option<Request>,
}

impl Decided {
    /// Returns the decision to keep the record and send nothing.
    #[must_use]
    pub fn nothing(record: Rec) -> Self {
        Self {
            record,
            request: None,
        }
    }
}

/// Records of all notebooks, as far as budgets and locks depend on them.
pub type Records = [Option<Rec>; 3];

/// Result of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The record is created.
    Admitted {
        /// `spec.wasRunning`.
        was_running: bool,
        /// `spec.recurrence`.
        recurrence: u8,
    },
    /// The notebook waits, for the finding's reason.
    Waits(WaitReason),
    /// There is nothing to do, or the notebook's record is unfinished.
    Not,
}

/// The product under test.
pub struct Product {
    /// The notebooks.
    pub fleet: Fleet,
    /// True if an operator adopts records without recent writes.
    pub adoption: bool,
    /// True if a write at the API server may be stored after its pass or claim has ended.
    pub stores_late: bool,
    /// Mutation of the product.
    pub mutation: Option<Mutation>,
    /// Rows of the table used so far.
    pub rows: BTreeSet<Row>,
    wishes: HashMap<(PolicyState, bool, bool, u8), Desired>,
    steps: HashMap<(Rec, Seen, Desired), Decided>,
    reactions: HashMap<Answered, Decided>,
    admissions: HashMap<(PolicyState, Candidate, Records), Admission>,
    budgets: HashMap<(PolicyState, usize, Records), Budget>,
}

/// Notebook to claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Index of the notebook.
    pub index: usize,
    /// True if an exemption matches the notebook.
    pub exempt: bool,
    /// True if the notebook's platform is retired.
    pub retired: bool,
    /// True if the notebook was described as `InService`.
    pub was_running: bool,
}

/// An answer, and the pass that gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answered {
    /// Record when the request was sent.
    pub record: Rec,
    /// Record as if the request had not been sent.
    pub unsent: Rec,
    /// Request that was sent.
    pub request: Request,
    /// Answer of AWS.
    pub answer: WriteOutcome,
    /// Reading of the pass.
    pub saw: Saw,
}

impl Product {
    /// Creates the product for the notebooks of a scope.
    #[must_use]
    pub fn new(scope: Scope, mutation: Option<Mutation>) -> Self {
        Self {
            fleet: scope.fleet,
            adoption: scope.operators == Operators::Shards,
            stores_late: scope.stores_late,
            mutation,
            rows: BTreeSet::new(),
            wishes: HashMap::new(),
            steps: HashMap::new(),
            reactions: HashMap::new(),
            admissions: HashMap::new(),
            budgets: HashMap::new(),
        }
    }

    /// Runs the real `wish`, or returns the result of a pass that cannot list policies.
    pub fn desired(
        &mut self,
        policy: PolicyState,
        (exempt, retired): (bool, bool),
        budget: Budget,
    ) -> Desired {
        if policy == PolicyState::Unlisted {
            return Desired::Unknown;
        }
        let budgets = self.fleet.budgets;
        *self
            .wishes
            .entry((policy, exempt, retired, budget as u8))
            .or_insert_with(|| {
                let record = Rec::new(true, 0).real(self::intent(0, true), None);
                let policies = policy.policies(exempt, budgets);
                let notebook = notebook(0, true, (true, retired));
                desired(&record, &notebook, &policies, budget, NOW)
            })
    }

    /// Runs the real `is_abandoned`: returns true if another operator runs passes over the record.
    #[must_use]
    pub fn adopts(&self, record: &Rec) -> bool {
        if !self.adoption || self.mutation == Some(Mutation::NoAdoption) {
            return false;
        }
        let writes = record.last_write.map(super::record::Age::instant);
        let touches = [Some(record.touched.instant()), writes];
        let touches: Vec<Timestamp> = touches.into_iter().flatten().collect();
        is_abandoned(&touches, ABANDONED_AFTER, NOW)
    }

    /// Runs the real `Progress::take_back_sent`: returns the record if its request is not sent.
    #[must_use]
    pub fn unsent(&self, record: Rec, before: Rec) -> Rec {
        if self.mutation == Some(Mutation::TakeAllBack) {
            return before;
        }
        let real = |record: Rec| record.real(intent(0, true), None).progress;
        let mut progress = real(record);
        progress.take_back_sent(&real(before));
        let taken_back = Rec {
            start_accepted: before.start_accepted,
            stop_may_follow: before.stop_may_follow,
            ..record
        };
        // The age of the record matters again if no request was sent so far.
        Rec {
            created: before.created,
            ..taken_back.with(&progress)
        }
    }

    /// Runs the real `step`.
    pub fn step(&mut self, record: Rec, seen: Seen, desired: Desired) -> Decided {
        if let Some(decided) = self.steps.get(&(record, seen, desired)) {
            return *decided;
        }
        let times = self.mutation.map_or(TIMES, Mutation::times);
        let decision = self.decide(record, seen, desired, None, &times);
        let noted = self.decide(record, seen, desired, Some(NOW), &times);
        assert_eq!(
            (decision.row, decision.request, with(record, &decision)),
            (noted.row, noted.request, with(record, &noted)),
            "it depends on what only the status shows"
        );
        assert_ne!(decision.row, Row::NoRow, "{record:?} {seen:?} {desired:?}");
        let is_foreign = record.state == RecordState::Unrecognized && record.stop_requested;
        let after = &decision.progress;
        assert!(
            !is_foreign
                || after.state == record.state
                || after.state.is_finished()
                || after.rollback_reason.is_some(),
            "what a later version stopped is brought back: {record}"
        );
        self.rows.insert(decision.row);
        let mut decided = Decided {
            record: with(record, &decision),
            request: decision.request,
        };
        if let Some(mutation) = self.mutation {
            mutation.spoil(decision.row, &record, &mut decided);
        }
        self.steps.insert((record, seen, desired), decided);
        decided
    }

    fn decide(
        &self,
        record: Rec,
        seen: Seen,
        desired: Desired,
        noted: Option<Timestamp>,
        times: &Times,
    ) -> Decision {
        let observation = self.observation(seen, &record);
        let record = record.real(intent(0, self.fleet.apart), noted);
        step(&record, &observation, desired, NOW, times)
    }

    /// Runs the real `answered`.
    pub fn on_response(&mut self, answer: Answered) -> Decided {
        if let Some(decided) = self.reactions.get(&answer) {
            return *decided;
        }
        let intent = || intent(0, self.fleet.apart);
        let record = answer.record.real(intent(), None);
        let before = answer.unsent.real(intent(), None);
        let at = |status| {
            Seen::At(Described {
                status,
                root_access: RootAccess::Enabled,
                modified: Modified::Since,
                is_another: false,
            })
        };
        let seen = match answer.saw {
            Saw::Failed => at(Status::Failed),
            Saw::InService => at(Status::InService),
            Saw::Other => at(Status::Stopped),
            Saw::Missing => Seen::Missing,
            Saw::Unreadable => Seen::Unreadable,
        };
        let seen = self.observation(seen, &answer.record);
        let request = (answer.request, answer.answer);
        let reaction = on_response(&record, &before.progress, request, &seen, NOW);
        let mut decided = Decided {
            record: answer.record.with(&reaction.progress),
            request: reaction.request,
        };
        if let Some(mutation) = self.mutation {
            mutation.spoil_reaction(&answer, &mut decided);
        }
        self.reactions.insert(answer, decided);
        decided
    }

    /// Runs the real `admit` for a notebook that was just described.
    pub fn admit(
        &mut self,
        policy: PolicyState,
        candidate: Candidate,
        records: Records,
    ) -> Admission {
        let records = self.as_listed(records);
        let fleet = self.fleet;
        *self
            .admissions
            .entry((policy, candidate, records))
            .or_insert_with(|| {
                let Candidate { index, exempt, .. } = candidate;
                let Some(own) = policy.policy(exempt, fleet.budgets) else {
                    return Admission::Not;
                };
                let state = (candidate.was_running, candidate.retired);
                let mut notebook = notebook(index, fleet.apart, state);
                if policy == PolicyState::TagsUnread {
                    notebook.tags = Some(Err(unread()));
                }
                let policies = policy.policies(exempt, fleet.budgets);
                let usage = usage(&records, fleet.apart);
                let place = intent(index, fleet.apart).notebook;
                match admit(
                    &own,
                    (&policies, &usage),
                    (&place.account, &place.region),
                    &notebook,
                    (NOW, Evaluate::Live),
                ) {
                    Ok(intent) => Admission::Admitted {
                        was_running: intent.was_running,
                        recurrence: u8::try_from(intent.recurrence).expect("it is small"),
                    },
                    Err(wait) => match wait.next {
                        sudoless_core::domain::Next::Wait(reason) => Admission::Waits(reason),
                        _ => Admission::Not,
                    },
                }
            })
    }

    /// Runs the real `Usage::budget` over all records.
    pub fn budget(&mut self, policy: PolicyState, index: usize, records: Records) -> Budget {
        if self.mutation == Some(Mutation::NoSecondCount) {
            return Budget::Kept;
        }
        let own = records[index];
        let mut records = self.as_listed(records);
        // The former behaviour: the notebook's own record counts in any case.
        if self.mutation == Some(Mutation::AttentionBeforeStop)
            && let (Some(listed), Some(own)) = (&mut records[index], own)
            && own.takes_a_slot()
        {
            listed.state = RecordState::Pending;
        }
        let fleet = self.fleet;
        *self
            .budgets
            .entry((policy, index, records))
            .or_insert_with(|| {
                let (Some(policy), Some(own)) =
                    (policy.policy(false, fleet.budgets), records[index])
                else {
                    return Budget::Kept;
                };
                let own = own.real(intent(index, fleet.apart), None);
                usage(&records, fleet.apart).budget(&policy, &own)
            })
    }

    /// Returns the result of a Describe, relative to a record.
    fn observation(&self, seen: Seen, record: &Rec) -> Observation {
        let Described {
            status,
            root_access,
            modified,
            is_another,
        } = match seen {
            Seen::Unreadable => return Observation::Unreadable,
            Seen::Missing => return Observation::Missing,
            Seen::At(described) => described,
        };
        let ignores_time = self.mutation == Some(Mutation::IgnoreModified);
        let ignores_creation = self.mutation == Some(Mutation::IgnoreCreation);
        let accepted = record.start_accepted.map(Accepted::instant);
        let last_modified = match modified {
            Modified::BeforeRecord => record.created_at() - Duration::from_hours(1),
            Modified::Since => accepted.unwrap_or(record.created_at()),
            Modified::AfterStart => NOW,
        };
        Observation::Described {
            status: named(status),
            root_access,
            created_at: Some(if is_another && !ignores_creation {
                CREATED + Duration::from_hours(1)
            } else {
                CREATED
            }),
            last_modified: (!ignores_time).then_some(last_modified),
        }
    }

    /// Reduces the records to the fields that a `Usage` depends on.
    fn as_listed(&self, records: Records) -> Records {
        records.map(|record| {
            record.map(|record| {
                let mut listed = Rec {
                    state: record.state,
                    stop_requested: record.stop_requested,
                    readable: record.readable,
                    ..Rec::new(record.was_running, record.recurrence)
                };
                if let Some(mutation) = self.mutation {
                    mutation.miscount(&mut listed);
                }
                listed
            })
        })
    }
}

fn with(record: Rec, decision: &Decision) -> Rec {
    record.with(&decision.progress)
}

/// Runs the real `Usage` over all records, including those that do not decode.
fn usage(records: &Records, apart: bool) -> Usage {
    let mut usage = Usage::of(&intent(0, apart).policy, []);
    for (index, record) in records.iter().enumerate() {
        let Some(record) = record else { continue };
        let real = record.real(intent(index, apart), None);
        if record.readable {
            usage.add(&real);
        } else {
            usage.add_partial(&partial(&real));
        }
    }
    usage
}

/// Returns the readable parts of a record that does not decode.
fn partial(record: &Record) -> PartialRecord {
    let notebook = &record.intent.notebook;
    let object = json!({
        "spec": {
            "policy": record.intent.policy.to_string(),
            "notebook": {
                "account": notebook.account.to_string(),
                "region": notebook.region.to_string(),
            },
            "wasRunning": record.intent.was_running,
        },
        "status": {"state": record.progress.state.as_str()},
    });
    let name = RecordName::of(notebook);
    PartialRecord::new(
        name.as_str(),
        &object,
        "a later version wrote it".to_owned(),
    )
}

fn intent(index: usize, apart: bool) -> Intent {
    let name = ["one", "two", "three"][index];
    let region = ["eu-west-1", "eu-west-2", "us-east-1"][if apart { index } else { 0 }];
    let minutes = Duration::from_mins;
    Intent {
        policy: PolicyName::from("no-root"),
        notebook: NotebookRef {
            arn: format!("arn:aws:sagemaker:{region}:{ACCOUNT}:notebook-instance/{name}")
                .as_str()
                .into(),
            account: ACCOUNT.parse().expect("it is an account"),
            region: region.parse().expect("it is a region"),
            name: name.to_owned(),
            created_at: Some(CREATED),
        },
        access: Access::default(),
        was_running: true,
        timeouts: Timeouts {
            stop: minutes(30),
            update: minutes(15),
            start: minutes(60),
        },
        recurrence: 0,
    }
}

/// Returns a notebook with root access. Its tags are unreadable, which matters only to policies
/// that use tags.
fn notebook(index: usize, apart: bool, (runs, retired): (bool, bool)) -> Notebook {
    let platform = if retired {
        "notebook-al2-v2"
    } else {
        "notebook-al2023-v1"
    };
    let place = intent(index, apart).notebook;
    let status = if runs {
        NotebookStatus::InService
    } else {
        NotebookStatus::Stopped
    };
    Notebook {
        summary: NotebookSummary {
            arn: place.arn,
            name: place.name,
            status: status.clone(),
            last_modified: None,
            lifecycle_config: None,
        },
        details: Ok(NotebookDetails {
            root_access: RootAccess::Enabled,
            status,
            lifecycle_config: None,
            platform: Some(platform.to_owned()),
            accelerators: Vec::new(),
            failure_reason: None,
            created_at: Some(CREATED),
            last_modified: None,
        }),
        tags: Some(Err(unread())),
        described_at: NOW,
    }
}

fn unread() -> ReadFailure {
    ReadFailure {
        state: TargetState::AccessDenied,
        message: "ListTags: AccessDenied".to_owned(),
    }
}

fn named(status: Status) -> NotebookStatus {
    match status {
        Status::Missing | Status::Deleting => NotebookStatus::Deleting,
        Status::Pending => NotebookStatus::Pending,
        Status::InService => NotebookStatus::InService,
        Status::Stopping => NotebookStatus::Stopping,
        Status::Stopped => NotebookStatus::Stopped,
        Status::Updating => NotebookStatus::Updating,
        Status::Failed => NotebookStatus::Failed,
        Status::MaintainedRunning | Status::MaintainedStopped => {
            NotebookStatus::Other("InMaintenance".to_owned())
        }
    }
}
