//! A pass over a record, in atomic steps: read and decide, write, send, judge the answer, write
//! again.
//!
//! Other actors act between any two steps, and the process may crash, which drops the pass. A
//! failed request to the API server ends the pass, like a crash before or after the request. A
//! write whose answer is lost may also be stored later.

use sudoless_core::{
    decide::{Budget, Request},
    domain::{Call, RecordState, RootAccess, WriteOutcome},
};

use crate::{
    mutation::Mutation,
    notebook::{Described, Modified, Move, Notebook, Pass, Saw, Seen, Status},
    policy::PolicyState,
    product::{Answered, Decided, Product},
    record::{Accepted, Age, Rec},
};

/// Slot of the leader, among passes and claims.
pub const LEADER: usize = 0;
/// Slot of the previous leader, of an adopting operator, or of a write that is stored late.
pub const OTHER: usize = 1;

impl Notebook {
    /// Returns true if a pass that begins now lists the records, because it may be about to stop
    /// the notebook.
    #[must_use]
    pub fn asks_budget(&self) -> bool {
        let runs_with_root = matches!(
            self.see(),
            Seen::At(Described {
                status: Status::InService,
                root_access: RootAccess::Enabled,
                ..
            })
        );
        runs_with_root && self.record.is_some_and(|record| record.takes_a_slot())
    }

    /// Begins an operator's next pass, unless the pass would have no effect.
    pub fn begin_pass(
        &self,
        slot: usize,
        (policy, budget): (PolicyState, Budget),
        product: &mut Product,
    ) -> Option<Move> {
        let record = self.record?;
        if self.passes[slot].is_some() || !self.looks_at(slot, record, policy, product) {
            return None;
        }
        let mut notebook = *self;
        let seen = self.see();
        let desired = product.desired(policy, (self.exempt, self.retired), budget);
        let mut decided = product.step(record, seen, desired);
        if record.is_finished() {
            assert_eq!(decided, Decided::nothing(record));
        }
        if record.being_deleted
            && (record.is_finished() || product.mutation == Some(Mutation::NoFinalizer))
        {
            notebook.remove_record();
            return Some(unbroken(notebook, "the finalizer is removed", 0));
        }
        if policy == PolicyState::LeaseUnread && decided.request.is_some() {
            decided = Decided::nothing(product.unsent(decided.record, record));
        }
        // A state of a later version is not overwritten.
        let is_foreign = decided.record.state == RecordState::Unrecognized;
        assert!(!is_foreign || decided.request.is_none(), "{record}");
        if is_foreign || decided == Decided::nothing(record) {
            return None;
        }
        notebook.passes[slot] = Some(Pass::Decided {
            next: decided.record,
            request: decided.request,
            failed: decided.request.is_some() && Saw::from(seen) == Saw::Failed,
            fenced: false,
        });
        let takes_down = matches!(decided.request, Some(Request::Probe | Request::Stop));
        Some(Move {
            broken: (takes_down && self.retired)
                .then_some("P2: it is stopped, and AWS does not start it again"),
            ..unbroken(notebook, "a pass reads and decides", 0)
        })
    }

    /// Returns true if the operator of a slot runs passes over the record, and the pass reaches its
    /// decision.
    fn looks_at(
        &self,
        slot: usize,
        record: Rec,
        policy: PolicyState,
        product: &mut Product,
    ) -> bool {
        let is_its_own = if slot == LEADER {
            policy != PolicyState::Orphaned
        } else {
            product.adopts(&record)
        };
        let lists = policy == PolicyState::RecordsUnlisted && self.asks_budget();
        let policies_are_needed = product.mutation == Some(Mutation::NeedPolicies);
        let is_unknown = record.state == RecordState::Unrecognized
            || record.rollback_reason == Some(sudoless_core::domain::EndReason::Unrecognized);
        let ignores = product.mutation == Some(Mutation::IgnoreLaterVersions);
        is_its_own
            && record.readable
            && !lists
            && !(policies_are_needed && policy == PolicyState::Unlisted)
            && !(ignores && is_unknown)
    }

