//! The real functions: each distinct input is given to them once, and what they said is kept.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use sudoless::{
    decide::{
        Budget, Decision, Horizon, Request, Row, Sighting, Tally, Times, Wish, admit, answered,
        step, wish,
    },
    domain::{
        Access, AnswerKind, Intent, Notebook, NotebookDetails, NotebookRef, NotebookStatus,
        NotebookSummary, PolicyName, ReadFailure, Record, RootAccess, TargetState, Timeouts,
        WaitReason,
    },
};

use crate::{
    mutation::Mutation,
    notebook::{Saw, Seen, Status},
    policy::{ACCOUNT, Budgets, PolicyState},
    record::{NOW, Rec, TIMES},
};

/// Which notebooks there are, and how many may be down.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// How many.
    pub notebooks: usize,
    /// Whether each is in a region of its own; else all are in one.
    pub apart: bool,
    /// The budgets.
    pub budgets: Budgets,
}

/// What is decided: the record to write, and what to send then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The record.
    pub record: Rec,
    /// The request.
    pub request: Option<Request>,
}

/// What the records of all notebooks are, as far as budgets and locks go.
pub type Records = [Option<Rec>; 3];

/// What a claim came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is made.
    Admitted {
        /// `spec.wasRunning`.
        was_running: bool,
        /// `spec.recurrence`.
        recurrence: u8,
    },
    /// It waits, and the finding says why.
    Waits(WaitReason),
    /// There is nothing to be done about it, or its record is under way.
    Not,
}

/// The product.
pub struct Product {
    /// The notebooks.
    pub fleet: Fleet,
    /// What is broken in it.
    pub mutation: Option<Mutation>,
    /// Rows of the table that were used.
    pub rows: BTreeSet<Row>,
    wishes: HashMap<(PolicyState, bool, bool), Wish>,
    steps: HashMap<(Rec, Seen, Wish), Decided>,
    reactions: HashMap<Answered, Decided>,
    admissions: HashMap<(PolicyState, bool, bool, usize, Records), Admission>,
    excesses: HashMap<(PolicyState, usize, Records), bool>,
}

/// An answer, and the pass that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answered {
    /// The record as it was when the request was sent.
    pub record: Rec,
    /// The record before a first Stop.
    pub before: Option<Rec>,
    /// What was sent.
    pub request: Request,
    /// What came back.
    pub answer: AnswerKind,
    /// What the pass had seen.
    pub saw: Saw,
}

impl Product {
    /// The product, for some notebooks.
    #[must_use]
    pub fn new(fleet: Fleet, mutation: Option<Mutation>) -> Self {
        Self {
            fleet,
            mutation,
            rows: BTreeSet::new(),
            wishes: HashMap::new(),
            steps: HashMap::new(),
            reactions: HashMap::new(),
            admissions: HashMap::new(),
            excesses: HashMap::new(),
        }
    }

    /// The real `wish`.
    pub fn wish(&mut self, policy: PolicyState, exempt: bool, exceeded: bool) -> Wish {
        let budgets = self.fleet.budgets;
        *self
            .wishes
            .entry((policy, exempt, exceeded))
            .or_insert_with(|| {
                let record = Rec::new(true, 0).real(self::intent(0, true), None);
                let budget = if exceeded {
                    Budget::Exceeded
                } else {
                    Budget::Kept
                };
                let policies = policy.policies(exempt, budgets);
                wish(&record, &notebook(0, true, true), &policies, budget, NOW)
            })
    }

    /// The real `step`.
    pub fn step(&mut self, record: Rec, seen: Seen, wish: Wish) -> Decided {
        if let Some(decided) = self.steps.get(&(record, seen, wish)) {
            return *decided;
        }
        let times = self.mutation.map_or(TIMES, Mutation::times);
        let decision = self.decide(record, seen, wish, None, &times);
        let noted = self.decide(record, seen, wish, Some(NOW), &times);
        assert_eq!(
            (decision.row, decision.request, with(record, &decision)),
            (noted.row, noted.request, with(record, &noted)),
            "it depends on what only the status shows"
        );
        assert_ne!(decision.row, Row::NoRow, "{record:?} {seen:?} {wish:?}");
        self.rows.insert(decision.row);
        let mut decided = Decided {
            record: with(record, &decision),
            request: decision.request,
        };
        if let Some(mutation) = self.mutation {
            mutation.spoil(&record, &mut decided);
        }
        self.steps.insert((record, seen, wish), decided);
        decided
    }

    fn decide(
        &self,
        record: Rec,
        seen: Seen,
        wish: Wish,
        noted: Option<Timestamp>,
        times: &Times,
    ) -> Decision {
        let record = record.real(intent(0, self.fleet.apart), noted);
        step(&record, &sighting(seen), wish, NOW, times)
    }

