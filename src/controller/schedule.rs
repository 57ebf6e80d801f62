//! When a policy's targets are read again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{domain::Policy, inventory::Demand};

/// Scans are up to this much of an interval late, so that policies made together do not scan together for ever.
const JITTER: f64 = 0.05;

/// When a policy scans. A scan begins with a demand and ends when every target has met it, or failed to.
#[derive(Debug)]
pub(super) struct Schedule {
    /// The scan under way, and when it began.
    scan: Option<(Demand, Timestamp)>,
    /// When the oldest reading of the last scan began.
    last_scan: Option<Timestamp>,
    /// The policy was suspended at its last pass.
    suspended: bool,
    /// The `scan-now` annotation as last seen.
    scan_now: Option<String>,
    /// Where in the jitter's range this policy is, from 0 to 1.
    phase: f64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            scan: None,
            last_scan: None,
            suspended: false,
            scan_now: None,
            phase: fastrand::f64(),
        }
    }
}

impl Schedule {
    /// How new the answers must be at a pass.
    pub(super) fn demand(
        &mut self,
        policy: &Policy,
        scan_now: Option<&str>,
        now: Timestamp,
    ) -> Demand {
        // The first scan describes everything in any case.
        let begun = self.last_scan.is_some() || self.scan.is_some();
        let asked = begun && scan_now.is_some() && self.scan_now.as_deref() != scan_now;
        self.scan_now = scan_now.map(str::to_owned);
        let resumed = std::mem::take(&mut self.suspended);
        if asked || resumed {
            let demand = Demand {
                not_before: now,
                full: asked,
            };
            self.scan = Some((demand, now));
        } else if self.is_due(policy, now) {
            // What another policy has just read is taken. Half an interval, and due times that follow the readings, not
            // the passes, bring overlapping policies into step.
            let demand = Demand {
                not_before: now - policy.scan_interval / 2,
                full: false,
            };
            self.scan = Some((demand, now));
        }
        let nothing_new = Demand {
            not_before: Timestamp::MIN,
            full: false,
        };
        self.scan.map_or(nothing_new, |(demand, _)| demand)
    }

    /// A scan that takes longer than the interval gives way to the next: one slow target does not keep the others from
    /// being read again.
    fn is_due(&self, policy: &Policy, now: Timestamp) -> bool {
        match self.scan {
            Some((_, begun)) => begun <= now - policy.scan_interval,
            None => self.due(policy).is_none_or(|due| due <= now),
        }
    }

    /// The policy is suspended: what was under way is of no interest, and the first pass after it scans at once, because a person
    /// who lets it go on wants to see how things stand now.
    pub(super) fn suspend(&mut self) {
        self.scan = None;
        self.suspended = true;
    }

    /// Every target that answers has met the demand; `oldest` is when the oldest of their readings began.
    pub(super) fn finished(&mut self, oldest: Option<Timestamp>, now: Timestamp) {
        if self.scan.take().is_some() {
            self.last_scan = Some(oldest.unwrap_or(now));
        }
    }

    /// When the oldest reading of the last scan began; `None`: none has ended yet.
    pub(super) fn last_scan(&self) -> Option<Timestamp> {
        self.last_scan
    }

    /// When the next scan is due; `None`: at once.
    pub(super) fn due(&self, policy: &Policy) -> Option<Timestamp> {
        let interval = policy.scan_interval.mul_f64(1.0 + JITTER * self.phase);
        self.last_scan.and_then(|last| {
            last.checked_add(SignedDuration::try_from(interval).ok()?)
                .ok()
        })
    }
}

/// From now until an instant; nothing if it has passed.
pub(super) fn until(instant: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(instant.duration_since(now)).unwrap_or_default()
}
