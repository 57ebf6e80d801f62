//! One notebook: its state at AWS, requests in flight, its record, and the passes over the record.

use sudoless_core::{
    decide::Request,
    domain::{Call, RootAccess, WriteOutcome},
};

use crate::{
    policy::PolicyState,
    record::{Accepted, Rec},
};

/// A notebook with its record, passes and claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Notebook {
    /// Status at AWS.
    pub status: Status,
    /// `LastModifiedTime`. It changes with the status.
    pub modified: Modified,
    /// True if the users have root access, at AWS.
    pub has_root: bool,
    /// True if AWS retired the platform. AWS does not start the notebook any more, and the operator
    /// can tell.
    pub retired: bool,
    /// True if the notebook was created again after its record was, so that its `CreationTime`
    /// differs.
    pub is_another: bool,
    /// The operator's writes that may still arrive, in the order of [`Call`].
    pub on_the_way: [u8; 3],
    /// True if the newest write of each call was sent a minute ago. After another minute, it has
    /// arrived or is lost.
    pub must_arrive: [bool; 3],
    /// Requests that AWS denies, and answers that it withholds.
    pub refused: Refused,
    /// True if an exemption matches the notebook.
    pub exempt: bool,
    /// Record of the notebook.
    pub record: Option<Rec>,
    /// Passes over the record. The first is the leader's. The second is another operator's, or a
    /// write that is stored late.
    pub passes: [Option<Pass>; 2],
    /// Claims of the notebook in flight, in the same order.
    pub claims: [Option<Claim>; 2],
    /// For the search: true if a Stop of the operator took the notebook down, and it has not run
    /// since (promise P2).
    pub owed: bool,
    /// For the search: true if the owner stopped the notebook while no pass was about to stop it,
    /// and it has not run since (promise P3).
    pub owner_stopped: bool,
}

/// Status of a notebook.
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
    /// `InMaintenance`, then running.
    MaintainedRunning,
    /// `InMaintenance`, then stopped.
    MaintainedStopped,
}

/// Time of the last modification, as far as the record's decisions depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Modified {
    /// More than two minutes before the record was created.
    BeforeRecord,
    /// After the record was created.
    Since,
    /// Ten minutes or more after the record's accepted Start.
    AfterStart,
}

/// Requests that AWS denies, and answers that it withholds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Refused {
    /// Denied calls, in the order of [`Call`].
    pub calls: [bool; 3],
    /// Describe is denied.
    pub describe: bool,
    /// `RootAccess` is absent in the answer.
    pub root_access: bool,
}

/// Result of a pass's Describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// No answer.
    Unreadable,
    /// The notebook does not exist.
    Missing,
    /// The notebook was described.
    At(Described),
}

/// AWS's description of a notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "as in `Notebook`")]
pub struct Described {
    pub status: Status,
    pub root_access: RootAccess,
    pub modified: Modified,
    pub is_another: bool,
}

/// A pass over a record. Reading record and notebook is one step: if the record had changed in
/// between, the write would be rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    /// The pass has decided, and is about to write `next`.
    Decided {
        /// Record to write.
        next: Rec,
        /// Request to send after the write.
        request: Option<Request>,
        /// True if the pass read the notebook in status Failed.
        failed: bool,
        /// True if the pass must not send anything any more.
        fenced: bool,
    },
    /// The record is durable, and the request is about to be sent.
    Noted {
        /// Record to write if the request is not sent. Its request fields are as before this
        /// request.
        unsent: Rec,
        /// Request to send.
        request: Request,
        /// True if the pass read the notebook in status Failed.
        failed: bool,
        /// True if the record is unchanged since.
        current: bool,
        /// True if the pass must not send anything any more.
        fenced: bool,
    },
    /// A first Stop was rejected for the status, and the notebook is about to be described again.
    Refused {
        /// Same as in `Noted`.
        unsent: Rec,
    },
    /// The API server did not answer a write, and stores it within a minute or never.
    Late {
        /// Record to write.
        next: Rec,
    },
}

/// The part of a reading that matters for an answer.
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
    /// The notebook was described, with root access, in one of the two statuses that can be
    /// claimed.
    Described {
        /// True if the status was `InService`.
        was_running: bool,
    },
    /// The records were listed, and the notebook was admitted. The record is about to be created.
    Admitted {
        /// `spec.wasRunning`.
        was_running: bool,
        /// `spec.recurrence`.
        recurrence: u8,
    },
}

