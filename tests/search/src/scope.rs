//! Scopes of the search, for each change and in full.

use std::fmt;

use crate::{policy::Budgets, product::Fleet};

/// Scope of a search.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Notebooks and budgets.
    pub fleet: Fleet,
    /// Number of operators and their relation.
    pub operators: Operators,
    /// Reads of a claim.
    pub claims: Claims,
    /// True if a write at the API server may be stored after its pass or claim has ended.
    pub stores_late: bool,
    /// True if an outage of AWS's writes outlasts every timeout without another fault.
    pub outages_last: bool,
    /// Upper limit on the faults of a path.
    pub faults: usize,
}

/// Number of operators and their relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operators {
    /// One operator, which may crash.
    One,
    /// Two operators. Either may take the lease at any time. Work in flight of the other one
    /// continues, but sends nothing.
    Two,
    /// Two operators with their own leases and policies. Both send. The other one adopts records
    /// without recent writes.
    Shards,
}

/// Reads of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claims {
    /// The notebook is read first and the records later, so that other actors act in between.
    InTwoSteps,
    /// Both are read in one step, which needs a fifth of the states.
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
/// Two notebooks may be down at the same time after the canary has come back.
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

/// Scopes for each change: half a minute.
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

/// Scopes in full: ten minutes.
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

/// Scope for most mutations.
pub const FOR_ONE: Scope = scope(ONE, 2);
/// Scope for mutations that need two operators.
pub const FOR_TWO_OPERATORS: Scope = scope(TWO, 1).with_two_operators();
/// Scope for mutations of `maxConcurrent`.
pub const FOR_BUDGETS: Scope = scope(TWO_APART, 2);
/// Scope for mutations of adoption.
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