    /// Adds the next moves of passes in flight.
    pub fn pass_moves(&self, policy: PolicyState, product: &mut Product, moves: &mut Vec<Move>) {
        for slot in 0..self.passes.len() {
            let Some(pass) = self.passes[slot] else {
                continue;
            };
            moves.push(self.crash(slot));
            match pass {
                Pass::Decided { .. } => {
                    moves.extend(self.write(slot, product));
                    moves.extend(self.write_late(slot, product));
                }
                Pass::Noted { .. } => self.send_all(slot, policy, product, moves),
                Pass::Refused { .. } => moves.extend(self.look_again(slot, product)),
                Pass::Late { .. } => moves.extend(self.write(slot, product)),
            }
        }
    }

    /// Drops a pass, because its process or its lease is gone, or a request to the API server
    /// failed.
    #[must_use]
    pub fn crash(&self, slot: usize) -> Move {
        let mut notebook = *self;
        notebook.passes[slot] = None;
        match self.passes[slot] {
            Some(Pass::Late { .. }) => unbroken(notebook, "its write is never stored", 0),
            Some(Pass::Decided { fenced: true, .. } | Pass::Noted { fenced: true, .. }) => {
                unbroken(notebook, "a fenced pass gives up", 0)
            }
            _ => unbroken(notebook, "a crash", 1),
        }
    }

    /// Gives the lease to the other operator. Passes in flight may still write, but not send.
    pub fn lose_lease(&mut self, product: &Product) {
        self.passes.swap(LEADER, OTHER);
        self.claims.swap(LEADER, OTHER);
        if product.mutation == Some(Mutation::SendWithoutLease) {
            return;
        }
        for pass in self.passes.iter_mut().flatten() {
            if let Pass::Decided { fenced, .. } | Pass::Noted { fenced, .. } = pass {
                *fenced = true;
            }
        }
    }

    /// Writes the record. It is unchanged since it was read, because a change would have dropped
    /// the pass.
    #[must_use]
    pub fn write(&self, slot: usize, product: &Product) -> Option<Move> {
        let (next, request, failed, fenced) = match self.passes[slot]? {
            Pass::Decided {
                next,
                request,
                failed,
                fenced,
            } => (next, request, failed, fenced),
            Pass::Late { next } => (next, None, false, true),
            Pass::Noted { .. } | Pass::Refused { .. } => return None,
        };
        let before = self.record?;
        let mut notebook = *self;
        let next = Rec {
            being_deleted: before.being_deleted,
            touched: if next.is_finished() {
                Age::Settled
            } else {
                product.touched_now()
            },
            ..next
        };
        notebook.record = Some(next);
        if next.start_accepted != Some(Accepted::LongAgo) && self.modified == Modified::AfterStart {
            notebook.modified = Modified::Since;
        }
        if next != before && product.mutation != Some(Mutation::IgnoreConflicts) {
            notebook.record_changed(Some(slot));
        }
        notebook.passes[slot] = request.map(|request| Pass::Noted {
            unsent: product.unsent(next, before),
            request,
            failed,
            current: true,
            fenced,
        });
        Some(unbroken(notebook, writes(&next, request), 0))
    }

    /// The API server does not answer a write, and stores it later or never.
    fn write_late(&self, slot: usize, product: &Product) -> Option<Move> {
        let Some(Pass::Decided { next, .. }) = self.passes[slot] else {
            return None;
        };
        if !product.stores_late || slot != LEADER || self.passes[OTHER].is_some() {
            return None;
        }
        let mut notebook = *self;
        notebook.passes[LEADER] = None;
        notebook.passes[OTHER] = Some(Pass::Late { next });
        Some(unbroken(notebook, "its write is stored late or never", 1))
    }

    fn send_all(
        &self,
        slot: usize,
        policy: PolicyState,
        product: &mut Product,
        moves: &mut Vec<Move>,
    ) {
        let Some(Pass::Noted {
            request, fenced, ..
        }) = self.passes[slot]
        else {
            return;
        };
        if fenced || policy.is_fenced() {
            moves.extend(self.do_not_send(slot));
            return;
        }
        let call = request.call();
        // A late request may arrive at any time, or never.
        let unclear = WriteOutcome::Unclear;
        if policy == PolicyState::WritesUnanswered {
            moves.extend(self.send(slot, policy, product));
            let taken = self.sent(slot, product, unclear, "taken, no answer", &|it| {
                it.arrive(call, policy)
            });
            moves.extend(taken.map(|taken| Move { faults: 0, ..taken }));
            return;
        }
        moves.extend(self.send(slot, policy, product));
        moves.extend(self.sent(slot, product, unclear, "no answer", &|it| {
            it.send_late(call);
            None
        }));
        match self.judge(call, policy) {
            WriteOutcome::Accepted => self.send_accepted(slot, policy, product, moves),
            WriteOutcome::WrongStatus if request == Request::Probe => {
                let accepted = WriteOutcome::Accepted;
                moves.extend(self.sent(
                    slot,
                    product,
                    accepted,
                    "an Update is taken while it runs",
                    &|it| {
                        it.has_root &= it.status != Status::InService;
                        None
                    },
                ));
            }
            _ => {}
        }
        if self.status == Status::Failed && request == Request::Update {
            let refused = WriteOutcome::WrongStatus;
            let refusal = self.sent(slot, product, refused, "refused from Failed", &|_| None);
            // It is not known which of the two AWS does, so neither is a fault.
            moves.extend(refusal.map(|refusal| Move {
                faults: 0,
                ..refusal
            }));
        }
    }

