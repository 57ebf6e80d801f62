//! windows *(pure)*: the times when notebooks may be stopped.
//!
//! A window opens when the clock of its zone shows a time of its schedule, and stays open for its
//! duration in elapsed time.
//!
//! When the clock is put forward, a skipped time opens the window as long after the jump as the
//! time lies in the skipped period: 02:30, where 02:00 becomes 03:00, is 03:30. When the clock is
//! put back, a repeated time opens the window the first time, or both times: see [`RepeatedTime`].
//!
//! A window that cannot be computed is closed.

#[cfg(test)]
mod tests;

use std::time::Duration;

use cronexpr::{Crontab, MakeTimestamp};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::domain::{RepeatedTime, Window};

/// The typical time for stopping, updating and starting a small instance. Measured typical times:
/// stop 1 to 2 minutes, update half a minute to one, start 2 to 4.
pub const TYPICAL_CYCLE: Duration = Duration::from_secs(370);

/// The state of the windows at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// No windows are declared, so any time is allowed.
    Always,
    /// A window is open.
    Open {
        /// The time when the window closes. Overlapping and adjacent windows count as one. Windows
        /// that open only after [`TYPICAL_CYCLE`] from now are not searched, because no decision
        /// depends on them. In that case this is the time when the windows that are open by then
        /// close.
        until: Timestamp,
    },
    /// No window is open.
    Closed {
        /// The time when the next window opens. `None`: no opening in the next four years.
        opens: Option<Timestamp>,
    },
}

/// Returns the state of the windows at an instant.
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
    // Two rounds gain at least a minute, the minimum duration, because the second round finds a
    // window that was not open yet in the first.
    while remaining(until, now) < TYPICAL_CYCLE {
        match closing(windows, until) {
            Some(later) => until = later,
            None => break,
        }
    }
    Opening::Open { until }
}

/// Returns true if a restart may begin: a typical cycle must be left of the window. Half of a
/// window that is shorter than a typical cycle must be left.
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

/// Returns true if a window is shorter than a typical cycle. A restart that begins in such a window
/// ends after it.
pub(super) fn is_short(window: &Window) -> bool {
    window.duration < TYPICAL_CYCLE
}

/// Returns the time until an end, or zero if the end has passed.
fn remaining(until: Timestamp, now: Timestamp) -> Duration {
    until.duration_since(now).try_into().unwrap_or_default()
}

/// Returns the latest closing time of the windows that are open at an instant. `None`: no window is
/// open.
fn closing(windows: &[Window], at: Timestamp) -> Option<Timestamp> {
    windows.iter().filter_map(|window| closes(window, at)).max()
}

/// Returns the closing time of a window that is open at an instant. `None`: the window is not open.
fn closes(window: &Window, at: Timestamp) -> Option<Timestamp> {
    let starts_by = |after| next_start(window, after, at);
    let mut latest = starts_by(at.checked_sub(window.duration).ok()?)?;
    // Most windows have one start in their duration, but some have ten thousand. A binary search
    // finds the last start.
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

/// Returns the next opening of a window after one instant and not after another.
fn next_start(window: &Window, after: Timestamp, by: Timestamp) -> Option<Timestamp> {
    let mut clock = Clock::at(window, after);
    // A time that the last clock change skipped may still be due.
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

/// The clock of a zone between two changes of its offset from UTC.
struct Clock {
    /// The offset from UTC.
    ahead: SignedDuration,
    /// The time when the offset began. `changes` is the time when it ends.
    set: Option<Timestamp>,
    changes: Option<Timestamp>,
    /// The instant after which this clock applies to the schedule. If the schedule means only the
    /// first of two repeated times, it is later than `set`.
    after: Timestamp,
    /// The instant before which this clock applies to the schedule. If the change skips times, it
    /// is later than `changes`.
    until: Timestamp,
}

impl Clock {
    /// Returns the clock at an instant.
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

    /// Returns the first start after an instant, as if the clock never changed again. `None`: no
    /// start in four years.
    fn first(&self, schedule: &Crontab, after: Timestamp) -> Option<Timestamp> {
        let shown = after.max(self.after).checked_add(self.ahead).ok()?;
        if shown >= END {
            return None;
        }
        let start = schedule.find_next(MakeTimestamp(shown)).ok()?;
        start.timestamp().checked_sub(self.ahead).ok()
    }
}

/// The smallest time difference.
const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

/// 9990-01-01. The library panics if its four years lead out of the calendar.
const END: Timestamp = Timestamp::constant(253_086_768_000, 0);

fn before(instant: Timestamp) -> Option<Timestamp> {
    instant.checked_sub(INSTANT).ok()
}

/// Returns a zone's offset from UTC.
fn ahead(zone: &TimeZone, instant: Timestamp) -> SignedDuration {
    SignedDuration::from_secs(zone.to_offset(instant).seconds().into())
}

/// Returns the forward part of a change from one offset to another.
fn surplus(to: SignedDuration, from: SignedDuration) -> SignedDuration {
    (to - from).max(SignedDuration::ZERO)
}
