//! Schedule of a policy's scans.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{domain::Policy, fleet::Freshness};

/// Largest delay of a scan, as a fraction of the interval, so that policies created together do not
/// scan together for ever.
const JITTER: f64 = 0.05;

/// Scan times of a policy. A scan begins with a required freshness, and ends when every target has
/// reached it or failed.
#[derive(Debug)]
pub(super) struct Schedule {
    /// Scan in progress and its start, if any.
    scan: Option<(Freshness, Timestamp)>,
    /// Start of the oldest reading of the last scan.
    last_scan: Option<Timestamp>,
    /// True if the policy was suspended at its last pass.
    suspended: bool,
    /// Value of the `scan-now` annotation at the last pass.
    scan_now: Option<String>,
    /// Share of the jitter for this policy, from 0 to 1.
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
    /// Returns how fresh the answers of a pass must be.
    pub(super) fn freshness(
        &mut self,
        policy: &Policy,
        scan_now: Option<&str>,
        now: Timestamp,
    ) -> Freshness {
        // The first scan describes every notebook in any case.
        let begun = self.last_scan.is_some() || self.scan.is_some();
        let asked = begun && scan_now.is_some() && self.scan_now.as_deref() != scan_now;
        self.scan_now = scan_now.map(str::to_owned);
        let resumed = std::mem::take(&mut self.suspended);
        if asked || resumed {
            let freshness = Freshness {
                not_before: now,
                full: asked,
            };
            self.scan = Some((freshness, now));
        } else if self.is_due(policy, now) {
            // Recent readings of another policy are used. Half an interval, and due times that
            // follow the readings instead of the passes, bring overlapping policies into step.
            let freshness = Freshness {
                not_before: now - policy.scan_interval / 2,
                full: false,
            };
            self.scan = Some((freshness, now));
        }
        let nothing_new = Freshness {
            not_before: Timestamp::MIN,
            full: false,
        };
        self.scan.map_or(nothing_new, |(freshness, _)| freshness)
    }

    /// Returns true if a scan is due. A scan that takes longer than the interval is replaced by the
    /// next, so that one slow target does not delay the others.
    fn is_due(&self, policy: &Policy, now: Timestamp) -> bool {
        match self.scan {
            Some((_, begun)) => begun <= now - policy.scan_interval,
            None => self.due(policy).is_none_or(|due| due <= now),
        }
    }

    /// Suspends the schedule and drops the scan in progress. The first pass afterwards scans at
    /// once, because a person who resumes the policy wants the present state.
    pub(super) fn suspend(&mut self) {
        self.scan = None;
        self.suspended = true;
    }

    /// Ends the scan after every answering target is fresh. `oldest` is the start of
    /// their oldest reading.
    pub(super) fn finished(&mut self, oldest: Option<Timestamp>, now: Timestamp) {
        if self.scan.take().is_some() {
            self.last_scan = Some(oldest.unwrap_or(now));
        }
    }

    /// Returns the start of the last scan's oldest reading, or `None` if no scan has ended yet.
    pub(super) fn last_scan(&self) -> Option<Timestamp> {
        self.last_scan
    }

    /// Returns when the next scan is due, or `None` for at once.
    pub(super) fn due(&self, policy: &Policy) -> Option<Timestamp> {
        let interval = policy.scan_interval.mul_f64(1.0 + JITTER * self.phase);
        self.last_scan.and_then(|last| {
            last.checked_add(SignedDuration::try_from(interval).ok()?)
                .ok()
        })
    }
}

/// Returns the time until an instant, or zero if it has passed.
pub(super) fn until(instant: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(instant.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide;

    fn policy(interval: &str) -> Policy {
        let resource = serde_json::from_value(serde_json::json!({
            "apiVersion": "sudoless.dev/v1alpha1",
            "kind": "NotebookRootAccessPolicy",
            "metadata": {"name": "p"},
            "spec": {
                "scanInterval": interval,
                "accounts": [{"id": "111122223333"}],
                "regions": ["eu-west-1"],
            },
        }));
        decide::validate(&resource.unwrap()).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// Returns a schedule whose first scan began and ended at second 0.
    fn scanned() -> Schedule {
        let mut schedule = Schedule {
            phase: 0.0,
            ..Schedule::default()
        };
        schedule.freshness(&policy("10m"), None, at(0));
        schedule.finished(Some(at(0)), at(3));
        schedule
    }

    #[test]
    fn the_first_pass_scans_and_none_before_the_interval_is_over() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.due(&policy("10m")), None);
        let first = schedule.freshness(&policy("10m"), None, at(0));
        assert_eq!(first.not_before, at(-300));
        let mut schedule = scanned();
        let idle = schedule.freshness(&policy("10m"), None, at(599));
        assert_eq!(idle.not_before, Timestamp::MIN);
        let second = schedule.freshness(&policy("10m"), None, at(600));
        assert_eq!((second.not_before, second.full), (at(300), false));
    }

    #[test]
    fn a_shorter_interval_counts_from_the_last_scan() {
        let mut schedule = scanned();
        assert_eq!(
            schedule.freshness(&policy("1m"), None, at(60)).not_before,
            at(30)
        );
    }

    #[test]
    fn a_changed_annotation_scans_everything_once() {
        let mut schedule = scanned();
        let asked = schedule.freshness(&policy("10m"), Some("1"), at(10));
        assert_eq!((asked.not_before, asked.full), (at(10), true));
        // The requirement stays until it is met.
        let same = schedule.freshness(&policy("10m"), Some("1"), at(12));
        assert_eq!((same.not_before, same.full), (at(10), true));
        schedule.finished(Some(at(10)), at(13));
        for value in [Some("1"), None] {
            let idle = schedule.freshness(&policy("10m"), value, at(20));
            assert_eq!(idle.not_before, Timestamp::MIN, "{value:?}");
        }
        assert!(schedule.freshness(&policy("10m"), Some("1"), at(30)).full);
    }

    #[test]
    fn who_resumes_sees_how_things_stand() {
        let mut schedule = scanned();
        schedule.suspend();
        assert_eq!(
            schedule.freshness(&policy("10m"), None, at(20)).not_before,
            at(20)
        );
    }

    #[test]
    fn a_scan_that_does_not_end_gives_way_to_the_next() {
        let mut schedule = scanned();
        schedule.freshness(&policy("10m"), None, at(600));
        let waiting = schedule.freshness(&policy("10m"), None, at(1199));
        assert_eq!(waiting.not_before, at(300));
        let next = schedule.freshness(&policy("10m"), None, at(1200));
        assert_eq!(next.not_before, at(900));
    }

    #[test]
    fn the_last_scan_is_as_old_as_its_oldest_reading() {
        let mut schedule = Schedule::default();
        schedule.freshness(&policy("10m"), None, at(0));
        schedule.finished(Some(at(-100)), at(5));
        assert_eq!(schedule.last_scan(), Some(at(-100)));
        // No scan is in progress, so none ends.
        schedule.finished(Some(at(50)), at(60));
        assert_eq!(schedule.last_scan(), Some(at(-100)));
    }
}
