//! A claim: describe, list the records and run the real `admit`, create. Other actors act in
//! between.
//!
//! The planner may use outdated data, so here any notebook may be its candidate at any time.

use sudoless_core::domain::RootAccess;

use crate::{
    notebook::{Claim, Described, Modified, Move, Notebook, Seen, Status},
    pass::{LEADER, OTHER, unbroken},
    policy::PolicyState,
    product::{Admission, Product},
    record::Rec,
};

impl Notebook {
    /// The leader describes the notebook to claim it. It does so only if its process has no other
    /// claim in flight.
    #[must_use]
    pub fn begin_claim(&self, policy: PolicyState) -> Option<Move> {
        let Seen::At(Described {
            status,
            root_access: RootAccess::Enabled,
            ..
        }) = self.see()
        else {
            return None;
        };
        let was_running = match status {
            Status::InService => true,
            Status::Stopped => false,
            _ => return None,
        };
        if !policy.plans() || self.claims[LEADER].is_some() {
            return None;
        }
        let mut notebook = *self;
        notebook.claims[LEADER] = Some(Claim::Described { was_running });
        Some(unbroken(notebook, "it is described for a claim", 0))
    }

    /// The records were listed.
    #[must_use]
    pub fn admitted(&self, slot: usize, admission: Admission) -> Move {
        let mut notebook = *self;
        notebook.claims[slot] = match admission {
            Admission::Admitted {
                was_running,
                recurrence,
            } => Some(Claim::Admitted {
                was_running,
                recurrence,
            }),
            Admission::Waits(_) | Admission::Not => None,
        };
        unbroken(notebook, "the records are listed for a claim", 0)
    }

    /// Adds the next moves of claims in flight, except listing.
    pub fn claim_moves(&self, product: &Product, moves: &mut Vec<Move>) {
        for slot in 0..self.claims.len() {
            let Some(claim) = self.claims[slot] else {
                continue;
            };
            moves.push(self.drop_claim(slot));
            moves.extend(self.create(slot, product));
            let may_be_late = product.stores_late && self.claims[OTHER].is_none();
            if may_be_late && matches!(claim, Claim::Admitted { .. }) {
                let mut notebook = *self;
                notebook.claims.swap(LEADER, OTHER);
                moves.push(unbroken(notebook, "its record is created late or never", 1));
            }
        }
    }

    /// The claim is dropped, because its process or its lease is gone.
    #[must_use]
    pub fn drop_claim(&self, slot: usize) -> Move {
        let mut notebook = *self;
        notebook.claims[slot] = None;
        if slot == LEADER {
            unbroken(notebook, "a crash while claiming", 1)
        } else {
            unbroken(notebook, "the other claim is given up", 0)
        }
    }

    /// Creates the record, in place of a finished one that is unchanged since it was listed. A
    /// change would have dropped the claim.
    #[must_use]
    pub fn create(&self, slot: usize, product: &Product) -> Option<Move> {
        let Some(Claim::Admitted {
            was_running,
            recurrence,
        }) = self.claims[slot]
        else {
            return None;
        };
        let mut notebook = *self;
        notebook.claims[slot] = None;
        notebook.record = Some(Rec {
            touched: product.touched_now(),
            ..Rec::new(was_running, recurrence)
        });
        notebook.is_another = false;
        let is_as_described = was_running == (self.status == Status::InService);
        notebook.modified = if is_as_described {
            Modified::BeforeRecord
        } else {
            Modified::Since
        };
        notebook.record_changed(None);
        let mut created = unbroken(notebook, "the record is created", 0);
        if self.record.is_some_and(|record| !record.is_finished()) {
            created.broken = Some("P5: a record in the place of one that is under way");
        }
        Some(created)
    }
}
