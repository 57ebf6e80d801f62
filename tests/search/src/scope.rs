//! What is searched: with each change, and in full.

use std::fmt;

use crate::{policy::Budgets, product::Fleet};

/// What is searched.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// The notebooks and the budgets.
    pub fleet: Fleet,
    /// Whether a second operator may take the lease at any time.
    pub operators: Operators,
    /// How a claim reads.
    pub claims: Claims,
    /// Whether a write at the API server may be stored after its pass or claim has ended.
    pub stores_late: bool,
    /// Whether an outage of AWS's writes outlasts every timeout without another fault.
    pub outages_last: bool,
    /// The most faults of a path.
    pub faults: usize,
}

/// How many operators there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operators {
    /// One, which may crash.
    One,
    /// Two: either may take the lease at any time, and what the other one has under way goes on, but is not sent.
    Two,
    /// Two with a lease and policies of their own, and both send: the other one adopts what nobody wrote for long.
    Shards,
}

/// How a claim reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claims {
    /// The notebook first, the records later: others act in between.
    InTwoSteps,
    /// Both in one step: a fifth of the states.
    AtOnce,
}

const ONE: Fleet = Fleet {
    notebooks: 1,
    apart: false,
    budgets: Budgets {
        over_all: 1,
        per_region: 1,
        failures: 2,
    },
};
const TWO: Fleet = Fleet {
    notebooks: 2,
    ..ONE
};
const TWO_APART: Fleet = Fleet { apart: true, ..TWO };
/// Two may be down at the same time, once the canary came back.
const THREE_APART: Fleet = Fleet {
    notebooks: 3,
    ..TWO_APART
};
const THREE: Fleet = Fleet {
    notebooks: 3,
    apart: false,
    budgets: Budgets {
        over_all: 2,
        per_region: 2,
        failures: 2,
    },
};

/// With each change: half a minute.
pub const QUICK: [Scope; 13] = [
    scope(ONE, 2),
    scope(ONE, 2).read_in_two_steps(),
    scope(ONE, 2).stored_late(),
    scope(ONE, 1).with_two_operators(),
    scope(ONE, 2).with_adoption(),
    scope(TWO, 1),
    scope(TWO_APART, 1),
    scope(TWO, 1).read_in_two_steps(),
    scope(TWO_APART, 1).stored_late(),
    scope(TWO, 0).with_two_operators(),
    scope(TWO, 1).with_adoption(),
    scope(THREE, 1).with_short_outages(),
    scope(THREE_APART, 1).with_short_outages(),
];

/// In full: ten minutes.
pub const FULL: [Scope; 14] = [
    scope(ONE, 3),
    scope(ONE, 3).read_in_two_steps(),
    scope(ONE, 3).stored_late(),
    scope(ONE, 2).with_two_operators(),
    scope(ONE, 3).with_adoption(),
    scope(TWO, 2),
    scope(TWO_APART, 2),
    scope(TWO, 2).read_in_two_steps(),
    scope(TWO_APART, 2).stored_late(),
    scope(TWO, 1).with_two_operators(),
    scope(TWO_APART, 1).with_two_operators(),
    scope(TWO, 2).with_adoption(),
    scope(THREE, 1),
    scope(THREE_APART, 1),
];

/// Where most mutations are looked for.
pub const FOR_ONE: Scope = scope(ONE, 2);
/// Where those are looked for that take two operators to see.
pub const FOR_TWO_OPERATORS: Scope = scope(TWO, 1).with_two_operators();
/// Where those are looked for that are about `maxConcurrent`.
pub const FOR_BUDGETS: Scope = scope(TWO_APART, 2);
/// Where those are looked for that are about adoption.
pub const FOR_ADOPTION: Scope = scope(ONE, 1).with_adoption();

const fn scope(fleet: Fleet, faults: usize) -> Scope {
    Scope {
        fleet,
        operators: Operators::One,
        claims: Claims::AtOnce,
        stores_late: false,
        outages_last: true,
        faults,
    }
}

impl Scope {
    const fn with_two_operators(self) -> Self {
        Self {
            operators: Operators::Two,
            ..self
        }
    }

    const fn with_adoption(self) -> Self {
        Self {
            operators: Operators::Shards,
            ..self
        }
    }

    const fn with_short_outages(self) -> Self {
        Self {
            outages_last: false,
            ..self
        }
    }

    const fn stored_late(self) -> Self {
        Self {
            stores_late: true,
            ..self
        }
    }

    const fn read_in_two_steps(self) -> Self {
        Self {
            claims: Claims::InTwoSteps,
            ..self
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fleet {
            notebooks,
            apart,
            budgets,
        } = self.fleet;
        write!(formatter, "{notebooks} notebook(s)")?;
        if notebooks > 1 {
            let regions = if apart {
                "different regions"
            } else {
                "one region"
            };
            let (most, each) = (budgets.over_all, budgets.per_region);
            write!(formatter, " in {regions}, budgets {most} and {each}")?;
        }
        if self.operators == Operators::Two {
            write!(formatter, ", two operators")?;
        }
        if self.operators == Operators::Shards {
            write!(formatter, ", adoption")?;
        }
        if self.stores_late {
            write!(formatter, ", writes stored late")?;
        }
        if !self.outages_last {
            write!(formatter, ", short outages")?;
        }
        if self.claims == Claims::InTwoSteps {
            write!(formatter, ", claims read in two steps")?;
        }
        write!(formatter, ", up to {} fault(s)", self.faults)
    }
}
