//! windows *(pure)*: the times when notebooks may be stopped.
//!
//! A window opens when the clock of its zone shows a time of its schedule, and stays open for its
//! duration in elapsed time.
//!
//! When the clock is put forward, a skipped time opens the window at the end of the skipped period:
//! where 02:00 becomes 03:00, a window of 02:30 opens at 03:00. When the clock is put back, a
//! repeated time opens the window the first time, or both times: see [`RepeatedTime`].
//!
//! The library (croner 4.0.3) searches the calendar only, without a time zone. Its own rules for
//! clock changes would lose windows. It skips `0,30 2 * * *` and `*/30 2 * * *` altogether in the
//! night of the change, and `30 23 * * SAT` where the skipped period ends on Sunday (Nuuk).
//!
//! A window that cannot be computed is closed.

#[cfg(test)]
mod tests;

use std::time::Duration;

use croner::Direction;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::AmbiguousOffset};

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
        /// The time when the next window opens. `None`: no opening before the year 5000.
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
            .filter_map(|window| next_start(window, now))
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
    let end = last_start(window, at)?.checked_add(window.duration).ok()?;
    (end > at).then_some(end)
}

/// Returns the first start of a window after an instant.
fn next_start(window: &Window, after: Timestamp) -> Option<Timestamp> {
    // The next change may put the clock back to earlier times, which then open the window again.
    let change = window.time_zone.following(after).next();
    [Some(after), change.map(|change| change.timestamp())]
        .into_iter()
        .flatten()
        .filter_map(|from| {
            times(window, from, Direction::Forward)
                .find_map(|time| instants(window, time).filter(|start| *start > after).min())
        })
        .min()
}

/// Returns the last start of a window that is not after an instant.
fn last_start(window: &Window, at: Timestamp) -> Option<Timestamp> {
    // The last change may have put the clock back from later times, which opened the window before.
    let next = at.checked_add(INSTANT).unwrap_or(at);
    let change = window.time_zone.preceding(next).next();
    let before_change = change.and_then(|change| change.timestamp().checked_sub(INSTANT).ok());
    [Some(at), before_change]
        .into_iter()
        .flatten()
        .filter_map(|from| {
            times(window, from, Direction::Backward)
                .find_map(|time| instants(window, time).filter(|start| *start <= at).max())
        })
        .max()
}

/// Returns the times of a window's schedule in order, beginning with the time that the zone's clock
/// shows at an instant.
fn times(window: &Window, from: Timestamp, direction: Direction) -> impl Iterator<Item = DateTime> {
    let search = move |from: &DateTime, inclusive| match direction {
        Direction::Forward => window.schedule.find_next_occurrence(from, inclusive).ok(),
        Direction::Backward => window
            .schedule
            .find_previous_occurrence(from, inclusive)
            .ok(),
    };
    let first = search(&window.time_zone.to_datetime(from), true);
    std::iter::successors(first, move |time| search(time, false))
}

/// Returns the instants at which a time of the schedule opens the window.
fn instants(window: &Window, time: DateTime) -> impl Iterator<Item = Timestamp> {
    let ambiguous = window.time_zone.to_ambiguous_timestamp(time);
    let earlier = ambiguous.earlier().ok();
    let instants = match (ambiguous.offset(), window.repeated_time) {
        // The earlier reading of a skipped time lies before the gap, so the next change is the gap.
        (AmbiguousOffset::Gap { .. }, _) => {
            let gap = earlier.and_then(|earlier| window.time_zone.following(earlier).next());
            [gap.map(|gap| gap.timestamp()), None]
        }
        (AmbiguousOffset::Fold { .. }, RepeatedTime::Both) => [earlier, ambiguous.later().ok()],
        _ => [earlier, None],
    };
    instants.into_iter().flatten()
}

/// The resolution of timestamps.
const INSTANT: SignedDuration = SignedDuration::from_nanos(1);