    /// Adds other outcomes of a request that AWS would accept.
    fn send_accepted(
        &self,
        slot: usize,
        policy: PolicyState,
        product: &mut Product,
        moves: &mut Vec<Move>,
    ) {
        let Some(Pass::Noted { request, .. }) = self.passes[slot] else {
            return;
        };
        let call = request.call();
        let unclear = WriteOutcome::Unclear;
        moves.extend(
            self.sent(slot, product, unclear, "sent twice, no answer", &|it| {
                it.send_late(call);
                it.arrive(call, policy)
            }),
        );
        let second = "carried out twice, and the second one's refusal is the answer";
        moves.extend(
            self.sent(slot, product, WriteOutcome::WrongStatus, second, &|it| {
                it.arrive(call, policy)
            }),
        );
        // AWS sets the status before it answers, so an accepted Stop has begun.
        if call != Call::Stop {
            let accepted = WriteOutcome::Accepted;
            moves.extend(
                self.sent(slot, product, accepted, "accepted, begins late", &|it| {
                    it.send_late(call);
                    None
                }),
            );
        }
    }

    /// Drops the request, because the lease does not allow it or its intent is too old. Its request
    /// fields are taken back.
    #[must_use]
    pub fn do_not_send(&self, slot: usize) -> Option<Move> {
        let Some(Pass::Noted {
            unsent, current, ..
        }) = self.passes[slot]
        else {
            return None;
        };
        let mut notebook = *self;
        notebook.passes[slot] = None;
        if current && self.record != Some(unsent) {
            notebook.passes[slot] = Some(Pass::Decided {
                next: unsent,
                request: None,
                failed: false,
                fenced: true,
            });
        }
        Some(unbroken(notebook, "the request is not sent", 0))
    }

    /// Sends the request. AWS answers and acts accordingly. In an outage it does neither.
    pub fn send(&self, slot: usize, policy: PolicyState, product: &mut Product) -> Option<Move> {
        let Some(Pass::Noted { request, .. }) = self.passes[slot] else {
            return None;
        };
        if policy == PolicyState::WritesUnanswered {
            let lost = self.sent(slot, product, WriteOutcome::Unclear, "lost", &|_| None)?;
            return Some(Move { faults: 0, ..lost });
        }
        let call = request.call();
        let answer = self.judge(call, policy);
        let what = match (request, answer) {
            (Request::Probe, WriteOutcome::WrongStatus) => "the probe is refused for the status",
            (Request::Probe, WriteOutcome::Denied) => "the probe is denied",
            (Request::Probe, _) => "the probe is answered otherwise",
            (Request::Stop, WriteOutcome::Accepted) => "Stop is accepted",
            (Request::Stop, _) => "Stop is refused",
            (Request::Update, WriteOutcome::Accepted) => "Update is accepted",
            (Request::Update, _) => "Update is refused",
            (Request::Start, WriteOutcome::Accepted) => "Start is accepted",
            (Request::Start, _) => "Start is refused",
        };
        let sent = self.sent(slot, product, answer, what, &|it| it.arrive(call, policy))?;
        Some(Move { faults: 0, ..sent })
    }

