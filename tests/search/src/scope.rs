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
    },
};
const TWO: Fleet = Fleet {
    notebooks: 2,
    ..ONE
};
const TWO_APART: Fleet = Fleet { apart: true, ..TWO };
/// Two may be down at the same time, once the canary came back.
const THREE: Fleet = Fleet {
    notebooks: 3,
    apart: false,
    budgets: Budgets {
        over_all: 2,
        per_region: 2,
    },
};

/// With each change: half a minute.
pub const QUICK: [Scope; 7] = [
    scope(ONE, 3),
    scope(ONE, 2).read_in_two_steps(),
    scope(TWO, 2),
    scope(TWO_APART, 2),
    scope(THREE, 1),
    scope(TWO, 1).with_two_operators(),
    scope(TWO, 1).read_in_two_steps(),
];

/// In full: a quarter of an hour.
pub const FULL: [Scope; 8] = [
    scope(ONE, 4),
    scope(ONE, 3).read_in_two_steps(),
    scope(TWO, 3),
    scope(TWO_APART, 3),
    scope(THREE, 2),
    scope(TWO, 2).with_two_operators(),
    scope(TWO_APART, 1).with_two_operators(),
    scope(TWO, 2).read_in_two_steps(),
];

/// Where a mutation is looked for: one operator and one notebook, or two of each.
pub const FOR_MUTATIONS: [Scope; 2] = [scope(ONE, 2), scope(TWO, 1).with_two_operators()];

const fn scope(fleet: Fleet, faults: usize) -> Scope {
    Scope {
        fleet,
        operators: Operators::One,
        claims: Claims::AtOnce,
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
        if self.claims == Claims::InTwoSteps {
            write!(formatter, ", claims read in two steps")?;
        }
        write!(formatter, ", up to {} fault(s)", self.faults)
    }
}
