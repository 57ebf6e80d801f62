//! AWS's own moves, the fate of requests in flight, and time.

use strum::VariantArray;
use sudoless_core::domain::Call;

use crate::{
    notebook::{Modified, Move, Notebook, Pass, Status, index},
    policy::PolicyState,
    record::Age,
};

impl Notebook {
    /// Adds the moves of AWS and of time.
    pub fn natural_moves(&self, policy: PolicyState, alone: bool, moves: &mut Vec<Move>) {
        let mut add = |what, faults, change: &dyn Fn(&mut Self) -> Option<&'static str>| {
            let mut notebook = *self;
            let broken = change(&mut notebook);
            moves.push(Move {
                notebook,
                what,
                faults,
                broken,
            });
        };
        for &call in Call::VARIANTS {
            if self.on_the_way[index(call)] == 0 {
                continue;
            }
            add(arrives(call), 0, &|it| {
                it.no_longer_on_the_way(call);
                it.arrive(call, policy)
            });
            add(is_lost(call), 0, &|it| {
                it.no_longer_on_the_way(call);
                None
            });
        }
        if let Some((status, what)) = self.completes() {
            add(what, 0, &|it| {
                it.complete(status);
                None
            });
        }
        let fails = match self.status {
            _ if self.waits_for_a_look() => None,
            Status::Pending => Some("its start fails"),
            Status::Updating => Some("its update fails"),
            _ => None,
        };
        if let Some(what) = fails {
            add(what, 1, &|it| {
                it.transition_to(Status::Failed);
                None
            });
        }
        // With several notebooks, fenced passes also end within a minute.
        let is_over = alone || self.passes.iter().flatten().all(|pass| !pass.is_fenced());
        if is_over && self.can_grow_older() {
            add("a minute passes", 0, &|it| {
                it.grow_older();
                None
            });
        }
        if self.can_reach_deadline() {
            add("the step's timeout passes", 1, &|it| {
                it.reach_deadline();
                None
            });
        }
    }

    /// Returns the end of a transition. A transition may take no time at all.
    #[must_use]
    pub fn completes(&self) -> Option<(Status, &'static str)> {
        if self.waits_for_a_look() {
            return None;
        }
        match self.status {
            Status::Pending => Some((Status::InService, "it runs")),
            Status::Stopping => Some((Status::Stopped, "it is stopped")),
            Status::Updating => Some((Status::Stopped, "it is updated")),
            Status::Deleting => Some((Status::Missing, "it is deleted")),
            Status::MaintainedRunning => Some((Status::InService, "its maintenance ends")),
            Status::MaintainedStopped => Some((Status::Stopped, "its maintenance ends")),
            _ => None,
        }
    }

    /// Returns true for a record that a backup restored during a transition. It is read before the
    /// transition's end, or two minutes later.
    fn waits_for_a_look(&self) -> bool {
        self.modified == Modified::BeforeRecord
            && self.record.is_some_and(|record| {
                record.restored
                    && record.created != Age::Settled
                    && record.state == sudoless_core::domain::RecordState::Pending
            })
    }

    /// Ends a transition.
    pub fn complete(&mut self, status: Status) {
        if self.status == Status::Updating {
            self.has_root = false;
        }
        let modified = self.modified;
        let was_maintained = self.status == Status::MaintainedStopped;
        self.settle_in(status);
        if was_maintained {
            self.modified = modified;
        }
    }

    /// Returns true if a minute may pass. A pass ends within a minute, and so does a request that
    /// has been in flight for a minute.
    #[must_use]
    pub fn can_grow_older(&self) -> bool {
        let changes =
            self.awaits_arrival() || self.record.is_some_and(|record| record.can_grow_older());
        let is_late = |pass: &Pass| matches!(pass, Pass::Late { .. });
        changes
            && !self.is_about_to_be_sent_to()
            && self.must_arrive == [false; 3]
            && !self.passes.iter().flatten().any(is_late)
    }

    /// Lets a minute pass.
    pub fn grow_older(&mut self) {
        // An Update takes less than ten minutes.
        let nothing_under_way = !self.awaits_arrival() && self.status != Status::Updating;
        self.must_arrive = self.on_the_way.map(|count| count > 0);
        if let Some(record) = &mut self.record {
            record.grow_older(nothing_under_way);
        }
        for pass in self.passes.iter_mut().flatten() {
            match pass {
                Pass::Decided { next: record, .. }
                | Pass::Noted { unsent: record, .. }
                | Pass::Refused { unsent: record }
                | Pass::Late { next: record } => record.grow_older(nothing_under_way),
            }
        }
    }

    /// Returns true if the record's step can time out.
    #[must_use]
    pub fn can_reach_deadline(&self) -> bool {
        self.passes == [None; 2]
            && self
                .record
                .is_some_and(|record| !record.is_finished() && !record.at_deadline)
    }

    /// Lets the record's step time out.
    pub fn reach_deadline(&mut self) {
        if let Some(record) = &mut self.record {
            record.at_deadline = true;
            record.created = Age::Settled;
        }
    }

    pub(crate) fn no_longer_on_the_way(&mut self, call: Call) {
        self.on_the_way[index(call)] -= 1;
        self.must_arrive[index(call)] &= self.on_the_way[index(call)] > 0;
    }
}

fn arrives(call: Call) -> &'static str {
    match call {
        Call::Stop => "a Stop arrives late",
        Call::Update => "an Update arrives late",
        Call::Start => "a Start arrives late",
    }
}

fn is_lost(call: Call) -> &'static str {
    match call {
        Call::Stop => "a Stop is lost",
        Call::Update => "an Update is lost",
        Call::Start => "a Start is lost",
    }
}
