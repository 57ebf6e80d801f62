#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod oracle;

use serde_json::json;

use super::*;
use crate::decide::fixtures::policy;

/// Returns windows of a schedule, a duration and a time zone each.
fn windows(windows: &[(&str, &str, &str)]) -> Vec<Window> {
    let windows: Vec<_> = windows
        .iter()
        .map(|(schedule, duration, zone)| json!({"schedule": schedule, "duration": duration, "timeZone": zone}))
        .collect();
    policy(json!({"remediation": {"windows": windows}}))
        .remediation
        .windows
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn open(until: &str) -> Opening {
    Opening::Open { until: at(until) }
}

fn closed(opens: &str) -> Opening {
    Opening::Closed {
        opens: Some(at(opens)),
    }
}

/// Returns the openings of a window from an instant on, as its clock shows them.
fn starts(window: (&str, &str), from: &str, count: usize) -> Vec<String> {
    let (schedule, zone) = window;
    let window = &windows(&[(schedule, "1m", zone)])[0];
    let from = at(from).checked_sub(INSTANT).unwrap();
    let next = |after| next_start(window, after);
    std::iter::successors(next(from), |start| next(*start))
        .take(count)
        .map(|start| {
            let zoned = start.to_zoned(window.time_zone.clone());
            zoned.strftime("%d %H:%M%:z").to_string()
        })
        .collect()
}

#[test]
fn without_windows_it_is_always_open() {
    for now in [Timestamp::MIN, at("2026-06-01T12:00:00Z"), Timestamp::MAX] {
        assert_eq!(opening(&[], now), Opening::Always);
        assert!(may_begin(&[], now));
    }
}

#[test]
fn a_window_is_open_from_its_start_until_just_before_its_end() {
    let windows = windows(&[("0 2 * * SAT", "4h", "Europe/Berlin")]);
    let until = open("2026-06-06T04:00:00Z");
    for (now, expected) in [
        (
            "2026-06-05T23:59:59.999999999Z",
            closed("2026-06-06T00:00:00Z"),
        ),
        ("2026-06-06T00:00:00Z", until),
        ("2026-06-06T00:00:00.000000001Z", until),
        ("2026-06-06T03:59:59.999999999Z", until),
        ("2026-06-06T04:00:00Z", closed("2026-06-13T00:00:00Z")),
        ("2026-12-01T00:00:00Z", closed("2026-12-05T01:00:00Z")),
    ] {
        assert_eq!(opening(&windows, at(now)), expected, "{now}");
    }
}

/// Each zone sets its clock forward. Some skip less than an hour, some skip midnight, one skips a
/// whole day.
#[test]
fn a_time_that_is_skipped_opens_at_the_end_of_the_gap() {
    for (schedule, zone, from, expected) in [
        (
            "0 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            ["29 03:00+02:00", "30 02:00+02:00"],
        ),
        (
            "30 2 * * SUN",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            ["29 03:00+02:00", "05 02:30+02:00"],
        ),
        (
            "30 2,3 * * *",
            "America/New_York",
            "2026-03-08T05:00:00Z",
            ["08 03:00-04:00", "08 03:30-04:00"],
        ),
        (
            "0,45 2 * * *",
            "America/New_York",
            "2026-03-08T05:00:00Z",
            ["08 03:00-04:00", "09 02:00-04:00"],
        ),
        (
            "0 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00Z",
            ["04 02:30+11:00", "05 02:00+11:00"],
        ),
        (
            "20,40 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00Z",
            ["04 02:30+11:00", "04 02:40+11:00"],
        ),
        (
            "0 0 * * *",
            "America/Havana",
            "2024-03-10T04:30:00Z",
            ["10 01:00-04:00", "11 00:00-04:00"],
        ),
        (
            "0 2 * * FRI",
            "Pacific/Apia",
            "2011-12-29T00:00:00Z",
            ["31 00:00+14:00", "06 02:00+14:00"],
        ),
        (
            "30 23 * * SAT",
            "America/Nuuk",
            "2026-03-28T12:00:00Z",
            ["29 00:00-01:00", "04 23:30-01:00"],
        ),
        (
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            ["29 03:00+02:00", "30 02:00+02:00"],
        ),
        (
            "30 * * * *",
            "Europe/Berlin",
            "2026-03-29T00:00:00Z",
            ["29 01:30+01:00", "29 03:00+02:00"],
        ),
        (
            "0 2 * * *",
            "Asia/Kolkata",
            "2026-03-28T12:00:00Z",
            ["29 02:00+05:30", "30 02:00+05:30"],
        ),
    ] {
        assert_eq!(
            starts((schedule, zone), from, 2),
            expected,
            "{schedule} {zone}"
        );
    }
}

#[test]
fn a_time_that_comes_twice_opens_once_unless_the_schedule_runs_through_the_hours() {
    for (schedule, zone, from, expected) in [
        (
            "0 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            ["25 02:00+02:00", "26 02:00+01:00", "27 02:00+01:00"],
        ),
        (
            "59 2 * * SUN",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            ["25 02:59+02:00", "01 02:59+01:00", "08 02:59+01:00"],
        ),
        (
            "0,30 1,2 * * *",
            "America/New_York",
            "2026-11-01T05:00:00Z",
            ["01 01:00-04:00", "01 01:30-04:00", "01 02:00-05:00"],
        ),
        (
            "30 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T00:00:00Z",
            ["05 01:30+11:00", "06 01:30+10:30", "07 01:30+10:30"],
        ),
        (
            "0 2 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T00:00:00Z",
            ["05 02:00+10:30", "06 02:00+10:30", "07 02:00+10:30"],
        ),
        (
            "0 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:00:00Z",
            ["25 02:00+02:00", "25 02:00+01:00", "25 03:00+01:00"],
        ),
        (
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-10-25T00:30:00Z",
            ["25 02:30+02:00", "25 02:00+01:00", "25 02:30+01:00"],
        ),
        (
            "45 * * * *",
            "Australia/Lord_Howe",
            "2026-04-04T14:00:00Z",
            ["05 01:45+11:00", "05 01:45+10:30", "05 02:45+10:30"],
        ),
        (
            "0 2 * * *",
            "UTC",
            "2026-10-24T12:00:00Z",
            ["25 02:00+00:00", "26 02:00+00:00", "27 02:00+00:00"],
        ),
    ] {
        assert_eq!(
            starts((schedule, zone), from, 3),
            expected,
            "{schedule} {zone}"
        );
    }
}

/// In the second pass of a repeated hour, the window is still open by its first opening.
#[test]
fn the_second_pass_of_an_hour_belongs_to_the_window_that_the_first_opened() {
    let windows = windows(&[("30 2 * * *", "45m", "Europe/Berlin")]);
    let until = open("2026-10-25T01:15:00Z");
    for (now, expected) in [
        ("2026-10-25T00:30:00Z", until),
        ("2026-10-25T01:14:59Z", until),
        ("2026-10-25T01:15:00Z", closed("2026-10-26T01:30:00Z")),
        ("2026-10-25T01:30:00Z", closed("2026-10-26T01:30:00Z")),
    ] {
        assert_eq!(opening(&windows, at(now)), expected, "{now}");
    }
}

/// By the clock, the duration is an hour longer or shorter on these nights.
#[test]
fn a_duration_is_elapsed_time() {
    let windows = windows(&[("0 1 * * *", "4h", "Europe/Berlin")]);
    for (now, expected) in [
        ("2026-03-29T00:00:00Z", open("2026-03-29T04:00:00Z")),
        ("2026-10-24T23:00:00Z", open("2026-10-25T03:00:00Z")),
    ] {
        assert_eq!(opening(&windows, at(now)), expected, "{now}");
    }
}

#[test]
fn overlapping_and_adjacent_windows_are_one() {
    let day = |hours: &str| at(&format!("2026-06-01T{hours}:00Z"));
    for (second, until) in [
        ("58 2 * * *", "03:58"),
        ("0 3 * * *", "04:00"),
        // A minute during which the window is closed.
        ("1 3 * * *", "03:00"),
        // The window closes earlier than the other.
        ("30 1 * * *", "03:00"),
    ] {
        let windows = windows(&[("0 2 * * *", "1h", "UTC"), (second, "1h", "UTC")]);
        let until = Opening::Open { until: day(until) };
        assert_eq!(opening(&windows, day("02:55")), until, "{second}");
    }
}

#[test]
fn what_opens_long_after_now_is_not_looked_for() {
    let windows = windows(&[("0 2 * * *", "1h", "UTC"), ("0 3 * * *", "1h", "UTC")]);
    for (now, until) in [
        ("2026-06-01T02:53:50Z", "2026-06-01T03:00:00Z"),
        ("2026-06-01T02:53:51Z", "2026-06-01T04:00:00Z"),
    ] {
        assert_eq!(opening(&windows, at(now)), open(until), "{now}");
    }
}

#[test]
fn a_window_may_overlap_itself() {
    let now = "2026-06-01T02:30:30Z";
    for (duration, until) in [
        ("168h", "2026-06-08T02:30:00Z"),
        ("1m", "2026-06-01T02:37:00Z"),
    ] {
        let windows = windows(&[("* * * * *", duration, "Europe/Berlin")]);
        assert_eq!(opening(&windows, at(now)), open(until), "{duration}");
        assert!(may_begin(&windows, at(now)));
    }
    let windows = windows(&[("0-5 2 * * *", "4h", "UTC")]);
    let last = open("2026-06-01T06:05:00Z");
    for now in [
        "2026-06-01T02:05:00Z",
        "2026-06-01T03:30:00Z",
        "2026-06-01T06:04:59Z",
    ] {
        assert_eq!(opening(&windows, at(now)), last, "{now}");
    }
}

#[test]
fn a_window_may_open_the_moment_that_the_clock_is_set() {
    for (schedule, now) in [
        ("0 3 * * *", "2026-03-29T01:00:00Z"),
        ("* 3 * * *", "2026-03-29T01:00:00Z"),
        ("* 2 * * *", "2026-10-25T01:00:00Z"),
    ] {
        let windows = windows(&[(schedule, "1m", "Europe/Berlin")]);
        let open = matches!(opening(&windows, at(now)), Opening::Open { .. });
        assert!(open, "{schedule}");
    }
}

#[test]
fn each_window_has_its_own_clock() {
    let windows = windows(&[
        ("0 2 * * MON", "1h", "Asia/Tokyo"),
        ("0 2 * * MON", "1h", "Asia/Kolkata"),
        ("0 2 * * MON", "1h", "America/New_York"),
    ]);
    for (now, expected) in [
        ("2026-05-31T16:59:59Z", closed("2026-05-31T17:00:00Z")),
        ("2026-05-31T17:30:00Z", open("2026-05-31T18:00:00Z")),
        ("2026-05-31T19:00:00Z", closed("2026-05-31T20:30:00Z")),
        ("2026-05-31T21:00:00Z", open("2026-05-31T21:30:00Z")),
        ("2026-06-01T05:00:00Z", closed("2026-06-01T06:00:00Z")),
        ("2026-06-01T06:00:00Z", open("2026-06-01T07:00:00Z")),
    ] {
        assert_eq!(opening(&windows, at(now)), expected, "{now}");
    }
}

#[test]
fn a_restart_is_begun_while_a_typical_cycle_is_left() {
    let whole = &[("0 2 * * *", "1h", "UTC")][..];
    let in_two = &[("0 2 * * *", "57m", "UTC"), ("57 2 * * *", "3m", "UTC")];
    for windows in [windows(whole), windows(in_two)] {
        for (now, expected) in [
            ("2026-06-01T01:59:59.999999999Z", false),
            ("2026-06-01T02:00:00Z", true),
            ("2026-06-01T02:53:49.999999999Z", true),
            ("2026-06-01T02:53:50Z", true),
            ("2026-06-01T02:53:50.000000001Z", false),
            ("2026-06-01T03:00:00Z", false),
        ] {
            assert_eq!(may_begin(&windows, at(now)), expected, "{now}");
        }
    }
}

#[test]
fn half_of_a_short_window_must_be_left() {
    for (duration, now, expected) in [
        ("1m", "2026-06-01T02:00:30Z", true),
        ("1m", "2026-06-01T02:00:30.000000001Z", false),
        ("369s", "2026-06-01T02:03:04.5Z", true),
        ("369s", "2026-06-01T02:03:04.500000001Z", false),
        // The window is no longer short.
        ("370s", "2026-06-01T02:00:00Z", true),
        ("370s", "2026-06-01T02:00:00.000000001Z", false),
    ] {
        let windows = windows(&[("0 2 * * *", duration, "UTC")]);
        assert_eq!(may_begin(&windows, at(now)), expected, "{duration} {now}");
    }
    // A window that is almost over does not become usable by the end of a long window, nor the
    // reverse.
    let both = windows(&[("0 2 * * *", "1h", "UTC"), ("58 2 * * *", "1m", "UTC")]);
    for (now, expected) in [
        ("2026-06-01T02:57:59Z", false),
        ("2026-06-01T02:58:00Z", true),
        ("2026-06-01T02:58:31Z", false),
    ] {
        assert_eq!(may_begin(&both, at(now)), expected, "{now}");
    }
}

#[test]
fn what_cannot_be_computed_is_closed() {
    let windows = windows(&[("* * * * *", "168h", "Europe/Berlin")]);
    // The calendar of the library ends with the year 5000.
    for now in [Timestamp::MIN, at("9996-01-01T00:00:00Z"), Timestamp::MAX] {
        assert!(
            matches!(opening(&windows, now), Opening::Closed { .. }),
            "{now}"
        );
        assert!(!may_begin(&windows, now));
    }
    let leap = self::windows(&[("0 0 29 2 *", "1h", "UTC")]);
    assert_eq!(
        opening(&leap, at("2096-03-01T00:00:00Z")),
        closed("2104-02-29T00:00:00Z"),
        "2100 has no 29th of February"
    );
    assert_eq!(
        opening(&leap, at("4996-03-01T00:00:00Z")),
        Opening::Closed { opens: None }
    );
    assert_eq!(
        opening(&leap, at("2024-02-29T01:00:00Z")),
        closed("2028-02-29T00:00:00Z")
    );
}
