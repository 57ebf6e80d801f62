//! Formats a notebook in a trace.

use std::fmt;

use crate::{
    notebook::{Claim, Notebook, Pass},
    record::{Age, Rec},
};

impl fmt::Display for Notebook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = if self.has_root { "root" } else { "no root" };
        write!(formatter, "{:?}, {root}", self.status)?;
        let calls = ["Stop", "Update", "Start"].iter().zip(self.must_arrive);
        for (count, (call, must_arrive)) in self.on_the_way.iter().zip(calls) {
            if *count > 0 {
                let age = if must_arrive { "for a minute" } else { "" };
                write!(formatter, ", {count} {call} on the way {age}")?;
            }
        }
        if self.refused != crate::notebook::Refused::default() {
            write!(formatter, ", refused {:?}", self.refused)?;
        }
        for (word, holds) in [
            ("retired", self.retired),
            ("created again", self.is_another),
            ("exempt", self.exempt),
            ("owed", self.owed),
            ("stopped by its owner", self.owner_stopped),
        ] {
            if holds {
                write!(formatter, ", {word}")?;
            }
        }
        if let Some(record) = &self.record {
            write!(formatter, ", modified {:?}", self.modified)?;
            write!(formatter, ", record {record}")?;
        }
        for (who, pass) in ["pass", "other pass"].iter().zip(&self.passes) {
            match pass {
                Some(Pass::Decided { next, request, .. }) => {
                    write!(formatter, ", {who} writes {next} and sends {request:?}")?;
                }
                Some(Pass::Noted {
                    request, current, ..
                }) => {
                    let current = if *current { "" } else { ", outdated" };
                    write!(formatter, ", {who} sends {request:?}{current}")?;
                }
                Some(Pass::Refused { .. }) => write!(formatter, ", {who} looks again")?,
                Some(Pass::Late { next }) => write!(formatter, ", {next} may be stored late")?,
                None => {}
            }
        }
        for (who, claim) in ["claim", "other claim"].iter().zip(&self.claims) {
            match claim {
                Some(Claim::Described { was_running }) => {
                    write!(formatter, ", {who} described, running {was_running}")?;
                }
                Some(Claim::Admitted { was_running, .. }) => {
                    write!(formatter, ", {who} admitted, running {was_running}")?;
                }
                None => {}
            }
        }
        Ok(())
    }
}

impl fmt::Display for Rec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "({}", self.state)?;
        for (word, holds) in [
            ("ran", self.was_running),
            ("being deleted", self.being_deleted),
            ("undecodable", !self.readable),
            ("restored", self.restored),
            ("at its deadline", self.at_deadline),
            ("stop requested", self.stop_requested),
        ] {
            if holds {
                write!(formatter, ", {word}")?;
            }
        }
        if self.created != Age::Settled {
            write!(formatter, ", created {:?}", self.created)?;
        }
        if let Some(accepted) = self.start_accepted {
            write!(formatter, ", Start accepted {accepted:?}")?;
        }
        if let Some(age) = self.last_write {
            write!(formatter, ", last write {age:?}")?;
        }
        if let Some(step) = self.attention_from {
            write!(formatter, ", from {step:?}")?;
        }
        if self.start_attempts > 0 {
            write!(formatter, ", {} starts", self.start_attempts)?;
        }
        if let Some(reason) = self.rollback_reason {
            write!(formatter, ", rollback {reason}")?;
        }
        if self.recurrence > 0 {
            write!(formatter, ", recurrence {}", self.recurrence)?;
        }
        write!(formatter, ")")
    }
}
