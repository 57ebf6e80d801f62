//! One notebook: what AWS holds, what is under way to it, its record, and the passes that are at it.

use sudoless_core::{
    decide::Request,
    domain::{AnswerKind, Call, RootAccess},
};

use crate::{
    policy::PolicyState,
    record::{Accepted, Rec},
};

/// A notebook and all that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Notebook {
    /// Its status at AWS.
    pub status: Status,
    /// Its `LastModifiedTime`, which moves with its status.
    pub modified: Modified,
    /// Whether its users have root, at AWS.
    pub has_root: bool,
    /// Whether AWS retired its platform: it is not started any more, as the operator can tell.
    pub retired: bool,
    /// Whether it was created again since its record was: its `CreationTime` is another one.
    pub is_another: bool,
    /// Writes of ours that may still arrive, by [`Call::ALL`].
    pub on_the_way: [u8; 3],
    /// Whether the newest of each was sent a minute ago: another minute, and it has arrived or is lost.
    pub must_arrive: [bool; 3],
    /// What AWS refuses or does not tell, until further notice.
    pub refused: Refused,
    /// Whether an exemption matches it.
    pub exempt: bool,
    /// Its record.
    pub record: Option<Rec>,
    /// Passes over the record: of the operator that leads, and of another one, or of a write that is stored late.
    pub passes: [Option<Pass>; 2],
    /// Claims of it that are under way, in the same order.
    pub claims: [Option<Claim>; 2],
    /// Of the search: a Stop of ours took it down, and it did not run since (promise P2).
    pub owed: bool,
    /// Of the search: its owner took it down while nobody was about to stop it, and it did not run since (promise P3).
    pub owner_stopped: bool,
}

/// A status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "AWS's words")]
pub enum Status {
    Missing,
    Pending,
    InService,
    Stopping,
    Stopped,
    Updating,
    Failed,
    Deleting,
    /// `InMaintenance`, and running afterwards.
    MaintainedRunning,
    /// `InMaintenance`, and stopped afterwards.
    MaintainedStopped,
}

/// When the notebook was last modified, as far as its record's decisions depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Modified {
    /// More than two minutes before the record was created.
    BeforeRecord,
    /// Since then.
    Since,
    /// Ten minutes or more after the Start that the record names as accepted.
    AfterStart,
}

/// What AWS refuses, or leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Refused {
    /// By [`Call::ALL`].
    pub calls: [bool; 3],
    /// Describe.
    pub describe: bool,
    /// `RootAccess` is absent in the answer.
    pub root_access: bool,
}

/// What a pass saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// No answer.
    Unreadable,
    /// There is none.
    Missing,
    /// It was described.
    At(Described),
}

/// What AWS tells of a notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "as in `Notebook`")]
pub struct Described {
    pub status: Status,
    pub root_access: RootAccess,
    pub modified: Modified,
    pub is_another: bool,
}

/// A pass over a record. Reading record and notebook is one step: had the record changed in between, the write would be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    /// It decided, and is about to write `next`.
    Decided {
        /// The record to write.
        next: Rec,
        /// What is sent then.
        request: Option<Request>,
        /// Whether it saw the notebook in status Failed.
        failed: bool,
        /// Whether it may not send anything any more.
        fenced: bool,
    },
    /// The record is durable, and the request about to be sent.
    Noted {
        /// The record to write if it is not sent. What it says of requests is how that was before this one was noted.
        unsent: Rec,
        /// What is sent.
        request: Request,
        /// Whether it saw the notebook in status Failed.
        failed: bool,
        /// Whether nobody wrote the record since.
        current: bool,
        /// Whether it may not send anything any more.
        fenced: bool,
    },
    /// A first Stop was refused for the status, and the notebook is about to be described again.
    Refused {
        /// As in `Noted`.
        unsent: Rec,
    },
    /// The API server did not answer a write, and stores it within a minute, or never.
    Late {
        /// The record to write.
        next: Rec,
    },
}