    /// The real `answered`.
    pub fn answered(&mut self, answer: Answered) -> Decided {
        if let Some(decided) = self.reactions.get(&answer) {
            return *decided;
        }
        let intent = || intent(0, self.fleet.apart);
        let record = answer.record.real(intent(), None);
        let before = answer.before.unwrap_or(answer.record).real(intent(), None);
        let status = match answer.saw {
            Saw::Failed => Status::Failed,
            Saw::InService => Status::InService,
            Saw::Other => Status::Stopped,
        };
        let seen = sighting(Seen::At(status, RootAccess::Enabled));
        let request = (answer.request, answer.answer);
        let reaction = answered(&record, &before.progress, request, &seen, NOW);
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

    /// The real `admit`, of a notebook that was just described.
    pub fn admit(
        &mut self,
        policy: PolicyState,
        (index, exempt, was_running): (usize, bool, bool),
        records: Records,
    ) -> Admission {
        let records = self.as_listed(records);
        let fleet = self.fleet;
        *self
            .admissions
            .entry((policy, exempt, was_running, index, records))
            .or_insert_with(|| {
                let Some(own) = policy.policy(exempt, fleet.budgets) else {
                    return Admission::Not;
                };
                let mut notebook = notebook(index, fleet.apart, was_running);
                if policy == PolicyState::TagsUnread {
                    notebook.tags = Some(Err(unread()));
                }
                let policies = policy.policies(exempt, fleet.budgets);
                let tally = Tally::of(&own.name, &real(&records, fleet.apart));
                let place = intent(index, fleet.apart).notebook;
                match admit(
                    &own,
                    (&policies, &tally),
                    (&place.account, &place.region),
                    &notebook,
                    (NOW, Horizon::Now),
                ) {
                    Ok(intent) => Admission::Admitted {
                        was_running: intent.was_running,
                        recurrence: u8::try_from(intent.recurrence).expect("it is small"),
                    },
                    Err(wait) => match wait.next {
                        sudoless::domain::Next::Wait(reason) => Admission::Waits(reason),
                        _ => Admission::Not,
                    },
                }
            })
    }

    /// The real `Tally::exceeds`, over all records.
    pub fn exceeds(&mut self, policy: PolicyState, index: usize, records: Records) -> bool {
        let records = self.as_listed(records);
        let fleet = self.fleet;
        let exceeds = *self
            .excesses
            .entry((policy, index, records))
            .or_insert_with(|| {
                policy.policy(false, fleet.budgets).is_some_and(|policy| {
                    let place = intent(index, fleet.apart).notebook;
                    let records = real(&records, fleet.apart);
                    let own = records
                        .iter()
                        .find(|record| record.intent.notebook == place);
                    own.is_some_and(|own| {
                        Tally::of(&policy.name, &records).budget(&policy, own) != Budget::Kept
                    })
                })
            });
        exceeds && self.mutation != Some(Mutation::NoSecondCount)
    }

    /// What a `Tally` depends on, and nothing else.
    fn as_listed(&self, records: Records) -> Records {
        records.map(|record| {
            record.map(|record| {
                let mut listed = Rec {
                    state: record.state,
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

fn real(records: &Records, apart: bool) -> Vec<Record> {
    records
        .iter()
        .enumerate()
        .filter_map(|(index, record)| Some(record.as_ref()?.real(intent(index, apart), None)))
        .collect()
}

fn intent(index: usize, apart: bool) -> Intent {
    let name = ["one", "two", "three"][index];
    let region = ["eu-west-1", "eu-west-2", "us-east-1"][if apart { index } else { 0 }];
    let minutes = std::time::Duration::from_mins;
    Intent {
        policy: PolicyName::from("no-root"),
        notebook: NotebookRef {
            arn: format!("arn:aws:sagemaker:{region}:{ACCOUNT}:notebook-instance/{name}")
                .as_str()
                .into(),
            account: ACCOUNT.parse().expect("it is an account"),
            region: region.parse().expect("it is a region"),
            name: name.to_owned(),
            created_at: None,
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

/// One with root; tags could not be read, which matters only to who speaks of them.
fn notebook(index: usize, apart: bool, runs: bool) -> Notebook {
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
            platform: Some("notebook-al2023-v1".to_owned()),
            accelerators: Vec::new(),
            failure_reason: None,
            created_at: None,
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

fn sighting(seen: Seen) -> Sighting {
    let (status, root_access) = match seen {
        Seen::Unreadable => return Sighting::Unreadable,
        Seen::Missing | Seen::At(Status::Missing, _) => return Sighting::Missing,
        Seen::At(status, root_access) => (status, root_access),
    };
    let status = match status {
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
    };
    Sighting::Seen {
        status,
        root_access,
        created_at: None,
        last_modified: None,
    }
}
