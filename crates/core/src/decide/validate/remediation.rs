//! Validation of the remediation: budgets, windows, timeouts.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::{Errors, schedule::schedule};
use crate::{
    api::{self, RemediationSpec, defaults, limits},
    decide::windows::{TYPICAL_CYCLE, is_short},
    domain::{Remediation, Timeouts, Warning, Window},
};

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
