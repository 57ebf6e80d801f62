//! Schedules of windows: cron's five fields.
//!
//! The library (croner 4.0.3) accepts more than cron does: it reads `JANFEB` as 12, and `MON` as
//! the first day of the month. So each field is checked here, and translated to ranges of numbers,
//! which have one meaning only.

use std::ops::RangeInclusive;

use croner::{Cron, parser::CronParser};
use jiff::civil::{DateTime, date};

use crate::domain::RepeatedTime;

const EXAMPLE: &str = "write five fields (minute hour day month weekday), such as \"0 2 * * SAT\"";

/// The years in which a schedule must occur, and their start. They are fixed, because validation
/// has no clock. They include a 29th of February.
const YEARS: &str = "2024-2027";
const START: DateTime = date(2024, 1, 1).at(0, 0, 0, 0);

/// A field of a schedule.
struct Field {
    name: &'static str,
    values: RangeInclusive<u64>,
    /// The names of the values, from the first value on.
    names: &'static [&'static str],
    /// The mark of the field's extension: `15W` is the weekday nearest to the 15th, `6#2` is the
    /// second Saturday.
    extension: Option<char>,
}

/// The fields of a schedule, in order.
const FIELDS: [Field; 5] = [
    Field::new("minute", 0..=59),
    Field::new("hour", 0..=23),
    Field {
        extension: Some('W'),
        ..Field::new("day of the month", 1..=31)
    },
    Field {
        names: &[
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ],
        ..Field::new("month", 1..=12)
    },
    Field {
        names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
        extension: Some('#'),
        ..Field::new("day of the week", 0..=7)
    },
];

/// Returns a schedule and its meaning of repeated times, or the text of an error.
pub(super) fn schedule(text: &str) -> Result<(Cron, RepeatedTime), String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, _, weekday] = fields[..] else {
        return Err(format!(
            "{text:?} is not a schedule: {EXAMPLE}; the zone goes into timeZone"
        ));
    };
    let refused = |cause| format!("{text:?} is not a schedule: {cause}; {EXAMPLE}");
    if [day, weekday].iter().any(|field| field.contains('L')) {
        return Err(refused(
            "L, the last of a month, is not supported".to_owned(),
        ));
    }
    let translated: Vec<String> = FIELDS
        .iter()
        .zip(fields)
        .map(|(field, text)| field.translate(text))
        .collect::<Result<_, _>>()
        .map_err(refused)?;
    // The classic rule of cron: a day must match both fields if one of them begins with a star, and
    // either field otherwise.
    let both = [day, weekday].iter().any(|field| field.starts_with('*'));
    let parser = CronParser::builder().dom_and_dow(both).build();
    let parse = |years| {
        let pattern = format!("0 {} {years}", translated.join(" "));
        parser
            .parse(&pattern)
            .map_err(|error| refused(error.to_string()))
    };
    parse(YEARS)?
        .find_next_occurrence(&START, true)
        .map_err(|_| {
            format!("{text:?} never comes in four years, so the window would not open; {EXAMPLE}")
        })?;
    let repeated_time = if [minute, hour].iter().any(|field| field.contains('*')) {
        RepeatedTime::Both
    } else {
        RepeatedTime::First
    };
    Ok((parse("*")?, repeated_time))
}

impl Field {
    const fn new(name: &'static str, values: RangeInclusive<u64>) -> Self {
        Self {
            name,
            values,
            names: &[],
            extension: None,
        }
    }

    /// Returns the text of a field in numbers, or the text of an error.
    fn translate(&self, text: &str) -> Result<String, String> {
        let items: Result<Vec<_>, _> = text.split(',').map(|item| self.item(item)).collect();
        match items {
            Ok(items) => Ok(items.join(",")),
            Err(cause) => Err(format!("its {} is {text:?} ({cause})", self.name)),
        }
    }

    fn item(&self, item: &str) -> Result<String, String> {
        let last = *self.values.end();
        if let Some((range, step)) = item.split_once('/') {
            let range = self.range(range, |_| last)?;
            return match number(step)? {
                0 => Err("step must be greater than 0".to_owned()),
                step => Ok(format!("{range}/{}", within("step", step, &self.values)?)),
            };
        }
        if self.extension == Some('W')
            && let Some(day) = item.strip_suffix('W')
        {
            return Ok(format!("{}W", self.value(day)?));
        }
        if self.extension == Some('#')
            && let Some((day, nth)) = item.split_once('#')
        {
            let nth = within("value", number(nth)?, &(1..=5))?;
            return Ok(format!("{}#{nth}", self.value(day)?));
        }
        self.range(item, |first| first)
    }

    /// Returns a range in numbers. `end` returns the last value of a range that names only the
    /// first.
    fn range(&self, text: &str, end: impl Fn(u64) -> u64) -> Result<String, String> {
        let (first, last) = if text == "*" {
            (*self.values.start(), *self.values.end())
        } else if let Some((first, last)) = text.split_once('-') {
            (self.value(first)?, self.value(last)?)
        } else {
            let first = self.value(text)?;
            (first, end(first))
        };
        if first > last {
            return Err(format!(
                "range must be in ascending order; found {first}-{last}"
            ));
        }
        Ok(format!("{first}-{last}"))
    }

    fn value(&self, text: &str) -> Result<u64, String> {
        let named = (*self.values.start()..)
            .zip(self.names)
            .find(|(_, name)| name.eq_ignore_ascii_case(text));
        match named {
            Some((value, _)) => Ok(value),
            None => within("value", number(text)?, &self.values),
        }
    }
}

fn number(text: &str) -> Result<u64, String> {
    // The parser would take a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| "malformed expression".to_owned())
}

fn within(what: &str, number: u64, values: &RangeInclusive<u64>) -> Result<u64, String> {
    if values.contains(&number) {
        return Ok(number);
    }
    let (first, last) = (values.start(), values.end());
    Err(format!(
        "{what} must be in range {first}..={last}; found {number}"
    ))
}
