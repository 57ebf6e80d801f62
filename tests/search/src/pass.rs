//! A pass over a record, one atomic step after the other: read and decide, write, send, judge the answer, write again.
//!
//! Between any two of them others act, and the process may crash: then the pass is forgotten. A write at the API server that fails,
//! or whose answer is lost, is the same as a crash before or after it.

use sudoless::{
    decide::Request,
    domain::{AnswerKind, Call},
};

use crate::{
    mutation::Mutation,
    notebook::{Move, Notebook, Pass, Seen, Status},
    policy::PolicyState,
    product::{Answered, Decided, Product},
    record::Rec,
};

/// The slot of who leads, among passes and claims.
pub const LEADER: usize = 0;

impl Notebook {
    /// Whether a pass that begins now lists the records: it may be about to stop it.
    #[must_use]
    pub fn asks_budget(&self) -> bool {
        let runs = matches!(self.see(), Seen::At(Status::InService, _));
        runs && self
            .record
            .is_some_and(|record| record.takes_a_slot() && !record.stop_requested)
    }

    /// The leader's next pass begins, unless nothing would come of it.
    pub fn begin_pass(
        &self,
        policy: PolicyState,
        exceeded: bool,
        product: &mut Product,
    ) -> Option<Move> {
        let record = self.record?;
        if self.passes[LEADER].is_some() {
            return None;
        }
        let mut notebook = *self;
        let seen = self.see();
        let wish = product.wish(policy, self.exempt, exceeded && self.asks_budget());
        let decided = product.step(record, seen, wish);
        if record.is_finished() {
            assert_eq!(
                decided,
                Decided {
                    record,
                    request: None
                }
            );
        }
        if record.being_deleted
            && (record.is_finished() || product.mutation == Some(Mutation::NoFinalizer))
        {
            notebook.remove_record();
            return Some(unbroken(notebook, "the finalizer is removed", 0));
        }
        if decided
            == (Decided {
                record,
                request: None,
            })
        {
            return None;
        }
        notebook.passes[LEADER] = Some(Pass::Decided {
            next: decided.record,
            request: decided.request,
            seen: seen.into(),
        });
        Some(unbroken(notebook, "a pass reads and decides", 0))
    }

    /// What becomes of passes that are under way.
    pub fn pass_moves(&self, product: &mut Product, moves: &mut Vec<Move>) {
        for slot in 0..self.passes.len() {
            let Some(pass) = self.passes[slot] else {
                continue;
            };
            moves.push(self.crash(slot));
            match pass {
                Pass::Decided { .. } => moves.extend(self.write(slot, product)),
                Pass::Noted { .. } => self.send_all(slot, product, moves),
            }
        }
    }

    /// The process is gone, or the lease is.
    #[must_use]
    pub fn crash(&self, slot: usize) -> Move {
        let mut notebook = *self;
        notebook.passes[slot] = None;
        if slot == LEADER {
            unbroken(notebook, "a crash", 1)
        } else {
            unbroken(notebook, "who lost the lease gives up", 0)
        }
    }

    /// The other operator leads from now on. What was decided without the lease, or so long ago, is not sent.
    pub fn lose_lease(&mut self, product: &Product) {
        self.passes.swap(0, 1);
        self.claims.swap(0, 1);
        if product.mutation == Some(Mutation::SendWithoutLease) {
            return;
        }
        for pass in &mut self.passes {
            match pass {
                Some(Pass::Noted { .. }) => *pass = None,
                Some(Pass::Decided { request, .. }) => *request = None,
                None => {}
            }
        }
    }

    /// The record is written: it is still the one that was read, else the pass would be gone.
    #[must_use]
    pub fn write(&self, slot: usize, product: &Product) -> Option<Move> {
        let Some(Pass::Decided {
            next,
            request,
            seen,
        }) = self.passes[slot]
        else {
            return None;
        };
        let before = self.record?;
        let mut notebook = *self;
        notebook.record = Some(Rec {
            being_deleted: before.being_deleted,
            ..next
        });
        if next != before && product.mutation != Some(Mutation::IgnoreConflicts) {
            notebook.record_changed(Some(slot));
        }
        notebook.passes[slot] = request.map(|request| Pass::Noted {
            before: (request == Request::Stop && !before.stop_requested).then_some(before),
            request,
            seen,
            current: true,
        });
        Some(unbroken(notebook, writes(&next, request), 0))
    }

