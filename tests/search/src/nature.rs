//! What AWS does by itself, what becomes of what is under way, and the time.

use sudoless::domain::Call;

use crate::notebook::{Move, Notebook, Pass, Status, index};

impl Notebook {
    /// What AWS does by itself, and the time.
    pub fn natural_moves(&self, moves: &mut Vec<Move>) {
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
        for call in Call::ALL {
            if self.on_the_way[index(call)] == 0 {
                continue;
            }
            add(arrives(call), 0, &|it| {
                it.no_longer_on_the_way(call);
                it.arrive(call)
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
            Status::Pending => Some("its start fails"),
            Status::Updating => Some("its update fails"),
            _ => None,
        };
        if let Some(what) = fails {
            add(what, 1, &|it| {
                it.status = Status::Failed;
                None
            });
        }
        if self.can_grow_older() {
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

    /// What a transition ends in. It may take no time at all.
    #[must_use]
    pub fn completes(&self) -> Option<(Status, &'static str)> {
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

    /// A transition ends.
    pub fn complete(&mut self, status: Status) {
        if self.status == Status::Updating {
            self.has_root = false;
        }
        self.settle_in(status);
    }

    /// Whether a minute may pass: a pass is over by then, and so is what was on the way for a minute already.
    #[must_use]
    pub fn can_grow_older(&self) -> bool {
        let writes = self.record.and_then(|record| record.last_write);
        let stops = self.record.and_then(|record| record.unanswered_stop);
        let mut ages = writes.into_iter().chain(stops);
        let changes = self.awaits_arrival() || ages.any(|age| age != age.older());
        changes && self.about_to_send().is_none() && self.must_arrive == [false; 3]
    }

    /// A minute passes.
    pub fn grow_older(&mut self) {
        self.must_arrive = self.on_the_way.map(|count| count > 0);
        if let Some(record) = &mut self.record {
            record.grow_older();
        }
        for pass in self.passes.iter_mut().flatten() {
            if let Pass::Decided { next, .. } = pass {
                next.grow_older();
            }
        }
    }

    /// Whether its step can take too long.
    #[must_use]
    pub fn can_reach_deadline(&self) -> bool {
        self.passes == [None; 2]
            && self
                .record
                .is_some_and(|record| !record.is_finished() && !record.at_deadline)
    }

    /// Its step takes too long.
    pub fn reach_deadline(&mut self) {
        if let Some(record) = &mut self.record {
            record.at_deadline = true;
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