    /// Sends the request with `effect`, and judges the answer.
    fn sent(
        &self,
        slot: usize,
        product: &mut Product,
        answer: WriteOutcome,
        what: &'static str,
        effect: &dyn Fn(&mut Self) -> Option<&'static str>,
    ) -> Option<Move> {
        let Some(Pass::Noted {
            unsent,
            request,
            failed,
            current,
            ..
        }) = self.passes[slot]
        else {
            return None;
        };
        let mut notebook = *self;
        // With two sending operators, the other one may have written the record within these
        // seconds.
        let mut broken = if current || !product.adoption {
            self.is_unfounded(request)
        } else {
            None
        };
        if self.is_another {
            broken = Some("row 1: a request for another notebook");
        }
        broken = broken.or(effect(&mut notebook));
        notebook.passes[slot] = None;
        if current {
            let is_first_stop = request == Request::Stop && !unsent.stop_requested;
            let is_looked_at = product.mutation != Some(Mutation::TrustFirstRefusal);
            let is_refused = matches!(answer, WriteOutcome::WrongStatus | WriteOutcome::NotFound);
            if is_first_stop && is_refused && is_looked_at {
                notebook.passes[slot] = Some(Pass::Refused { unsent });
            } else {
                let saw = match request {
                    Request::Probe | Request::Stop => Saw::InService,
                    Request::Update | Request::Start if failed => Saw::Failed,
                    Request::Update | Request::Start => Saw::Other,
                };
                broken = broken.or(notebook.judge_answer(
                    slot,
                    (unsent, saw),
                    (request, answer),
                    product,
                ));
            }
        }
        Some(Move {
            notebook,
            what,
            faults: 1,
            broken,
        })
    }

    /// Describes the notebook again, after a first Stop was rejected for the status.
    pub fn look_again(&self, slot: usize, product: &mut Product) -> Option<Move> {
        let Some(Pass::Refused { unsent }) = self.passes[slot] else {
            return None;
        };
        let mut notebook = *self;
        notebook.passes[slot] = None;
        let answer = (Request::Stop, WriteOutcome::WrongStatus);
        let _ = notebook.judge_answer(slot, (unsent, self.see().into()), answer, product);
        Some(unbroken(notebook, "it is described again", 0))
    }

    /// Judges an answer, which leaves the record to be written. Returns the promise that this
    /// breaks, if any.
    fn judge_answer(
        &mut self,
        slot: usize,
        (unsent, saw): (Rec, Saw),
        (request, answer): (Request, WriteOutcome),
        product: &mut Product,
    ) -> Option<&'static str> {
        let record = self.record?;
        let decided = product.on_response(Answered {
            record,
            unsent,
            request,
            answer,
            saw,
        });
        if decided != Decided::nothing(record) {
            self.passes[slot] = Some(Pass::Decided {
                next: decided.record,
                request: decided.request,
                failed: false,
                fenced: false,
            });
        }
        let is_flagged = decided.record.state == RecordState::NeedsAttention;
        let is_denied_start = request == Request::Start && answer == WriteOutcome::Denied;
        (is_denied_start && !is_flagged)
            .then_some("P2: Start is forbidden, and nobody is told at once")
    }

    /// Returns the promise that is broken by sending a request now.
    fn is_unfounded(&self, request: Request) -> Option<&'static str> {
        let record = self.record.filter(|record| !record.is_finished());
        match request {
            Request::Stop if !record.is_some_and(|it| it.was_running && it.stop_requested) => {
                Some("P4: a Stop without a durable record of it")
            }
            Request::Start if !record.is_some_and(|it| it.was_running) => {
                Some("P3: a Start of what did not run")
            }
            Request::Update if record.is_none_or(|it| it.rollback_reason.is_some()) => {
                Some("row 3: an Update of what is brought back as it is")
            }
            _ => None,
        }
    }
}

impl Product {
    /// Returns the age of a record that is written now: settled if nothing depends on it.
    pub(crate) fn touched_now(&self) -> Age {
        if self.adoption {
            Age::Fresh
        } else {
            Age::Settled
        }
    }
}

fn writes(next: &Rec, request: Option<Request>) -> &'static str {
    match request {
        Some(Request::Probe) => "the record is written before the probe",
        Some(Request::Stop) => "the record is written before a Stop",
        Some(Request::Update) => "the record is written before an Update",
        Some(Request::Start) => "the record is written before a Start",
        None if next.is_finished() => "the record is finished",
        None => "the record is written",
    }
}

pub(crate) fn unbroken(notebook: Notebook, what: &'static str, faults: u8) -> Move {
    Move {
        notebook,
        what,
        faults,
        broken: None,
    }
}
