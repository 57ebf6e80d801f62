//! How notebooks are fixed: budgets, windows, timeouts.

use std::{ops::RangeInclusive, time::Duration};

use cronexpr::{Crontab, MakeTimestamp, parse_crontab};
use jiff::{Timestamp, tz::TimeZone};

use super::Errors;
use crate::{
    api::{self, RemediationSpec, defaults},
    domain::{Remediation, Timeouts, WhenRunning, Window},
};

const WINDOWS: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(168);
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_hours(24);

pub(super) fn remediation(spec: Option<&RemediationSpec>, errors: &mut Errors) -> Remediation {
    let absent = RemediationSpec::default();
    let spec = spec.unwrap_or(&absent);
    let path = "spec.remediation";
    Remediation {
        when_running: match spec.when_running.unwrap_or_default() {
            api::WhenRunning::Restart => WhenRunning::Restart,
            api::WhenRunning::Wait => WhenRunning::Wait,
        },
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
        windows: spec
            .windows
            .iter()
            .enumerate()
            .filter_map(|(index, spec)| window(&format!("{path}.windows[{index}]"), spec, errors))
            .collect(),
        timeouts: timeouts(spec.timeouts.as_ref(), errors),
    }
}

fn timeouts(spec: Option<&api::Timeouts>, errors: &mut Errors) -> Timeouts {
    let spec = spec.cloned().unwrap_or_default();
    let mut timeout = |field: &str, given, default| {
        errors.duration(
            format!("spec.remediation.timeouts.{field}"),
            given,
            default,
            TIMEOUTS,
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
    // The schedule is judged even where the zone is wrong, so that a person sees both at once.
    let readable = if time_zone.is_some() {
        zone
    } else {
        defaults::TIME_ZONE
    };
    let schedule = schedule(&spec.schedule, readable)
        .map_err(|problem| errors.add(format!("{path}.schedule"), problem))
        .ok();
    let duration = errors.duration(
        format!("{path}.duration"),
        Some(spec.duration),
        Duration::from_hours(4),
        WINDOWS,
    );
    Some(Window {
        schedule: schedule?,
        duration,
        time_zone: time_zone?,
    })
}

fn schedule(text: &str, zone: &str) -> Result<Crontab, String> {
    const EXAMPLE: &str =
        "write five fields (minute hour day month weekday), such as \"0 2 * * SAT\"";
    if text.split_whitespace().count() != 5 {
        return Err(format!(
            "{text:?} is not a schedule: {EXAMPLE}; the zone goes into timeZone"
        ));
    }
    let crontab = parse_crontab(&format!("{text} {zone}")).map_err(|error| {
        // The library draws a picture of several lines; its last one says what is wrong.
        let shown = error.to_string();
        let cause = shown
            .lines()
            .last()
            .unwrap_or_default()
            .trim_matches([' ', '^', '|'])
            .to_owned();
        format!("{text:?} is not a schedule ({cause}): {EXAMPLE}")
    })?;
    // Any day before the first schedule was ever written will do: what never comes after it never comes.
    crontab
        .find_next(MakeTimestamp(Timestamp::UNIX_EPOCH))
        .map_err(|_| format!("{text:?} never comes, so the window would never open: {EXAMPLE}"))?;
    Ok(crontab)
}
