//! Whether all ends well once nothing goes wrong any more.
//!
//! From a state one run is followed in which every pass goes through, everything that is under way arrives, and time passes when
//! nothing else is left to do. It ends in a circle, mostly of one state; in it every notebook is as it should be, or flagged.

use std::collections::{HashMap, HashSet};

use sudoless::domain::{Call, RecordState};

use crate::{
    notebook::{Claim, Notebook, Pass, Status, index},
    pass::LEADER,
    policy::PolicyState,
    product::Admission,
    record::Age,
    world::{Quick, State, World},
};

/// The states that are known to end well.
#[derive(Debug, Default)]
pub struct Endings {
    good: HashSet<u64, Quick>,
}

/// A run that ends badly: its states, and what is wrong with the last.
#[derive(Debug)]
pub struct BadEnding {
    /// The states.
    pub states: Vec<State>,
    /// What is wrong.
    pub why: String,
}

impl Endings {
    /// How many states are known to end well.
    #[must_use]
    pub fn len(&self) -> usize {
        self.good.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.good.is_empty()
    }

    /// Follows the run from a state.
    ///
    /// # Errors
    /// How it ends, if badly.
    pub fn follow(&mut self, world: &mut World, state: &State) -> Result<(), Box<BadEnding>> {
        let mut states: Vec<State> = Vec::new();
        let mut places: HashMap<u64, usize, Quick> = HashMap::default();
        let mut state = *state;
        let circle = loop {
            let key = world.key(&state);
            if self.good.contains(&key) {
                break states.len();
            }
            if let Some(place) = places.insert(key, states.len()) {
                break place;
            }
            states.push(state);
            match world.fair(&state) {
                Some(next) => state = next,
                None => break states.len() - 1,
            }
        };
        for at in circle..states.len() {
            if let Err(why) = world.rests(&states[at]) {
                states.truncate(at + 1);
                return Err(Box::new(BadEnding { states, why }));
            }
        }
        self.good.extend(places.into_keys());
        Ok(())
    }
}

impl World {
    /// The next state of the fair run.
    pub fn fair(&mut self, state: &State) -> Option<State> {
        for place in 0..self.len() {
            let notebook = *self.notebook(state.notebooks[place]);
            if let Some(Claim::Described { was_running }) = notebook.claims[LEADER] {
                let admission = self.admit(state, place, was_running);
                let listed = notebook.admitted(LEADER, admission);
                return Some(self.changed(state, place, &listed.notebook));
            }
            if let Some(next) = self.urgent(&notebook, state.policy) {
                return Some(self.changed(state, place, &next));
            }
        }
        for place in 0..self.len() {
            let notebook = *self.notebook(state.notebooks[place]);
            let exceeded = self.exceeds(state, place);
            let begun = notebook.begin_pass(state.policy, exceeded, &mut self.product);
            if let Some(begun) = begun {
                return Some(self.changed(state, place, &begun.notebook));
            }
        }
        for place in 0..self.len() {
            let notebook = *self.notebook(state.notebooks[place]);
            if let Some(begun) = notebook.begin_claim(state.policy)
                && let Some(Claim::Described { was_running }) = begun.notebook.claims[LEADER]
                && matches!(
                    self.admit(state, place, was_running),
                    Admission::Admitted { .. }
                )
            {
                return Some(self.changed(state, place, &begun.notebook));
            }
        }
        self.later(state)
    }

    /// What happens at once.
    fn urgent(&mut self, notebook: &Notebook, policy: PolicyState) -> Option<Notebook> {
        let other = 1 - LEADER;
        if notebook.passes[other].is_some() {
            return Some(notebook.crash(other).notebook);
        }
        if notebook.claims[other].is_some() {
            return Some(notebook.drop_claim(other).notebook);
        }
        let moved = match notebook.passes[LEADER] {
            Some(Pass::Decided { .. }) => notebook.write(LEADER, &self.product),
            Some(Pass::Noted { .. }) => notebook.send(LEADER, &mut self.product),
            None => notebook.create(LEADER),
        };
        if let Some(moved) = moved {
            return Some(moved.notebook);
        }
        let mut next = *notebook;
        if let Some(call) = Call::ALL
            .into_iter()
            .find(|call| notebook.on_the_way[index(*call)] > 0)
        {
            next.no_longer_on_the_way(call);
            let _ = next.arrive(call);
            return Some(next);
        }
        if let Some((status, _)) = notebook.completes() {
            next.complete(status);
            return Some(next);
        }
        let stays = notebook.record.is_none_or(|record| record.being_deleted);
        (policy == PolicyState::Deleted && !stays).then(|| {
            next.delete_record();
            next
        })
    }

    /// A minute passes for all, and once nothing can arrive any more, the timeouts pass too.
    fn later(&mut self, state: &State) -> Option<State> {
        let mut next = *state;
        let mut notebooks = Vec::with_capacity(self.len());
        for place in 0..self.len() {
            let mut notebook = *self.notebook(state.notebooks[place]);
            let grows = notebook.can_grow_older();
            if grows {
                notebook.grow_older();
            }
            let settled = notebook
                .record
                .is_some_and(|record| record.last_write == Some(Age::Settled));
            if (settled || !grows) && notebook.can_reach_deadline() {
                notebook.reach_deadline();
            }
            notebooks.push(notebook);
        }
        next = self.state(&notebooks, next.policy);
        (next != *state).then_some(next)
    }

    /// Whether every notebook may stay as it is.
    fn rests(&mut self, state: &State) -> Result<(), String> {
        for place in 0..self.len() {
            let notebook = *self.notebook(state.notebooks[place]);
            self.may_stay(state, place, &notebook)
                .map_err(|why| format!("notebook {place}: {why}"))?;
        }
        Ok(())
    }

    fn may_stay(&mut self, state: &State, place: usize, it: &Notebook) -> Result<(), String> {
        let refused = it.refused != crate::notebook::Refused::default();
        match it.record {
            Some(record) if record.state == RecordState::NeedsAttention => {
                return if refused {
                    Ok(())
                } else {
                    Err("it needs attention, and nothing is wrong".to_owned())
                };
            }
            Some(record) if !record.is_finished() => {
                return Err(format!("its record stays {}", record.state));
            }
            _ => {}
        }
        let out_of_scope = it.exempt || matches!(state.policy, PolicyState::Audit | PolicyState::Deleted | PolicyState::Suspended);
        let unknown = it.refused.describe || it.refused.root_access;
        if out_of_scope || unknown || !it.has_root || it.status == Status::Missing {
            return Ok(());
        }
        let was_running = match it.status {
            Status::InService => true,
            Status::Stopped => false,
            Status::Failed => return Ok(()),
            _ => return Err(format!("it stays {:?}", it.status)),
        };
        match self.admit(state, place, was_running) {
            Admission::Waits(_) => Ok(()),
            admission => Err(format!("it stays with root: {admission:?}")),
        }
    }
}
