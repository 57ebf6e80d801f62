//! windows *(pure)*: whether notebooks may be stopped at an instant.
//!
//! A window opens whenever its zone's clock shows a time of its schedule, and stays open for its duration of elapsed time. Where
//! the clock is put forward, a time that it skips opens the window as long after the jump as the time is after the skipped
//! stretch's beginning: 02:30, where 02:00 becomes 03:00, is 03:30. Where it is put back, a time that it shows twice opens the
//! window at the first, or at both: see [`RepeatedTime`].
//!
//! What cannot be computed is closed.

#[cfg(test)]
mod tests;

use std::time::Duration;

use cronexpr::{Crontab, MakeTimestamp};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::domain::{RepeatedTime, Window};

/// How long stopping, updating and starting a small instance take together. Measured typical times: stop 1 to 2 minutes, update
/// half a minute to one, start 2 to 4.
pub const TYPICAL_CYCLE: Duration = Duration::from_secs(370);

/// Whether notebooks may be stopped at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// No windows are declared: any time.
    Always,
    /// A window is open.
    Open {
        /// When it closes; overlapping and adjacent windows count as one. What opens only after [`TYPICAL_CYCLE`] from now is
        /// not looked for, because nothing depends on it: then this is when those that are open by then close.
        until: Timestamp,
    },
    /// None is open.
    Closed {
        /// When the next one opens; `None`: none is found in the next four years.
        opens: Option<Timestamp>,
    },
}

/// Whether notebooks may be stopped.
#[must_use]
pub fn opening(windows: &[Window], now: Timestamp) -> Opening {
    if windows.is_empty() {
        return Opening::Always;
    }
    let Some(mut until) = closing(windows, now) else {
        let opens = windows
            .iter()
            .filter_map(|window| next_start(window, now, Timestamp::MAX))
            .min();
        return Opening::Closed { opens };
    };
    // Two rounds gain at least a minute, the shortest duration: what the second finds was not yet open for the first.
    while remaining(until, now) < TYPICAL_CYCLE {
        match closing(windows, until) {
            Some(later) => until = later,
            None => break,
        }
    }
    Opening::Open { until }
}

/// Whether a restart may be begun: only while a typical cycle is left of the window. A window that is shorter than that would
/// never do, so half of it must be left.
#[must_use]
pub fn may_begin(windows: &[Window], now: Timestamp) -> bool {
    match opening(windows, now) {
        Opening::Always => true,
        Opening::Closed { .. } => false,
        Opening::Open { until } => {
            remaining(until, now) >= TYPICAL_CYCLE
                || windows
                    .iter()
                    .filter(|window| is_short(window))
                    .any(|window| {
                        closes(window, now)
                            .is_some_and(|end| remaining(end, now) >= window.duration / 2)
                    })
        }
    }
}

/// Whether a window is shorter than a typical cycle, so that a restart that is begun in it ends after it.
pub(super) fn is_short(window: &Window) -> bool {
    window.duration < TYPICAL_CYCLE
}

/// Nothing where the end has passed.
fn remaining(until: Timestamp, now: Timestamp) -> Duration {
    until.duration_since(now).try_into().unwrap_or_default()
}

/// When the last of the windows that are open at an instant closes; `None`: none is open.
fn closing(windows: &[Window], at: Timestamp) -> Option<Timestamp> {
    windows.iter().filter_map(|window| closes(window, at)).max()
}

/// When a window that is open at an instant closes; `None`: it is not open.
fn closes(window: &Window, at: Timestamp) -> Option<Timestamp> {
    let starts_by = |after| next_start(window, after, at);
    let mut latest = starts_by(at.checked_sub(window.duration).ok()?)?;
    // Most windows have one start in their duration, but it may have ten thousand: the last is found by halving.
    let mut none_after = at;
    while let Some(next) = starts_by(latest) {
        latest = next;
        let half = none_after.duration_since(latest) / 2;
        let middle = latest.checked_add(half).ok()?;
        match starts_by(middle) {
            Some(start) => latest = start,
            None => none_after = middle,
        }
    }
    latest.checked_add(window.duration).ok()
}