    fn send_all(&self, slot: usize, product: &mut Product, moves: &mut Vec<Move>) {
        if slot != LEADER && product.mutation != Some(Mutation::SendWithoutLease) {
            return;
        }
        moves.extend(self.send(slot, product));
        let Some(Pass::Noted { request, .. }) = self.passes[slot] else {
            return;
        };
        let call = request.call();
        // Whether it arrives, when, or never: that is what being late is about.
        let unclear = AnswerKind::Unclear;
        moves.extend(self.sent(slot, product, unclear, "no answer", &|it| {
            it.send_late(call);
            None
        }));
        match self.judge(call) {
            AnswerKind::Accepted => {
                moves.extend(
                    self.sent(slot, product, unclear, "sent twice, no answer", &|it| {
                        it.send_late(call);
                        it.arrive(call)
                    }),
                );
                let accepted = AnswerKind::Accepted;
                // A Stop that was accepted has begun: AWS sets the status before it answers.
                if call != Call::Stop {
                    moves.extend(self.sent(
                        slot,
                        product,
                        accepted,
                        "accepted, begins late",
                        &|it| {
                            it.send_late(call);
                            None
                        },
                    ));
                }
            }
            AnswerKind::WrongStatus if request == Request::Probe => {
                let accepted = AnswerKind::Accepted;
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
            let refused = AnswerKind::WrongStatus;
            let mut refusal = self.sent(slot, product, refused, "refused from Failed", &|_| None);
            if let Some(refusal) = &mut refusal {
                // It is not known which of the two AWS does: no fault.
                refusal.faults = 0;
            }
            moves.extend(refusal);
        }
    }

    /// The request is sent, and AWS does as it says.
    pub fn send(&self, slot: usize, product: &mut Product) -> Option<Move> {
        let Some(Pass::Noted { request, .. }) = self.passes[slot] else {
            return None;
        };
        let call = request.call();
        let answer = self.judge(call);
        let what = match (request, answer) {
            (Request::Probe, AnswerKind::WrongStatus) => "the probe is refused for the status",
            (Request::Probe, AnswerKind::Denied) => "the probe is denied",
            (Request::Probe, _) => "the probe is answered otherwise",
            (Request::Stop, AnswerKind::Accepted) => "Stop is accepted",
            (Request::Stop, _) => "Stop is refused",
            (Request::Update, AnswerKind::Accepted) => "Update is accepted",
            (Request::Update, _) => "Update is refused",
            (Request::Start, AnswerKind::Accepted) => "Start is accepted",
            (Request::Start, _) => "Start is refused",
        };
        let mut sent = self.sent(slot, product, answer, what, &|it| it.arrive(call))?;
        sent.faults = 0;
        Some(sent)
    }

    /// The request is sent, `effect` is what it does, and the answer is judged.
    fn sent(
        &self,
        slot: usize,
        product: &mut Product,
        answer: AnswerKind,
        what: &'static str,
        effect: &dyn Fn(&mut Self) -> Option<&'static str>,
    ) -> Option<Move> {
        let Some(Pass::Noted {
            before,
            request,
            seen,
            current,
        }) = self.passes[slot]
        else {
            return None;
        };
        let mut notebook = *self;
        let broken = self.is_unfounded(request);
        let broken = broken.or(effect(&mut notebook));
        notebook.passes[slot] = None;
        if let Some(record) = self.record.filter(|_| current) {
            let decided = product.answered(Answered {
                record,
                before,
                request,
                answer,
                saw: seen,
            });
            if decided
                != (Decided {
                    record,
                    request: None,
                })
            {
                notebook.passes[slot] = Some(Pass::Decided {
                    next: decided.record,
                    request: decided.request,
                    seen,
                });
            }
        }
        Some(Move {
            notebook,
            what,
            faults: 1,
            broken,
        })
    }

    /// Which promise is broken by sending a request now.
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
