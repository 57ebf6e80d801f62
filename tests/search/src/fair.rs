//! Checks that every state ends well once nothing goes wrong any more.
//!
//! From a state, one run is followed. In it every pass succeeds, everything in flight arrives, and
//! time passes when nothing else is left to do. The run ends in a cycle, mostly of one state, that
//! even the steps' timeouts do not leave. In the cycle every notebook has to be as it should be, or
//! flagged.

use std::collections::{HashMap, HashSet};

use strum::VariantArray;
use sudoless_core::domain::{Call, RecordState};

use crate::{
    notebook::{Claim, Notebook, Pass, Status, index},
    pass::{LEADER, OTHER},
    policy::PolicyState,
    product::Admission,
    record::Rec,
    world::{Quick, State, World},
};

/// States that are known to end well.
#[derive(Debug, Default)]
pub struct Endings {
    good: HashSet<u64, Quick>,
}

/// A run that ends badly: its states, and the problem of the last.
#[derive(Debug)]
pub struct BadEnding {
    /// States of the run.
    pub states: Vec<State>,
    /// Problem of the last state.
    pub why: String,
}

impl Endings {
    /// Returns the number of states that are known to end well.
    #[must_use]
    pub fn len(&self) -> usize {
        self.good.len()
    }

    /// Returns true if no state is known to end well.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.good.is_empty()
    }

    /// Follows the run from a state.
    ///
    /// # Errors
    /// The run ends badly.
    pub fn follow(&mut self, world: &mut World, state: &State) -> Result<(), Box<BadEnding>> {
        let mut run = Run::default();
        let mut next = *state;
        loop {
            let key = world.key(&next);
            if self.good.contains(&key) {
                break;
            }
            let Some(circle) = run.visit(key, next) else {
                // A state without a successor is a cycle of one.
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

/// A run in progress.
#[derive(Default)]
struct Run {
    states: Vec<(u64, State)>,
    places: HashMap<u64, usize, Quick>,
    visited: HashSet<u64, Quick>,
    outlasted: HashSet<u64, Quick>,
}

impl Run {
    /// Records a state. Returns its earlier position if the run has visited it.
    fn visit(&mut self, key: u64, state: State) -> Option<usize> {
        if let Some(place) = self.places.get(&key) {
            return Some(*place);
        }
        self.places.insert(key, self.states.len());
        self.states.push((key, state));
        self.visited.insert(key);
        None
    }

    /// Lets the timeouts pass in a cycle, once in each state, because a cycle may last for any
    /// time.
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
    /// Returns the next state of the fair run.
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
            let budget = self.budget(state, place);
            let slot = acting(state.policy);
            let begun = notebook.begin_pass(slot, (state.policy, budget), &mut self.product);
            // A pass that only takes its request back must not delay the others.
            let begun = begun.filter(|begun| {
                !state.policy.is_fenced() || !self.is_taken_back(&notebook, &begun.notebook)
            });
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

    /// Returns true if a pass has no effect when its request is not sent.
    fn is_taken_back(&self, before: &Notebook, begun: &Notebook) -> bool {
        let (Some(record), Some(Pass::Decided { next, request, .. })) =
            (before.record, begun.passes[LEADER])
        else {
            return false;
        };
        request.is_some() && self.product.unsent(next, record) == record
    }

    /// Returns the notebook after a move that happens at once, if any.
    fn urgent(&mut self, notebook: &Notebook, policy: PolicyState) -> Option<Notebook> {
        let slot = acting(policy);
        let idle = 1 - slot;
        if notebook.passes[idle].is_some() {
            return Some(notebook.crash(idle).notebook);
        }
        if notebook.claims[OTHER].is_some() {
            return Some(notebook.drop_claim(OTHER).notebook);
        }
        let moved = match notebook.passes[slot] {
            Some(Pass::Decided { .. } | Pass::Late { .. }) => notebook.write(slot, &self.product),
            Some(Pass::Noted { fenced, .. }) if fenced || policy.is_fenced() => {
                notebook.do_not_send(slot)
            }
            Some(Pass::Noted { .. }) => notebook.send(slot, policy, &mut self.product),
            Some(Pass::Refused { .. }) => notebook.look_again(slot, &mut self.product),
            None => notebook.create(LEADER, &self.product),
        };
        if let Some(moved) = moved {
            return Some(moved.notebook);
        }
        let mut next = *notebook;
        if let Some(call) = Call::VARIANTS
            .iter()
            .copied()
            .find(|call| notebook.on_the_way[index(*call)] > 0)
        {
            next.no_longer_on_the_way(call);
            let _ = next.arrive(call, policy);
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

    /// Returns the state after a minute.
    fn later(&mut self, state: &State) -> Option<State> {
        self.all_changed(state, |notebook| {
            if notebook.can_grow_older() {
                notebook.grow_older();
            }
        })
    }

    /// Returns the state after every timeout.
    pub(crate) fn past_deadlines(&mut self, state: &State) -> Option<State> {
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

    /// Checks that every notebook may stay as it is.
    fn rests(&mut self, state: &State) -> Result<(), String> {
        for place in 0..self.len() {
            let notebook = *self.notebook(state.notebooks[place]);
            self.may_stay(state, place, &notebook)
                .map_err(|why| format!("notebook {place}: {why}"))?;
        }
        Ok(())
    }

    fn may_stay(&mut self, state: &State, place: usize, it: &Notebook) -> Result<(), String> {
        if let Some(record) = it.record.filter(|record| !record.is_finished()) {
            return record_may_stay(state.policy, it, record);
        }
        let out_of_scope = it.exempt || !state.policy.plans();
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
            // Its last remediation ended without an effect, and the next one begins.
            Admission::Admitted { .. } if state.policy.is_outage() && was_running => Ok(()),
            admission => Err(format!("it stays with root: {admission:?}")),
        }
    }
}

/// Returns the slot of the operator whose passes succeed.
fn acting(policy: PolicyState) -> usize {
    if policy == PolicyState::Orphaned {
        OTHER
    } else {
        LEADER
    }
}

/// Checks that the record of a notebook may stay unfinished.
fn record_may_stay(policy: PolicyState, it: &Notebook, record: Rec) -> Result<(), String> {
    // The operator reports a record that does not decode, or whose state is from a later version.
    let is_foreign = record.state == RecordState::Unrecognized && !record.stop_requested;
    if !record.readable || is_foreign {
        return Ok(());
    }
    // The notebook is not down, and the remediation is retried again and again.
    let runs = it.status == Status::InService && !it.owed;
    if runs && (policy.is_outage() || policy == PolicyState::RecordsUnlisted) {
        return Ok(());
    }
    if record.state != RecordState::NeedsAttention {
        return Err(format!("its record stays {}", record.state));
    }
    let refused = it.refused != crate::notebook::Refused::default() || it.retired;
    // The notebook was running, and it is unknown who stopped it. A person decides.
    let is_unexplained = record.was_running && record.is_untouched() && !runs;
    if refused || policy.is_outage() || is_unexplained {
        Ok(())
    } else {
        Err("it needs attention, and nothing is wrong".to_owned())
    }
}
