//! The people around a notebook: its owner, the platform team, and administrators who change AWS
//! permissions or restore a backup.

use strum::VariantArray;
use sudoless_core::domain::{Call, EndReason, RecordState};

use crate::{
    notebook::{Modified, Move, Notebook, Pass, Status, index},
    policy::PolicyState,
    record::{Accepted, Age, Rec},
};

/// Receives an act: its name, its number of faults, and its effect.
type Acts<'a> = dyn FnMut(&'static str, u8, &dyn Fn(&mut Notebook)) + 'a;

impl Notebook {
    /// Adds the acts of people. Each act is a fault. Undoing an act is none.
    pub fn acts(&self, policy: PolicyState, moves: &mut Vec<Move>) {
        let mut add = |what, faults, change: &dyn Fn(&mut Self)| {
            let mut notebook = *self;
            change(&mut notebook);
            if notebook != *self {
                moves.push(Move {
                    notebook,
                    what,
                    faults,
                    broken: None,
                });
            }
        };
        self.owner_acts(&mut add);
        self.aws_turns(&mut add);
        self.record_acts(&mut add);
        if self.exempt {
            add("its exemption is taken back", 0, &|it| it.exempt = false);
        } else {
            add("it is exempted", 1, &|it| it.exempt = true);
        }
        if self.record.is_some() {
            // The garbage collector acts after the policy's deletion.
            let (what, faults) = if policy == PolicyState::Deleted {
                ("its record is collected", 0)
            } else {
                ("its record is deleted", 1)
            };
            add(what, faults, &Self::delete_record);
        }
    }

    fn owner_acts(&self, add: &mut Acts<'_>) {
        match self.status {
            Status::InService => {
                add("its owner stops it", 1, &|it| {
                    it.owner_stopped = !self.may_be_started_once();
                    it.transition_to(Status::Stopping);
                });
                add("AWS maintains it", 1, &|it| {
                    it.status = Status::MaintainedRunning;
                });
            }
            Status::Stopped | Status::Failed => {
                add("its owner starts it", 1, &|it| {
                    it.owner_stopped = false;
                    it.owed &= !it.is_unexplained();
                    it.transition_to(Status::Pending);
                });
                add("its owner deletes it", 1, &|it| {
                    it.transition_to(Status::Deleting);
                });
                if self.status == Status::Stopped {
                    add("AWS maintains it", 1, &|it| {
                        it.status = Status::MaintainedStopped;
                    });
                }
            }
            // Deleting a notebook and creating it again takes minutes. No request to the old
            // notebook reaches the new one.
            Status::Missing if !self.awaits_arrival() && !self.is_about_to_be_sent_to() => {
                add("its owner creates it again", 1, &|it| {
                    it.transition_to(Status::Pending);
                    it.has_root = true;
                    it.retired = false;
                    it.is_another = true;
                });
            }
            _ => {}
        }
        if !self.has_root && matches!(self.status, Status::InService | Status::Stopped) {
            add("its owner gets root back", 1, &|it| it.has_root = true);
        }
    }

    /// Returns true if an owner's stop now is a documented exception of promise P3. There are three
    /// cases. A pass that read the notebook running is about to stop it, or has. A Start is in
    /// flight, about to be sent, or was accepted just now. The record contains a requested Stop,
    /// and no Start accepted ten minutes ago after that Stop.
    fn may_be_started_once(&self) -> bool {
        let is_ours = |record: &Rec| {
            let ran_again =
                record.start_accepted == Some(Accepted::LongAgo) && !record.stop_may_follow;
            record.takes_a_slot() && record.stop_requested && !ran_again
        };
        let is_being_written = self.passes.iter().flatten().any(|pass| {
            matches!(pass, Pass::Decided { next, .. } | Pass::Late { next } if is_ours(next))
        });
        self.record.as_ref().is_some_and(is_ours)
            || is_being_written
            || self.is_about_to_be_sent_to()
            || self.on_the_way[index(Call::Start)] > 0
    }

