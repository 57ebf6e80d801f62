//! The people around a notebook: its owner, the platform team, and whoever may change what AWS allows.

use sudoless::domain::Call;

use crate::{
    notebook::{Move, Notebook, Status, index},
    policy::PolicyState,
};

/// Takes an act: what it is called, how many faults it is, and what it does.
type Acts<'a> = dyn FnMut(&'static str, u8, &dyn Fn(&mut Notebook)) + 'a;

impl Notebook {
    /// What people may do to it. Each act is a fault; what takes an act back is none.
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
        if self.exempt {
            add("its exemption is taken back", 0, &|it| it.exempt = false);
        } else {
            add("it is exempted", 1, &|it| it.exempt = true);
        }
        if self.record.is_some() {
            // The garbage collector follows who deletes the policy.
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
                    it.status = Status::Stopping;
                    // The documented exception of promise P3: a pass saw it running and is about to stop it, or has; or a Start was
                    // sent twice by the network, and the second one is still on its way.
                    it.owner_stopped = !it.is_stop_requested()
                        && !it.is_stop_being_requested()
                        && it.on_the_way[index(Call::Start)] == 0;
                });
                add("AWS maintains it", 1, &|it| {
                    it.status = Status::MaintainedRunning;
                });
            }
            Status::Stopped | Status::Failed => {
                add("its owner starts it", 1, &|it| it.status = Status::Pending);
                add("its owner deletes it", 1, &|it| {
                    it.status = Status::Deleting;
                });
                if self.status == Status::Stopped {
                    add("AWS maintains it", 1, &|it| {
                        it.status = Status::MaintainedStopped;
                    });
                }
            }
            // Deleting it and creating it anew takes minutes: nothing that was sent to the old one meets the new one.
            Status::Missing if !self.awaits_arrival() && self.about_to_send().is_none() => {
                add("its owner creates it anew", 1, &|it| {
                    it.status = Status::Pending;
                    it.has_root = true;
                });
            }
            _ => {}
        }
        if !self.has_root && matches!(self.status, Status::InService | Status::Stopped) {
            add("its owner gets root back", 1, &|it| it.has_root = true);
        }
    }

    fn aws_turns(&self, add: &mut Acts<'_>) {
        for call in Call::ALL {
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
    }

    /// Somebody deletes the record: what is finished has no finalizer any more.
    pub(crate) fn delete_record(&mut self) {
        match &mut self.record {
            Some(record) if record.is_finished() => self.remove_record(),
            Some(record) if !record.being_deleted => {
                record.being_deleted = true;
                self.record_changed(None);
            }
            _ => {}
        }
    }
}
