//! Whether all ends well once nothing goes wrong any more.
//!
//! From a state one run is followed in which every pass goes through, everything that is under way arrives, and time passes when
//! nothing else is left to do. It ends in a circle, mostly of one state, which even the steps' timeouts do not leave; in it every
//! notebook is as it should be, or flagged.

use std::collections::{HashMap, HashSet};

use sudoless::domain::{Call, RecordState};

use crate::{
    notebook::{Claim, Notebook, Pass, Status, index},
    pass::LEADER,
    policy::PolicyState,
    product::Admission,
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
        let mut run = Run::default();
        let mut next = *state;
        loop {
            let key = world.key(&next);
            if self.good.contains(&key) {
                break;
            }
            let Some(circle) = run.visit(key, next) else {
                // What stands still goes round in the smallest circle.
                next = world.fair(&next).unwrap_or(next);
                continue;
            };
            if let Some(later) = run.outlast(world, circle) {
                next = later;
                continue;
            }
            for at in circle..run.states.len() {
                if let Err(why) = world.rests(&run.states[at].1) {
                    let states = run.states.iter().take(at + 1).map(|each| each.1).collect();
                    return Err(Box::new(BadEnding { states, why }));
                }
            }
            break;
        }
        self.good.extend(run.visited);
        Ok(())
    }
}

/// A run that is being followed.
#[derive(Default)]
struct Run {
    states: Vec<(u64, State)>,
    places: HashMap<u64, usize, Quick>,
    visited: HashSet<u64, Quick>,
    outlasted: HashSet<u64, Quick>,
}

impl Run {
    /// Notes a state; or tells where it was before.
    fn visit(&mut self, key: u64, state: State) -> Option<usize> {
        if let Some(place) = self.places.get(&key) {
            return Some(*place);
        }
        self.places.insert(key, self.states.len());
        self.states.push((key, state));
        self.visited.insert(key);
        None
    }

    /// A circle takes as long as it likes: in it every timeout passes, once in each state.
    fn outlast(&mut self, world: &mut World, circle: usize) -> Option<State> {
        for at in circle..self.states.len() {
            let (key, state) = self.states[at];
            if self.outlasted.contains(&key) {
                continue;
            }
            if let Some(later) = world.past_deadlines(&state) {
                self.outlasted.insert(key);
                for (key, _) in self.states.drain(at + 1..) {
                    self.places.remove(&key);
                }
                return Some(later);
            }
        }
        None
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

    /// A minute passes for all.
    fn later(&mut self, state: &State) -> Option<State> {
        self.all_changed(state, |notebook| {
            if notebook.can_grow_older() {
                notebook.grow_older();
            }
        })
    }

    /// Every timeout passes.
    fn past_deadlines(&mut self, state: &State) -> Option<State> {
        self.all_changed(state, |notebook| {
            if notebook.can_reach_deadline() {
                notebook.reach_deadline();
            }
        })
    }

    fn all_changed(&mut self, state: &State, change: fn(&mut Notebook)) -> Option<State> {
        let mut notebooks = [*self.notebook(state.notebooks[0]); 3];
        for (place, notebook) in notebooks[..self.len()].iter_mut().enumerate() {
            *notebook = *self.notebook(state.notebooks[place]);
            change(notebook);
        }
        let next = self.state(&notebooks[..self.len()], state.policy);
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
        let out_of_scope = it.exempt
            || matches!(
                state.policy,
                PolicyState::Audit | PolicyState::Deleted | PolicyState::Suspended
            );
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