    fn aws_turns(&self, add: &mut Acts<'_>) {
        for &call in Call::VARIANTS {
            let (refuse, allow) = match call {
                Call::Stop => ("Stop is forbidden", "Stop is allowed"),
                Call::Update => ("Update is forbidden", "Update is allowed"),
                Call::Start => ("Start is forbidden", "Start is allowed"),
            };
            if self.refused.calls[index(call)] {
                add(allow, 0, &|it| it.refused.calls[index(call)] = false);
            } else {
                add(refuse, 1, &|it| it.refused.calls[index(call)] = true);
            }
        }
        if self.refused.describe {
            add("Describe answers", 0, &|it| it.refused.describe = false);
        } else {
            add("Describe fails", 1, &|it| it.refused.describe = true);
        }
        if self.refused.root_access {
            add("RootAccess is told", 0, &|it| {
                it.refused.root_access = false;
            });
        } else {
            add("RootAccess is absent", 1, &|it| {
                it.refused.root_access = true;
            });
        }
        if self.status != Status::Missing {
            add("its platform is retired", 1, &|it| it.retired = true);
        }
    }

    /// Adds the acts on the record: a later version writes it, or a backup restores it.
    fn record_acts(&self, add: &mut Acts<'_>) {
        let Some(record) = self.record else { return };
        // Another version or a backup needs another process, which is not about to send anything.
        if self.is_about_to_be_sent_to() {
            return;
        }
        let mut put = |what, faults, record: Rec| {
            add(what, faults, &|it| {
                it.record = Some(record);
                it.record_changed(None);
            });
        };
        if record.readable {
            let unreadable = Rec {
                readable: false,
                ..record
            };
            put("a later version makes it undecodable", 1, unreadable);
        } else {
            let readable = Rec {
                readable: true,
                ..record
            };
            put("the later version is back", 0, readable);
            return;
        }
        if !record.is_finished() {
            let unknown = Rec {
                state: RecordState::Unrecognized,
                attention_from: None,
                at_deadline: false,
                ..record
            };
            put("a later version writes its state", 1, unknown);
        }
        if record.takes_a_slot() && record.stop_requested {
            let unknown = Rec {
                rollback_reason: Some(EndReason::Unrecognized),
                ..record
            };
            put("a later version brings it back", 1, unknown);
        }
        self.backups(record, add);
    }

    /// Adds restores of a backup. A restore takes longer than anything in flight.
    fn backups(&self, record: Rec, add: &mut Acts<'_>) {
        if self.awaits_arrival() || record.restored {
            return;
        }
        let without_status = Rec {
            restored: true,
            gave_slot_back: record.gave_slot_back,
            ..Rec::new(record.was_running, record.recurrence)
        };
        let mut put = |what, record: Rec| {
            add(what, 1, &|it| {
                it.record = Some(record);
                it.modified = Modified::BeforeRecord;
                // Facts that the backup lacks are unknown.
                it.owner_stopped = false;
                it.record_changed(None);
            });
        };
        put("a backup of its record has no status", without_status);
        if record.takes_a_slot() && record.stop_requested {
            let older = Rec {
                restored: true,
                gave_slot_back: record.gave_slot_back,
                state: RecordState::Stopping,
                stop_requested: true,
                last_write: Some(Age::Settled),
                created: Age::Settled,
                ..Rec::new(true, record.recurrence)
            };
            put("a backup of its record has an older status", older);
        }
    }

    /// Deletes the record, as a person may. A finished record has no finalizer any more.
    pub(crate) fn delete_record(&mut self) {
        match &mut self.record {
            Some(record) if record.is_finished() => self.remove_record(),
            Some(record) if !record.being_deleted => {
                record.being_deleted = true;
                // The person who deletes the record was told to start the notebook.
                self.owed &= !self.is_unexplained();
                self.record_changed(None);
            }
            _ => {}
        }
    }

    /// Returns true if the record was restored, and does not show a requested Stop.
    fn is_unexplained(&self) -> bool {
        self.record
            .is_some_and(|record| record.restored && !record.stop_requested)
    }
}
