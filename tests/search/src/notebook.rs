//! One notebook: what AWS holds, what is under way to it, its record, and the passes that are at it.

use sudoless::{
    decide::Request,
    domain::{AnswerKind, Call, RootAccess},
};

use crate::{pass::LEADER, record::Rec};

/// A notebook and all that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Notebook {
    /// Its status at AWS.
    pub status: Status,
    /// Whether its users have root, at AWS.
    pub has_root: bool,
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
    /// Passes over the record: of the leader, and of the one that led before.
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
    At(Status, RootAccess),
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
        /// What it saw.
        seen: Saw,
    },
    /// The record is durable, and the request about to be sent.
    Noted {
        /// Before a first Stop: the record as it was before the Stop was noted.
        before: Option<Rec>,
        /// What is sent.
        request: Request,
        /// What it saw.
        seen: Saw,
        /// Whether nobody wrote the record since.
        current: bool,
    },
}

/// What of a reading matters later in the pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "statuses")]
pub enum Saw {
    InService,
    Failed,
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
            has_root: true,
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
        Seen::At(self.status, root_access)
    }

    /// Whether a request was sent that may still arrive.
    #[must_use]
    pub fn awaits_arrival(&self) -> bool {
        self.on_the_way != [0; 3]
    }

    /// What the pass saw that is about to send something. It does so within seconds, or not at all.
    #[must_use]
    pub fn about_to_send(&self) -> Option<Saw> {
        match self.passes[LEADER]? {
            Pass::Decided { request: None, .. } => None,
            Pass::Decided { seen, .. } | Pass::Noted { seen, .. } => Some(seen),
        }
    }

    /// Whether it is about to be stopped by who saw it running.
    #[must_use]
    pub fn was_just_seen_running(&self) -> bool {
        self.about_to_send() == Some(Saw::InService)
    }

    /// Whether a pass is about to write that a Stop is about to be sent, or was taken.
    #[must_use]
    pub fn is_stop_being_requested(&self) -> bool {
        self.was_just_seen_running()
            || self
                .passes
                .iter()
                .flatten()
                .any(|pass| matches!(pass, Pass::Decided { next, .. } if next.stop_requested))
    }

    /// Whether its record says that a Stop was about to be sent.
    #[must_use]
    pub fn is_stop_requested(&self) -> bool {
        self.record
            .is_some_and(|record| record.takes_a_slot() && record.stop_requested)
    }

    /// How AWS answers a call: permission first, then existence, then status.
    #[must_use]
    pub fn judge(&self, call: Call) -> AnswerKind {
        if self.refused.calls[index(call)] {
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
            if allowed {
                AnswerKind::Accepted
            } else {
                AnswerKind::WrongStatus
            }
        }
    }

    /// A call of ours takes effect, if it is allowed; returns which promise that breaks.
    pub fn arrive(&mut self, call: Call) -> Option<&'static str> {
        if self.judge(call) != AnswerKind::Accepted {
            return None;
        }
        match call {
            Call::Stop => {
                self.status = Status::Stopping;
                self.owed = true;
                None
            }
            Call::Update => {
                self.status = Status::Updating;
                None
            }
            Call::Start => {
                self.status = Status::Pending;
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
        self.status = status;
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
                Some(Pass::Decided { .. }) => *pass = None,
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

impl From<Seen> for Saw {
    fn from(seen: Seen) -> Self {
        match seen {
            Seen::At(Status::InService, _) => Self::InService,
            Seen::At(Status::Failed, _) => Self::Failed,
            _ => Self::Other,
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
