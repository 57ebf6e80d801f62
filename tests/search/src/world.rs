//! All notebooks together. Each notebook's states are numbered, and the successors of each are
//! computed once.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    rc::Rc,
};

use sudoless_core::decide::{Budget, Request};

use crate::{
    notebook::{Claim, Move, Notebook, Pass},
    pass::{LEADER, OTHER},
    policy::PolicyState,
    product::{Admission, Candidate, Product, Records},
    scope::{Claims, Operators, Scope},
};

/// A state: the numbers of the notebooks in ascending order, and the state of the policy. Notebooks
/// are alike, so that their order has no meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Numbers of the notebooks. Unused entries are zero.
    pub notebooks: [u32; 3],
    /// State of the policy.
    pub policy: PolicyState,
}

/// A step from one state to another.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Description of the event.
    pub what: &'static str,
    /// Notebook of the event, by its index in the previous state.
    pub to: Option<usize>,
    /// Promise broken by the step.
    pub broken: Option<&'static str>,
    /// Next state.
    pub next: State,
}

/// Properties of a notebook's state that matter to the others.
#[derive(Clone, Copy, Debug)]
struct Known {
    notebook: Notebook,
    claims: [Option<Claim>; 2],
    asks_budget: bool,
    claimed: bool,
    down: bool,
    restored: bool,
    gave_slot_back: bool,
    needs_attention: bool,
    stranded: bool,
}

#[derive(Clone, Copy, Debug)]
struct Followed {
    next: u32,
    what: &'static str,
    broken: Option<&'static str>,
    begins_claim: bool,
    decides_to_stop: bool,
}

/// Knowledge about the states of single notebooks.
pub struct World {
    /// The real functions.
    pub product: Product,
    operators: Operators,
    claims: Claims,
    outages_last: bool,
    numbers: HashMap<Notebook, u32, Quick>,
    known: Vec<Known>,
    follows: HashMap<(u32, u8), Rc<[Followed]>, Quick>,
    moves: Vec<Move>,
}

impl World {
    /// Creates a world without any knowledge.
    #[must_use]
    pub fn new(product: Product, scope: Scope) -> Self {
        Self {
            product,
            operators: scope.operators,
            claims: scope.claims,
            outages_last: scope.outages_last,
            numbers: HashMap::default(),
            known: Vec::new(),
            follows: HashMap::default(),
            moves: Vec::new(),
        }
    }

