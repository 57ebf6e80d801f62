//! The times when notebooks may be stopped.

use super::*;

const FIVE_FIELDS: &str =
    "write five fields (minute hour day month weekday), such as \"0 2 * * SAT\"";

fn window(window: &Value) -> Value {
    let mut whole = json!({"schedule": "0 2 * * SAT", "duration": "4h"});
    for (field, value) in window.as_object().unwrap() {
        whole[field] = value.clone();
    }
    json!({"remediation": {"windows": [whole]}})
}

#[test]
fn refuses_durations_out_of_range() {
    for wrong in ["59s", "168h1s"] {
        assert_eq!(
            refused(&window(&json!({"duration": wrong}))),
            "spec.remediation.windows[0].duration: write a duration from 1m to 168h, such as 4h"
        );
    }
}

#[test]
fn refuses_time_zones() {
    for wrong in ["Mars/Olympus", "", "CEST", "+02:00"] {
        assert_eq!(
            refused(&window(&json!({"timeZone": wrong}))),
            format!(
                "spec.remediation.windows[0].timeZone: {wrong:?} is not a time zone: write an IANA name such as \
                 Europe/Berlin, or UTC"
            )
        );
    }
    for right in [
        "UTC",
        "Europe/Berlin",
        "America/Argentina/Buenos_Aires",
        "Asia/Kolkata",
        "Etc/GMT+5",
    ] {
        policy(window(&json!({"timeZone": right})));
    }
}

#[test]
fn refuses_schedules_that_have_not_five_fields() {
    for wrong in ["", "0 2 * *", "0 0 2 * * SAT", "@daily", "0 2 * * SAT UTC"] {
        assert_eq!(
            refused(&window(&json!({"schedule": wrong}))),
            format!(
                "spec.remediation.windows[0].schedule: {wrong:?} is not a schedule: {FIVE_FIELDS}; the zone goes into \
                 timeZone"
            )
        );
    }
}

#[test]
fn refuses_schedules_and_names_the_wrong_field() {
    for (wrong, cause) in [
        (
            "60 2 * * *",
            "its minute is \"60\" (value must be in range 0..=59; found 60)",
        ),
        (
            "0 24 * * *",
            "its hour is \"24\" (value must be in range 0..=23; found 24)",
        ),
        (
            "0 2 32 * *",
            "its day of the month is \"32\" (value must be in range 1..=31; found 32)",
        ),
        (
            "0 2 * 13 *",
            "its month is \"13\" (value must be in range 1..=12; found 13)",
        ),
        (
            "0 2 * * 8",
            "its day of the week is \"8\" (value must be in range 0..=7; found 8)",
        ),
        (
            "0 2 * * SATURDAY",
            "its day of the week is \"SATURDAY\" (malformed expression)",
        ),
        (
            "0 4-2 * * *",
            "its hour is \"4-2\" (range must be in ascending order; found 4-2)",
        ),
        (
            "*/0 2 * * *",
            "its minute is \"*/0\" (step must be greater than 0)",
        ),
        (
            "*/60 2 * * *",
            "its minute is \"*/60\" (step must be in range 0..=59; found 60)",
        ),
        ("+3 2 * * *", "its minute is \"+3\" (malformed expression)"),
        (
            "0 1,,2 * * *",
            "its hour is \"1,,2\" (malformed expression)",
        ),
        (
            "0 2 MON * *",
            "its day of the month is \"MON\" (malformed expression)",
        ),
        (
            "0 2 15W3 * *",
            "its day of the month is \"15W3\" (malformed expression)",
        ),
        (
            "0 2 * JANFEB *",
            "its month is \"JANFEB\" (malformed expression)",
        ),
        (
            "0 2 * * MAY",
            "its day of the week is \"MAY\" (malformed expression)",
        ),
        (
            "0 2 * * FRI-MON",
            "its day of the week is \"FRI-MON\" (range must be in ascending order; found 5-1)",
        ),
        (
            "0 2 * * SAT#6",
            "its day of the week is \"SAT#6\" (value must be in range 1..=5; found 6)",
        ),
        (
            "0  2\t? * *",
            "its day of the month is \"?\" (malformed expression)",
        ),
    ] {
        for zone in ["UTC", "America/Argentina/Buenos_Aires"] {
            assert_eq!(
                refused(&window(&json!({"schedule": wrong, "timeZone": zone}))),
                format!(
                    "spec.remediation.windows[0].schedule: {wrong:?} is not a schedule: {cause}; {FIVE_FIELDS}"
                )
            );
        }
    }
}

#[test]
fn refuses_schedules_that_never_come() {
    for wrong in ["0 0 30 2 *", "0 0 31 4,6,9,11 *"] {
        assert_eq!(
            refused(&window(&json!({"schedule": wrong}))),
            format!(
                "spec.remediation.windows[0].schedule: {wrong:?} never comes in four years, so the window would not \
                 open; {FIVE_FIELDS}"
            )
        );
    }
}

#[test]
fn accepts_what_cron_accepts() {
    for right in [
        "0 2 * * SAT",
        "*/15 0-6,22,23 * * 1-5",
        "0 0 29 2 *",
        "0 0 1 jan *",
        " 0 2 * * 7 ",
        "0\t2 * * sun",
        "0 2 15W * *",
        "0 2 * JUL 6#2",
    ] {
        policy(window(
            &json!({"schedule": right, "timeZone": "Europe/Berlin"}),
        ));
    }
    // If the library read the schedule by that zone's clock, its search would never end.
    policy(window(
        &json!({"schedule": "0 2 7 4 *", "timeZone": "Australia/Lord_Howe"}),
    ));
}

/// The library accepts it and never finds it in December.
#[test]
fn refuses_the_last_of_a_month() {
    for wrong in ["0 2 L * *", "0 2 1,L 1-11 *", "0 2 * * 5L"] {
        assert_eq!(
            refused(&window(&json!({"schedule": wrong}))),
            format!(
                "spec.remediation.windows[0].schedule: {wrong:?} is not a schedule: L, the last of a month, is not \
                 supported; {FIVE_FIELDS}"
            )
        );
    }
}

#[test]
fn a_schedule_that_runs_through_the_hours_or_minutes_means_both_of_times_that_come_twice() {
    for (schedule, expected) in [
        ("0 2 * * SAT", RepeatedTime::First),
        ("0,30 0-23 */2 * *", RepeatedTime::First),
        ("0 * * * *", RepeatedTime::Both),
        ("0 */2 * * *", RepeatedTime::Both),
        ("*/15 2 * * *", RepeatedTime::Both),
    ] {
        let policy = policy(window(&json!({"schedule": schedule})));
        assert_eq!(
            policy.remediation.windows[0].repeated_time, expected,
            "{schedule}"
        );
    }
}