/// When a window opens next after one instant, and not after another.
fn next_start(window: &Window, after: Timestamp, by: Timestamp) -> Option<Timestamp> {
    let mut clock = Clock::at(window, after);
    // What the last change has skipped may still be due.
    let previous = clock
        .set
        .and_then(before)
        .map(|before| Clock::at(window, before));
    if let Some(previous) = previous.filter(|previous| after < previous.until) {
        clock = previous;
    }
    let mut earliest: Option<Timestamp> = None;
    loop {
        let start = clock.first(&window.schedule, after)?;
        if start < clock.until {
            earliest = Some(earliest.map_or(start, |earliest| earliest.min(start)));
        }
        match clock.changes {
            Some(changes) if changes <= earliest.unwrap_or(by) => {
                clock = Clock::at(window, changes);
            }
            _ => return earliest.filter(|start| *start <= by),
        }
    }
}

/// A zone's clock between two changes of its distance from UTC.
struct Clock {
    /// How far ahead of UTC it is.
    ahead: SignedDuration,
    /// When it was set to that, and when it changes.
    set: Option<Timestamp>,
    changes: Option<Timestamp>,
    /// A schedule is read by it after an instant: later than it was set, if the schedule means only the first of times that
    /// come twice.
    after: Timestamp,
    /// And before an instant: later than it changes, if the change skips times.
    until: Timestamp,
}

impl Clock {
    /// As it is at an instant.
    fn at(window: &Window, instant: Timestamp) -> Self {
        let zone = &window.time_zone;
        let ahead = ahead(zone, instant);
        let changes = zone
            .following(instant)
            .next()
            .map(|change| change.timestamp());
        let set = instant
            .checked_add(INSTANT)
            .ok()
            .and_then(|next| zone.preceding(next).next())
            .map(|change| change.timestamp());
        let replaced = set.and_then(before);
        let repeats = match (window.repeated_time, replaced) {
            (RepeatedTime::First, Some(replaced)) => surplus(self::ahead(zone, replaced), ahead),
            _ => SignedDuration::ZERO,
        };
        let skips = changes.map_or(SignedDuration::ZERO, |changes| {
            surplus(self::ahead(zone, changes), ahead)
        });
        Self {
            ahead,
            set,
            changes,
            after: replaced
                .and_then(|replaced| replaced.checked_add(repeats).ok())
                .unwrap_or(Timestamp::MIN),
            until: changes
                .and_then(|changes| changes.checked_add(skips).ok())
                .unwrap_or(Timestamp::MAX),
        }
    }

    /// The first start after an instant, as if the clock never changed again; `None`: there is none in four years.
    fn first(&self, schedule: &Crontab, after: Timestamp) -> Option<Timestamp> {
        let shown = after.max(self.after).checked_add(self.ahead).ok()?;
        if shown >= END {
            return None;
        }
        let start = schedule.find_next(MakeTimestamp(shown)).ok()?;
        start.timestamp().checked_sub(self.ahead).ok()
    }
}

/// The shortest time there is.
const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

/// 9990-01-01. The library panics when its four years lead out of the calendar.
const END: Timestamp = Timestamp::constant(253_086_768_000, 0);

fn before(instant: Timestamp) -> Option<Timestamp> {
    instant.checked_sub(INSTANT).ok()
}

/// How far a zone's clock is ahead of UTC.
fn ahead(zone: &TimeZone, instant: Timestamp) -> SignedDuration {
    SignedDuration::from_secs(zone.to_offset(instant).seconds().into())
}

/// How much of a jump from one clock to another is forward.
fn surplus(to: SignedDuration, from: SignedDuration) -> SignedDuration {
    (to - from).max(SignedDuration::ZERO)
}
