//! The search: every state within a number of faults, the promises in each, and a fair run from
//! each.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    time::{Duration, Instant},
};

use sudoless_core::decide::Row;

use crate::{
    fair::Endings,
    mutation::Mutation,
    notebook::{Notebook, Status},
    policy::PolicyState,
    product::Product,
    scope::Scope,
    world::{Quick, State, Step, World},
};

/// Results of a search.
#[derive(Clone, Debug)]
pub struct Report {
    /// Number of states.
    pub states: usize,
    /// Number of steps between states.
    pub steps: u64,
    /// Number of states of single notebooks.
    pub states_of_one: usize,
    /// Number of states of fair runs, including those out of reach within the faults.
    pub endings: usize,
    /// Rows of the table used.
    pub rows: BTreeSet<Row>,
    /// Duration of the search.
    pub took: Duration,
}

/// A broken promise, and the path to it.
#[derive(Debug)]
pub struct Broken {
    /// The promise, or the problem at the end of the fair run.
    pub promise: String,
    /// One line for each step.
    pub trace: Vec<String>,
}

/// The previous state, the event, and its notebook.
type Parent = (State, &'static str, Option<usize>);

struct Search {
    world: World,
    endings: Endings,
    found: HashSet<u64, Quick>,
    /// Parent of each state, if a trace is wanted.
    parents: Option<HashMap<u64, Parent, Quick>>,
    steps: u64,
}

/// Searches a scope.
///
/// # Errors
/// The first broken promise.
pub fn search(scope: Scope, mutation: Option<Mutation>) -> Result<Report, Box<Broken>> {
    let began = Instant::now();
    let mut search = Search::new(scope, mutation, false);
    match search.run(scope.faults) {
        Ok(()) => Ok(Report {
            states: search.found.len(),
            steps: search.steps,
            states_of_one: search.world.states_of_one(),
            endings: search.endings.len(),
            rows: search.world.product.rows,
            took: began.elapsed(),
        }),
        // Searches again, with the parents of all states.
        Err(_) => match Search::new(scope, mutation, true).run(scope.faults) {
            Ok(()) => unreachable!("the order is always the same"),
            Err(broken) => Err(broken),
        },
    }
}

impl Search {
    fn new(scope: Scope, mutation: Option<Mutation>, traced: bool) -> Self {
        let product = Product::new(scope, mutation);
        Self {
            world: World::new(product, scope),
            endings: Endings::default(),
            found: HashSet::default(),
            parents: traced.then(HashMap::default),
            steps: 0,
        }
    }

    fn run(&mut self, faults: usize) -> Result<(), Box<Broken>> {
        let mut layer = Vec::new();
        for state in self.beginnings() {
            if self.found.insert(self.world.key(&state)) {
                layer.push(self.world.key(&state));
            }
        }
        for fault in 0..=faults {
            self.close(&mut layer)?;
            if fault < faults {
                layer = self.spread(&layer)?;
            }
        }
        Ok(())
    }

    /// Returns every state with untouched notebooks.
    fn beginnings(&mut self) -> Vec<State> {
        let ways = [Status::InService, Status::Stopped].map(Notebook::untouched);
        let count = self.world.len();
        (0..ways.len().pow(3))
            .map(|number| {
                let chosen = [number & 1, number >> 1 & 1, number >> 2 & 1].map(|way| ways[way]);
                self.world.state(&chosen[..count], PolicyState::Enforce)
            })
            .collect()
    }

    /// Adds the states that can be reached without another fault.
    fn close(&mut self, layer: &mut Vec<u64>) -> Result<(), Box<Broken>> {
        let mut steps = Vec::new();
        let mut at = 0;
        while let Some(key) = layer.get(at) {
            let state = self.world.of_key(*key);
            at += 1;
            self.examine(&state)?;
            self.world.steps(&state, false, &mut steps);
            self.take(&state, &steps, layer)?;
        }
        Ok(())
    }

    /// Returns the states that can be reached by one more fault.
    fn spread(&mut self, layer: &[u64]) -> Result<Vec<u64>, Box<Broken>> {
        let mut steps = Vec::new();
        let mut next = Vec::new();
        for key in layer {
            let state = self.world.of_key(*key);
            self.world.steps(&state, true, &mut steps);
            self.take(&state, &steps, &mut next)?;
        }
        Ok(next)
    }

    fn take(
        &mut self,
        state: &State,
        steps: &[Step],
        next: &mut Vec<u64>,
    ) -> Result<(), Box<Broken>> {
        self.steps += steps.len() as u64;
        for step in steps {
            if let Some(promise) = step.broken {
                let mut trace = self.trace(state);
                trace.push(step.line());
                return Err(Box::new(Broken {
                    promise: promise.to_owned(),
                    trace,
                }));
            }
            let key = self.world.key(&step.next);
            if self.found.insert(key) {
                next.push(key);
                if let Some(parents) = &mut self.parents {
                    parents.insert(key, (*state, step.what, step.to));
                }
            }
        }
        Ok(())
    }

    fn examine(&mut self, state: &State) -> Result<(), Box<Broken>> {
        if let Some(promise) = self.world.broken(state) {
            return Err(Box::new(Broken {
                promise: promise.to_owned(),
                trace: self.trace(state),
            }));
        }
        self.endings
            .follow(&mut self.world, state)
            .map_err(|ending| {
                let mut trace = self.trace(state);
                trace.push("from here on nothing goes wrong:".to_owned());
                trace.extend(ending.states.iter().map(|state| self.shown(state)));
                Box::new(Broken {
                    promise: format!("it does not end well: {}", ending.why),
                    trace,
                })
            })
    }

    /// Returns the path to a state.
    fn trace(&self, state: &State) -> Vec<String> {
        let mut lines = vec![self.shown(state)];
        let mut state = *state;
        while let Some((before, what, to)) = self
            .parents
            .as_ref()
            .and_then(|parents| parents.get(&self.world.key(&state)))
        {
            lines.push(line(what, *to));
            lines.push(self.shown(before));
            state = *before;
        }
        lines.reverse();
        lines
    }

    fn shown(&self, state: &State) -> String {
        let notebooks: Vec<String> = state.notebooks[..self.world.len()]
            .iter()
            .map(|number| self.world.notebook(*number).to_string())
            .collect();
        format!("    {:?}; {}", state.policy, notebooks.join("; "))
    }
}

impl Step {
    fn line(&self) -> String {
        line(self.what, self.to)
    }
}

fn line(what: &str, to: Option<usize>) -> String {
    match to {
        Some(place) => format!("{place}: {what}"),
        None => what.to_owned(),
    }
}

impl World {
    /// Encodes a state as a number.
    #[must_use]
    pub fn key(&self, state: &State) -> u64 {
        let bits = 60 / self.len();
        let mut key = state.policy as u64;
        for number in &state.notebooks[..self.len()] {
            let number = u64::from(*number);
            assert!(number >> bits == 0, "more states of a notebook than fit");
            key = key << bits | number;
        }
        key
    }

    /// Decodes a state from its number.
    fn of_key(&self, mut key: u64) -> State {
        let bits = 60 / self.len();
        let mut notebooks = [0; 3];
        for number in notebooks[..self.len()].iter_mut().rev() {
            *number = u32::try_from(key & ((1 << bits) - 1)).expect("it was one");
            key >>= bits;
        }
        State {
            notebooks,
            policy: PolicyState::ALL[usize::try_from(key).expect("it was one")],
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.promise)?;
        for line in &self.trace {
            writeln!(formatter, "{line}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} states, {} steps, {} states of one notebook, {} endings, {} rows, {:.1} s",
            self.states,
            self.steps,
            self.states_of_one,
            self.endings,
            self.rows.len(),
            self.took.as_secs_f64()
        )
    }
}