/// A possible next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The notebook after the event.
    pub notebook: Notebook,
    /// Description of the event.
    pub what: &'static str,
    /// Number of faults, zero or one.
    pub faults: u8,
    /// Promise broken by the event.
    pub broken: Option<&'static str>,
}

impl Notebook {
    /// Creates a notebook with root access and without a history.
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

    /// Removes fields without effect: those relative to an unfinished record, if there is none.
    #[must_use]
    pub fn reduced(&self) -> Self {
        let mut notebook = *self;
        if self.record.is_none_or(|record| record.is_finished()) {
            notebook.modified = Modified::BeforeRecord;
            notebook.is_another = false;
        }
        notebook
    }

    /// Removes the ages that matter to one notebook only: of its record, and of the Start that AWS
    /// accepted.
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

    /// Returns the result of a Describe now.
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

    /// Changes the status.
    pub fn transition_to(&mut self, status: Status) {
        self.status = status;
        let accepted = self.record.and_then(|record| record.start_accepted);
        self.modified = match accepted {
            Some(Accepted::LongAgo) => Modified::AfterStart,
            _ => Modified::Since,
        };
    }

    /// Returns true if a request is in flight that may still arrive.
    #[must_use]
    pub fn awaits_arrival(&self) -> bool {
        self.on_the_way != [0; 3]
    }

    /// Returns true if a pass is about to send a request. It does so within seconds or never.
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

    /// Returns true if the record contains the intent of a Stop.
    #[must_use]
    pub fn is_stop_requested(&self) -> bool {
        self.record
            .is_some_and(|record| record.takes_a_slot() && record.stop_requested)
    }

    /// Returns true if the notebook is down because of the operator, and no record will start it
    /// again.
    #[must_use]
    pub fn is_stranded(&self) -> bool {
        // A restored record, or one that does not decode, may lack the Stop. The record exists, and
        // a person is told.
        let held = |record: Rec| record.restored || !record.readable;
        let is_held = self
            .record
            .is_some_and(|record| record.takes_a_slot() && held(record));
        self.owed && !self.is_stop_requested() && !is_held
    }

    /// Returns AWS's answer to a call. AWS checks permission first, then existence, then status.
    #[must_use]
    pub fn judge(&self, call: Call, policy: PolicyState) -> WriteOutcome {
        let is_start = call == Call::Start;
        if self.refused.calls[index(call)] || (is_start && policy == PolicyState::StartsDenied) {
            WriteOutcome::Denied
        } else if self.status == Status::Missing {
            WriteOutcome::NotFound
        } else {
            let allowed = match call {
                Call::Stop => self.status == Status::InService,
                // AWS's answer from Failed is not known.
                Call::Update | Call::Start => {
                    matches!(self.status, Status::Stopped | Status::Failed)
                }
            };
            if allowed && !(is_start && self.retired) {
                WriteOutcome::Accepted
            } else {
                WriteOutcome::WrongStatus
            }
        }
    }

    /// Applies a call of the operator, if AWS accepts it. Returns the promise that it breaks, if
    /// any.
    pub fn arrive(&mut self, call: Call, policy: PolicyState) -> Option<&'static str> {
        if self.judge(call, policy) != WriteOutcome::Accepted {
            return None;
        }
        match call {
            Call::Stop => {
                self.transition_to(Status::Stopping);
                self.owed = true;
                None
            }
            Call::Update => {
                self.transition_to(Status::Updating);
                None
            }
            Call::Start => {
                self.transition_to(Status::Pending);
                self.owner_stopped.then_some("P3: its owner had stopped it")
            }
        }
    }

    /// Puts a call in flight.
    pub fn send_late(&mut self, call: Call) {
        self.on_the_way[index(call)] += 1;
        self.must_arrive[index(call)] = false;
    }

    /// Sets the final status of a transition.
    pub fn settle_in(&mut self, status: Status) {
        self.transition_to(status);
        if matches!(status, Status::InService | Status::Missing) {
            self.owed = false;
            self.owner_stopped = false;
        }
    }

    /// Drops or marks the decisions based on the old record, after a writer other than `by` wrote
    /// or removed the record.
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

    /// Removes the finalizer and the record.
    pub fn remove_record(&mut self) {
        self.record = None;
        self.record_changed(None);
    }
}

impl Pass {
    /// Returns true if the pass must not send anything any more.
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

/// Returns the index of a call in the order of [`Call`].
#[must_use]
pub fn index(call: Call) -> usize {
    match call {
        Call::Stop => 0,
        Call::Update => 1,
        Call::Start => 2,
    }
}