/// What of a reading matters for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "statuses")]
pub enum Saw {
    InService,
    Failed,
    Missing,
    Unreadable,
    Other,
}

/// A claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// It was described, with root, in one of the two statuses that are claimed.
    Described {
        /// Whether it was `InService`.
        was_running: bool,
    },
    /// The records were listed, and it was admitted; the record is about to be created.
    Admitted {
        /// `spec.wasRunning`.
        was_running: bool,
        /// `spec.recurrence`.
        recurrence: u8,
    },
}

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The notebook afterwards.
    pub notebook: Notebook,
    /// What happens.
    pub what: &'static str,
    /// How many faults it is: zero or one.
    pub faults: u8,
    /// The promise that it breaks.
    pub broken: Option<&'static str>,
}

impl Notebook {
    /// One with root, that nobody touched yet.
    #[must_use]
    pub fn untouched(status: Status) -> Self {
        Self {
            status,
            modified: Modified::BeforeRecord,
            has_root: true,
            retired: false,
            is_another: false,
            on_the_way: [0; 3],
            must_arrive: [false; 3],
            refused: Refused::default(),
            exempt: false,
            record: None,
            passes: [None; 2],
            claims: [None; 2],
            owed: false,
            owner_stopped: false,
        }
    }

    /// Without what nothing depends on: what is told relative to a record that is under way.
    #[must_use]
    pub fn reduced(&self) -> Self {
        let mut notebook = *self;
        if self.record.is_none_or(|record| record.is_finished()) {
            notebook.modified = Modified::BeforeRecord;
            notebook.is_another = false;
        }
        notebook
    }

    /// Without the ages that matter to one notebook only: of its record, and of the Start that AWS accepted.
    #[must_use]
    pub fn ageless(&self) -> Self {
        let mut notebook = *self;
        let passes = notebook.passes.iter_mut().flatten().map(|pass| match pass {
            Pass::Decided { next: record, .. }
            | Pass::Noted { unsent: record, .. }
            | Pass::Refused { unsent: record }
            | Pass::Late { next: record } => record,
        });
        for record in notebook.record.iter_mut().chain(passes) {
            *record = record.ageless();
        }
        if notebook.modified == Modified::AfterStart {
            notebook.modified = Modified::Since;
        }
        notebook
    }

    /// What a Describe tells now.
    #[must_use]
    pub fn see(&self) -> Seen {
        if self.refused.describe {
            return Seen::Unreadable;
        }
        if self.status == Status::Missing {
            return Seen::Missing;
        }
        let root_access = match (self.refused.root_access, self.has_root) {
            (true, _) => RootAccess::Unknown,
            (false, true) => RootAccess::Enabled,
            (false, false) => RootAccess::Disabled,
        };
        Seen::At(Described {
            status: self.status,
            root_access,
            modified: self.modified,
            is_another: self.is_another,
        })
    }

    /// The status changes.
    pub fn enter(&mut self, status: Status) {
        self.status = status;
        let accepted = self.record.and_then(|record| record.start_accepted);
        self.modified = match accepted {
            Some(Accepted::LongAgo) => Modified::AfterStart,
            _ => Modified::Since,
        };
    }

    /// Whether a request was sent that may still arrive.
    #[must_use]
    pub fn awaits_arrival(&self) -> bool {
        self.on_the_way != [0; 3]
    }

    /// Whether a pass is about to send something. It does so within seconds, or not at all.
    #[must_use]
    pub fn is_about_to_be_sent_to(&self) -> bool {
        self.passes.iter().flatten().any(|pass| {
            matches!(
                pass,
                Pass::Decided {
                    request: Some(_),
                    fenced: false,
                    ..
                } | Pass::Noted { fenced: false, .. }
            )
        })
    }

    /// Whether its record says that a Stop was about to be sent.
    #[must_use]
    pub fn is_stop_requested(&self) -> bool {
        self.record
            .is_some_and(|record| record.takes_a_slot() && record.stop_requested)
    }

