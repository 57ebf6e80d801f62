//! Times for people.

use std::time::Duration;

use jiff::{Timestamp, Unit, tz::TimeZone};

/// Returns the local time in a zone: `Saturday, 6 June 2026, 02:00 Europe/Berlin`.
pub(super) fn local(at: Timestamp, zone: &TimeZone) -> String {
    let name = zone.iana_name().unwrap_or("UTC");
    let shown = at.to_zoned(zone.clone());
    format!("{} {name}", shown.strftime("%A, %-d %B %Y, %H:%M"))
}

/// Returns the time in UTC, to the second.
fn utc(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

/// Returns the distance from now: `in 3 hours`, `12 minutes ago`, `now`.
pub(super) fn distance(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {}", span(Duration::from_secs(seconds.unsigned_abs()))),
        _ => format!("{} ago", span(Duration::from_secs(seconds.unsigned_abs()))),
    }
}

/// Returns the time in UTC and its distance from now: `2026-06-01T12:50:00Z, in 50 minutes`.
pub(super) fn when(at: Timestamp, now: Timestamp) -> String {
    format!("{}, {}", utc(at), distance(at, now))
}

/// Returns the same with the distance in brackets: `2026-06-01T12:50:00Z (in 50 minutes)`.
pub(super) fn stamp(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", utc(at), distance(at, now))
}

/// Returns the duration in the largest unit of which it has at least two.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "days"), (3600, "hours"), (60, "minutes")];
    let largest = units.into_iter().find(|(unit, _)| seconds >= 2 * unit);
    match largest {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None if seconds == 1 => "1 second".to_owned(),
        None => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn distances_are_in_words() {
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        for (at, expected) in [
            ("2026-06-01T12:00:00.4Z", "now"),
            ("2026-06-01T12:00:01Z", "in 1 second"),
            ("2026-06-01T12:01:59Z", "in 119 seconds"),
            ("2026-06-01T12:02:00Z", "in 2 minutes"),
            ("2026-06-01T13:59:00Z", "in 119 minutes"),
            ("2026-06-03T11:59:00Z", "in 47 hours"),
            ("2026-06-05T22:00:00Z", "in 4 days"),
            ("2026-06-01T10:00:00Z", "2 hours ago"),
        ] {
            assert_eq!(distance(at.parse().unwrap(), now), expected, "{at}");
        }
    }

    #[test]
    fn a_zone_shows_its_own_clock() {
        let at: Timestamp = "2026-06-06T00:00:00Z".parse().unwrap();
        for (zone, expected) in [
            (
                "Europe/Berlin",
                "Saturday, 6 June 2026, 02:00 Europe/Berlin",
            ),
            (
                "America/New_York",
                "Friday, 5 June 2026, 20:00 America/New_York",
            ),
            ("UTC", "Saturday, 6 June 2026, 00:00 UTC"),
        ] {
            assert_eq!(local(at, &TimeZone::get(zone).unwrap()), expected);
        }
    }
}