    /// Returns the number of notebooks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.product.fleet.notebooks
    }

    /// Returns true if there is no notebook.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of known states of single notebooks.
    #[must_use]
    pub fn states_of_one(&self) -> usize {
        self.known.len()
    }

    /// Returns the notebook of a number.
    #[must_use]
    pub fn notebook(&self, number: u32) -> &Notebook {
        &self.known[number as usize].notebook
    }

    /// Returns the state of some notebooks.
    pub fn state(&mut self, notebooks: &[Notebook], policy: PolicyState) -> State {
        let mut numbers = [0; 3];
        for (number, notebook) in numbers.iter_mut().zip(notebooks) {
            *number = self.number(notebook);
        }
        self.sorted(numbers, policy)
    }

    /// Returns a state with one notebook changed.
    pub fn changed(&mut self, state: &State, place: usize, notebook: &Notebook) -> State {
        let number = self.number(notebook);
        self.replaced(state, place, number)
    }

    fn replaced(&self, state: &State, place: usize, number: u32) -> State {
        let mut notebooks = state.notebooks;
        notebooks[place] = number;
        self.sorted(notebooks, state.policy)
    }

    fn sorted(&self, mut notebooks: [u32; 3], policy: PolicyState) -> State {
        notebooks[..self.len()].sort_unstable();
        State { notebooks, policy }
    }

    fn number(&mut self, notebook: &Notebook) -> u32 {
        if let Some(number) = self.numbers.get(notebook) {
            return *number;
        }
        let mut notebook = notebook.reduced();
        if self.len() > 1 {
            notebook = notebook.ageless();
        }
        let notebook = &notebook;
        if let Some(number) = self.numbers.get(notebook) {
            return *number;
        }
        let number = u32::try_from(self.known.len()).expect("there are not so many");
        let record = notebook.record;
        let stop_requested = notebook.is_stop_requested();
        self.known.push(Known {
            notebook: *notebook,
            claims: notebook.claims,
            asks_budget: notebook.asks_budget(),
            claimed: record.is_some_and(|record| record.takes_a_slot()),
            down: stop_requested || notebook.owed,
            restored: record.is_some_and(|record| record.restored),
            gave_slot_back: record.is_some_and(|record| record.gave_slot_back),
            needs_attention: record.is_some_and(|record| record.is_down_and_needs_attention()),
            stranded: notebook.is_stranded(),
        });
        self.numbers.insert(*notebook, number);
        number
    }

    /// Returns the records of all notebooks, in order.
    #[must_use]
    pub fn records(&self, state: &State) -> Records {
        let mut records = Records::default();
        for (record, number) in records.iter_mut().zip(&state.notebooks[..self.len()]) {
            *record = self.notebook(*number).record;
        }
        records
    }

    /// Returns the budget for a pass that may be about to stop the notebook.
    pub fn budget(&mut self, state: &State, place: usize) -> Budget {
        let number = state.notebooks[place];
        let lists = state.policy != PolicyState::Unlisted;
        if !lists || !self.known[number as usize].asks_budget {
            return Budget::Kept;
        }
        let records = self.records(state);
        self.product.budget(state.policy, place, records)
    }

    /// Returns the result of a notebook's claim.
    pub fn admit(&mut self, state: &State, place: usize, was_running: bool) -> Admission {
        let notebook = self.notebook(state.notebooks[place]);
        let candidate = Candidate {
            index: place,
            exempt: notebook.exempt,
            retired: notebook.retired,
            was_running,
        };
        let records = self.records(state);
        self.product.admit(state.policy, candidate, records)
    }

    /// Returns the promise that a state breaks.
    #[must_use]
    pub fn broken(&self, state: &State) -> Option<&'static str> {
        let fleet = &self.product.fleet;
        let all = || state.notebooks[..self.len()].iter();
        let known = |number: &u32| self.known[*number as usize];
        if all().any(|number| known(number).stranded) {
            return Some("P2: a Stop of ours took it down, and no record says so");
        }
        // A record takes a slot from its creation. Several processes may each create a record at
        // the same time, and a record may be created late or by a backup. Each Stop counts again
        // then, so that no more notebooks are down.
        let claims_alone = self.operators != Operators::Two
            && !self.product.stores_late
            && !all().any(|number| known(number).restored);
        let takes_a_slot = |each: Known| each.down || (claims_alone && each.claimed);
        let mut down = 0;
        let mut given_back = 0;
        for each in all().map(known).filter(|each| takes_a_slot(*each)) {
            down += 1;
            given_back += u32::from(each.gave_slot_back);
        }
        let most_given_back = fleet.budgets.failures - 1;
        if down > fleet.budgets.over_all + given_back.min(most_given_back) {
            return Some("P6: maxConcurrent");
        }
        (down > fleet.budgets.per_region && !fleet.apart).then_some("P6: maxConcurrentPerRegion")
    }

    /// Returns true if so many other notebooks are down and need attention that no further notebook
    /// may be stopped.
    fn is_halted(&self, state: &State, place: usize) -> bool {
        let others = (0..self.len()).filter(|other| *other != place);
        let needing = others
            .filter(|other| self.known[state.notebooks[*other] as usize].needs_attention)
            .count();
        needing >= self.product.fleet.budgets.failures as usize
    }

    /// Adds the next steps, without a fault or by one.
    pub fn steps(&mut self, state: &State, by_fault: bool, steps: &mut Vec<Step>) {
        steps.clear();
        for (next, what, faults) in state.policy.turns() {
            let applies = *next != PolicyState::Orphaned || self.product.adoption;
            if applies && (*faults > 0) == by_fault {
                steps.push(Step {
                    what,
                    to: None,
                    broken: None,
                    next: State {
                        policy: *next,
                        ..*state
                    },
                });
            }
        }
        let is_long = state.policy == PolicyState::WritesUnanswered && self.outages_last;
        if is_long && !by_fault {
            let next = self.past_deadlines(state);
            steps.extend(next.map(|next| Step {
                what: "the outage outlasts every timeout",
                to: None,
                broken: None,
                next,
            }));
        }
        let claiming = self.is_claiming(state);
        for place in 0..self.len() {
            let budget = self.budget(state, place);
            let number = state.notebooks[place];
            let followed = self.follows(number, (state.policy, budget, by_fault));
            let halted = self.is_halted(state, place);
            for each in followed.iter() {
                if !(each.begins_claim && claiming) {
                    let ignores_brake = (halted && each.decides_to_stop)
                        .then_some("P6: a Stop while maxFailures are down and need attention");
                    steps.push(Step {
                        what: each.what,
                        to: Some(place),
                        broken: each.broken.or(ignores_brake),
                        next: self.replaced(state, place, each.next),
                    });
                }
            }
            if !by_fault && self.claims == Claims::AtOnce && !claiming {
                let claimed = self.claimed_at_once(state, place);
                steps.extend(claimed);
            }
            if !by_fault {
                self.admissions(state, place, steps);
            }
        }
        if self.operators == Operators::Two && !by_fault {
            steps.extend(self.lease_changes(state));
        }
    }

    /// Returns true if the leader has a claim in flight. It makes one at a time.
    #[must_use]
    pub fn is_claiming(&self, state: &State) -> bool {
        state.notebooks[..self.len()]
            .iter()
            .any(|number| self.known[*number as usize].claims[LEADER].is_some())
    }

    /// Returns a claim that is described and listed in one step, if it has an effect.
    fn claimed_at_once(&mut self, state: &State, place: usize) -> Option<Step> {
        let begun = self
            .notebook(state.notebooks[place])
            .begin_claim(state.policy)?;
        let Some(Claim::Described { was_running }) = begun.notebook.claims[LEADER] else {
            return None;
        };
        let admission = self.admit(state, place, was_running);
        let listed = begun.notebook.admitted(LEADER, admission);
        listed.notebook.claims[LEADER]?;
        Some(Step {
            what: "it is described and admitted for a claim",
            to: Some(place),
            broken: None,
            next: self.changed(state, place, &listed.notebook),
        })
    }

    fn admissions(&mut self, state: &State, place: usize, steps: &mut Vec<Step>) {
        let claims = self.known[state.notebooks[place] as usize].claims;
        for (slot, claim) in claims.into_iter().enumerate() {
            if let Some(Claim::Described { was_running }) = claim {
                let admission = self.admit(state, place, was_running);
                let notebook = *self.notebook(state.notebooks[place]);
                let listed = notebook.admitted(slot, admission);
                steps.push(Step {
                    what: listed.what,
                    to: Some(place),
                    broken: None,
                    next: self.changed(state, place, &listed.notebook),
                });
            }
        }
    }

    /// Gives the lease to the other operator. Work in flight of the first may still write, but not
    /// send.
    fn lease_changes(&mut self, state: &State) -> Option<Step> {
        let mut notebooks = state.notebooks.map(|_| 0);
        for (place, number) in notebooks[..self.len()].iter_mut().enumerate() {
            let mut notebook = *self.notebook(state.notebooks[place]);
            notebook.lose_lease(&self.product);
            *number = self.number(&notebook);
        }
        let next = self.sorted(notebooks, state.policy);
        (next != *state).then_some(Step {
            what: "the other operator takes the lease",
            to: None,
            broken: None,
            next,
        })
    }

    fn follows(
        &mut self,
        number: u32,
        (policy, budget, by_fault): (PolicyState, Budget, bool),
    ) -> Rc<[Followed]> {
        let which = (policy as u8 * 3 + budget as u8) * 2 + u8::from(by_fault);
        if let Some(follows) = self.follows.get(&(number, which)) {
            return Rc::clone(follows);
        }
        let notebook = *self.notebook(number);
        let mut moves = std::mem::take(&mut self.moves);
        moves.clear();
        notebook.natural_moves(policy, self.len() == 1, &mut moves);
        notebook.acts(policy, &mut moves);
        for slot in [LEADER, OTHER] {
            moves.extend(notebook.begin_pass(slot, (policy, budget), &mut self.product));
        }
        notebook.pass_moves(policy, &mut self.product, &mut moves);
        notebook.claim_moves(&self.product, &mut moves);
        if self.claims == Claims::InTwoSteps {
            moves.extend(notebook.begin_claim(policy));
        }
        let follows: Rc<[Followed]> = moves
            .iter()
            .filter(|each| (each.faults > 0) == by_fault)
            .map(|each| Followed {
                next: self.number(&each.notebook),
                what: each.what,
                broken: each.broken,
                begins_claim: notebook.claims[LEADER].is_none()
                    && each.notebook.claims[LEADER].is_some(),
                decides_to_stop: decides_to_stop(&notebook, &each.notebook),
            })
            .collect();
        self.moves = moves;
        self.follows.insert((number, which), Rc::clone(&follows));
        follows
    }
}

/// Returns true if a pass began that is about to stop a running notebook.
fn decides_to_stop(before: &Notebook, after: &Notebook) -> bool {
    let begun = before.passes.iter().zip(&after.passes);
    begun.into_iter().any(|(before, after)| {
        let stops = matches!(
            after,
            Some(Pass::Decided {
                request: Some(Request::Probe | Request::Stop),
                ..
            })
        );
        before.is_none() && stops
    })
}

/// A hash that is fast and good enough, because its input is trusted.
#[derive(Default)]
pub struct QuickHasher(u64);

/// Builder of the hash.
pub type Quick = BuildHasherDefault<QuickHasher>;

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(23) ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value.cast_unsigned() as u64);
    }
}