    /// Whether it is down because of the operator, and no record brings it back.
    #[must_use]
    pub fn is_stranded(&self) -> bool {
        // A restored record, or one that does not decode, says less than is so; it is there, and a person is told.
        let held = |record: Rec| record.restored || !record.readable;
        let is_held = self
            .record
            .is_some_and(|record| record.takes_a_slot() && held(record));
        self.owed && !self.is_stop_requested() && !is_held
    }

    /// How AWS answers a call: permission first, then existence, then status.
    #[must_use]
    pub fn judge(&self, call: Call, policy: PolicyState) -> AnswerKind {
        let is_start = call == Call::Start;
        if self.refused.calls[index(call)] || (is_start && policy == PolicyState::StartsDenied) {
            AnswerKind::Denied
        } else if self.status == Status::Missing {
            AnswerKind::NotFound
        } else {
            let allowed = match call {
                Call::Stop => self.status == Status::InService,
                // From Failed it is not known.
                Call::Update | Call::Start => {
                    matches!(self.status, Status::Stopped | Status::Failed)
                }
            };
            if allowed && !(is_start && self.retired) {
                AnswerKind::Accepted
            } else {
                AnswerKind::WrongStatus
            }
        }
    }

    /// A call of ours takes effect, if it is allowed; returns which promise that breaks.
    pub fn arrive(&mut self, call: Call, policy: PolicyState) -> Option<&'static str> {
        if self.judge(call, policy) != AnswerKind::Accepted {
            return None;
        }
        match call {
            Call::Stop => {
                self.enter(Status::Stopping);
                self.owed = true;
                None
            }
            Call::Update => {
                self.enter(Status::Updating);
                None
            }
            Call::Start => {
                self.enter(Status::Pending);
                self.owner_stopped.then_some("P3: its owner had stopped it")
            }
        }
    }

    /// It is on the way for longer.
    pub fn send_late(&mut self, call: Call) {
        self.on_the_way[index(call)] += 1;
        self.must_arrive[index(call)] = false;
    }

    /// It is where it is now for good.
    pub fn settle_in(&mut self, status: Status) {
        self.enter(status);
        if matches!(status, Status::InService | Status::Missing) {
            self.owed = false;
            self.owner_stopped = false;
        }
    }

    /// Somebody else than `by` wrote or removed the record: what was decided by the old one is refused.
    pub fn record_changed(&mut self, by: Option<usize>) {
        for (slot, pass) in self.passes.iter_mut().enumerate() {
            if Some(slot) == by {
                continue;
            }
            match pass {
                Some(Pass::Noted { current, .. }) => *current = false,
                Some(Pass::Decided { .. } | Pass::Refused { .. } | Pass::Late { .. }) => {
                    *pass = None;
                }
                None => {}
            }
        }
        for claim in &mut self.claims {
            if matches!(claim, Some(Claim::Admitted { .. })) {
                *claim = None;
            }
        }
    }

    /// The finalizer and the record are gone.
    pub fn remove_record(&mut self) {
        self.record = None;
        self.record_changed(None);
    }
}

impl Pass {
    /// Whether it may not send anything any more.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        matches!(
            self,
            Self::Decided { fenced: true, .. }
                | Self::Noted { fenced: true, .. }
                | Self::Late { .. }
        )
    }
}

impl From<Seen> for Saw {
    fn from(seen: Seen) -> Self {
        match seen {
            Seen::Unreadable => Self::Unreadable,
            Seen::Missing => Self::Missing,
            Seen::At(described) => match described.status {
                Status::InService => Self::InService,
                Status::Failed => Self::Failed,
                _ => Self::Other,
            },
        }
    }
}

/// Where a call stands in [`Call::ALL`].
#[must_use]
pub fn index(call: Call) -> usize {
    match call {
        Call::Stop => 0,
        Call::Update => 1,
        Call::Start => 2,
    }
}
