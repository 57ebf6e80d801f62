//! Validation of the remediation: budgets, windows, timeouts.

use std::time::Duration;

use cronexpr::{Crontab, Error, MakeTimestamp, parse_crontab};
use jiff::{Timestamp, tz::TimeZone};

use super::Errors;
use crate::{
    api::{self, RemediationSpec, defaults, limits},
    decide::windows::{TYPICAL_CYCLE, is_short},
    domain::{Remediation, RepeatedTime, Timeouts, Warning, Window},
};

/// The fields of a schedule, in order.
const FIELDS: [&str; 5] = [
    "minute",
    "hour",
    "day of the month",
    "month",
    "day of the week",
];

/// The start of the search that shows that a schedule ever occurs. It is 2024-01-01, a fixed day,
/// because validation has no clock. The library searches four years ahead, so that a 29th of
/// February is found.
const LOOKED_FOR_FROM: Timestamp = Timestamp::constant(1_704_067_200, 0);

pub(super) fn remediation(spec: Option<&RemediationSpec>, errors: &mut Errors) -> Remediation {
    let absent = RemediationSpec::default();
    let spec = spec.unwrap_or(&absent);
    let path = "spec.remediation";
    Remediation {
        when_running: spec.when_running.unwrap_or_default(),
        max_concurrent: errors.count(
            &format!("{path}.maxConcurrent"),
            spec.max_concurrent,
            defaults::MAX_CONCURRENT,
        ),
        max_concurrent_per_region: errors.count(
            &format!("{path}.maxConcurrentPerRegion"),
            spec.max_concurrent_per_region,
            defaults::MAX_CONCURRENT_PER_REGION,
        ),
        max_failures: errors.count(
            &format!("{path}.maxFailures"),
            spec.max_failures,
            defaults::MAX_FAILURES,
        ),
        rest_after_stop: errors.duration(
            format!("{path}.restAfterStop"),
            spec.rest_after_stop,
            defaults::REST_AFTER_STOP,
            limits::REST_AFTER_STOP,
        ),
        windows: spec
            .windows
            .iter()
            .enumerate()
            .filter_map(|(index, spec)| window(&format!("{path}.windows[{index}]"), spec, errors))
            .collect(),
        timeouts: timeouts(spec.timeouts.as_ref(), errors),
    }
}

/// Returns warnings about windows that are valid but probably unintended.
pub(super) fn warnings(windows: &[Window]) -> impl Iterator<Item = Warning> {
    windows
        .iter()
        .enumerate()
        .filter(|(_, window)| is_short(window))
        .map(|(index, _)| {
            Warning::new(
                format!("spec.remediation.windows[{index}]"),
                format!(
                    "is shorter than a typical restart (about {} minutes): a restart that begins in it ends after the window closes",
                    TYPICAL_CYCLE.as_secs() / 60
                ),
            )
        })
}

fn timeouts(spec: Option<&api::Timeouts>, errors: &mut Errors) -> Timeouts {
    let spec = spec.cloned().unwrap_or_default();
    let mut timeout = |field: &str, given, default| {
        errors.duration(
            format!("spec.remediation.timeouts.{field}"),
            given,
            default,
            limits::TIMEOUT,
        )
    };
    Timeouts {
        stop: timeout("stop", spec.stop, defaults::STOP_TIMEOUT),
        update: timeout("update", spec.update, defaults::UPDATE_TIMEOUT),
        start: timeout("start", spec.start, defaults::START_TIMEOUT),
    }
}

fn window(path: &str, spec: &api::Window, errors: &mut Errors) -> Option<Window> {
    let zone = spec.time_zone.as_deref().unwrap_or(defaults::TIME_ZONE);
    let time_zone = TimeZone::get(zone)
        .map_err(|_| {
            errors.add(
                format!("{path}.timeZone"),
                format!(
                    "{zone:?} is not a time zone: write an IANA name such as Europe/Berlin, or UTC"
                ),
            );
        })
        .ok();
    let schedule = schedule(&spec.schedule)
        .map_err(|problem| errors.add(format!("{path}.schedule"), problem))
        .ok();
    let duration = errors.duration(
        format!("{path}.duration"),
        Some(spec.duration),
        Duration::from_hours(4),
        limits::WINDOW,
    );
    let (schedule, repeated_time) = schedule?;
    Some(Window {
        schedule,
        repeated_time,
        duration,
        time_zone: time_zone?,
    })
}

fn schedule(text: &str) -> Result<(Crontab, RepeatedTime), String> {
    const EXAMPLE: &str =
        "write five fields (minute hour day month weekday), such as \"0 2 * * SAT\"";
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, _, weekday] = fields[..] else {
        return Err(format!(
            "{text:?} is not a schedule: {EXAMPLE}; the zone goes into timeZone"
        ));
    };
    // UTC stands for the clock of the window's zone: see `Window`.
    let crontab = parse_crontab(&format!("{text} UTC")).map_err(|error| {
        let cause = misread(text).unwrap_or_else(|| cause(&error));
        format!("{text:?} is not a schedule: {cause}; {EXAMPLE}")
    })?;
    // cronexpr 1.7.0 never finds the last day of a December, because it looks for a month after it.
    if [day, weekday].iter().any(|field| field.contains('L')) {
        return Err(format!(
            "{text:?} is not a schedule: L, the last of a month, is not supported; {EXAMPLE}"
        ));
    }
    crontab
        .find_next(MakeTimestamp(LOOKED_FOR_FROM))
        .map_err(|_| {
            format!("{text:?} never comes in four years, so the window would not open; {EXAMPLE}")
        })?;
    let repeated_time = if [minute, hour].iter().any(|field| field.contains('*')) {
        RepeatedTime::Both
    } else {
        RepeatedTime::First
    };
    Ok((crontab, repeated_time))
}

/// Returns the invalid field of a schedule, and its error. The library shows the position only in a
/// picture, so each field is tried alone.
fn misread(text: &str) -> Option<String> {
    FIELDS
        .iter()
        .zip(text.split_whitespace())
        .enumerate()
        .find_map(|(index, (name, field))| {
            let (before, after) = ("* ".repeat(index), " *".repeat(FIELDS.len() - 1 - index));
            let error = parse_crontab(&format!("{before}{field}{after} UTC")).err()?;
            Some(format!("its {name} is {field:?} ({})", cause(&error)))
        })
}

/// Returns the cause of a library error. The library draws a picture of several lines. The cause is
/// in the last line, after a mark.
fn cause(error: &Error) -> String {
    let shown = error.to_string();
    let last = shown.lines().last().unwrap_or_default();
    last.trim_start_matches([' ', '^']).to_owned()
}
