//! Schedules as the oracle makes and reads them, with its own calendar.

use std::ops::RangeInclusive;

use fastrand::Rng;

use super::{MINUTE, Shown};

/// A field of a schedule: its text and its numbers, one bit each.
struct Field {
    text: String,
    numbers: u64,
}

/// A schedule.
pub(super) struct Cron {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
    /// `15W` as the day: the weekday nearest to the 15th.
    nearest: Option<i64>,
    /// `5#2` as the day of the week: the second Friday.
    nth: Option<(i64, i64)>,
}

/// A day of the calendar; Sunday is 0.
struct Day {
    month: i64,
    date: i64,
    weekday: i64,
    /// The last day of the month.
    last: i64,
}

impl Field {
    /// Generates a field in any notation, about some of the allowed values.
    fn any(random: &mut Rng, allowed: &RangeInclusive<i64>, some: RangeInclusive<i64>) -> Self {
        let (low, high) = (*allowed.start(), *allowed.end());
        let mut two = [random.i64(some.clone()), random.i64(some)];
        two.sort_unstable();
        let [from, to] = two;
        let step = random.choice([1, 2, 3, 5, 15]).unwrap().min(high);
        let every = |from: i64, to: i64, step: i64| {
            (from..=to)
                .filter(|number| (number - from) % step == 0)
                .fold(0, |all, number| all | 1 << number)
        };
        let (text, numbers) = match random.u8(0..9) {
            0 => ("*".to_owned(), every(low, high, 1)),
            1 => (format!("*/{step}"), every(low, high, step)),
            2 => (format!("{from}-{to}"), every(from, to, 1)),
            3 => (format!("{from}-{to}/{step}"), every(from, to, step)),
            4 => (format!("{from}/{step}"), every(from, high, step)),
            5 => (format!("{to},{from}"), 1 << from | 1 << to),
            _ => (from.to_string(), 1 << from),
        };
        Self { text, numbers }
    }

    /// Generates a star, mostly.
    fn rarely(random: &mut Rng, allowed: RangeInclusive<i64>) -> Self {
        if random.u8(0..6) == 0 {
            return Self::any(random, &allowed, allowed.clone());
        }
        Self {
            text: "*".to_owned(),
            numbers: u64::MAX,
        }
    }

    fn names(&self, number: i64) -> bool {
        self.numbers >> number & 1 == 1
    }
}

impl Cron {
    /// Generates a schedule, mostly of every day, and at night, when clocks are changed.
    pub(super) fn any(random: &mut Rng) -> Self {
        let hours = random.choice([0..=1, 0..=3, 0..=23]).unwrap();
        let mut cron = Self {
            minute: Field::any(random, &(0..=59), 0..=59),
            hour: Field::any(random, &(0..=23), hours),
            day: Field::rarely(random, 1..=31),
            month: Field::rarely(random, 1..=12),
            weekday: Field::rarely(random, 0..=7),
            nearest: None,
            nth: None,
        };
        match random.u8(0..12) {
            0 => {
                let day = random.i64(1..=31);
                cron.day.text = format!("{day}W");
                cron.nearest = Some(day);
            }
            1 => {
                let (weekday, n) = (random.i64(0..=6), random.i64(1..=5));
                cron.weekday.text = format!("{weekday}#{n}");
                cron.nth = Some((weekday, n));
            }
            _ => {}
        }
        cron
    }

    pub(super) fn text(&self) -> String {
        let fields = [
            &self.minute,
            &self.hour,
            &self.day,
            &self.month,
            &self.weekday,
        ];
        fields.map(|field| field.text.as_str()).join(" ")
    }

    /// Returns true if the schedule repeats by hour or minute.
    fn runs_on(&self) -> bool {
        self.minute.text.contains('*') || self.hour.text.contains('*')
    }

    fn is_on(&self, day: &Day) -> bool {
        let by_day = match self.nearest {
            Some(wanted) => day.is_nearest_weekday(wanted),
            None => self.day.names(day.date),
        };
        let by_weekday = match self.nth {
            Some((weekday, n)) => weekday == day.weekday && n == (day.date + 6) / 7,
            None => self.weekday.names(day.weekday) || day.weekday == 0 && self.weekday.names(7),
        };
        // As in every cron, two fields restrict each other if one has a star. Otherwise either may
        // match.
        let starred = [&self.day, &self.weekday]
            .iter()
            .any(|field| field.text.starts_with('*'));
        self.month.names(day.month)
            && if starred {
                by_day && by_weekday
            } else {
                by_day || by_weekday
            }
    }

    /// Returns the starts in nanoseconds.
    pub(super) fn starts(&self, clock: &[Shown]) -> Vec<i128> {
        let once = !self.runs_on();
        let mut today = (i64::MIN, false);
        clock
            .iter()
            .filter(|shown| {
                if shown.again && once {
                    return false;
                }
                let (day, minute) = (shown.wall.div_euclid(1440), shown.wall.rem_euclid(1440));
                if today.0 != day {
                    today = (day, self.is_on(&Day::of(day)));
                }
                today.1 && self.minute.names(minute % 60) && self.hour.names(minute / 60)
            })
            .map(|shown| i128::from(shown.at) * MINUTE)
            .collect()
    }
}

impl Day {
    /// Counts years and months off the days since 1970, which began on a Thursday.
    fn of(since_1970: i64) -> Self {
        let mut left = since_1970;
        for year in 1970.. {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let february = if leap { 29 } else { 28 };
            let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, last) in (1..).zip(months) {
                if left < last {
                    return Self {
                        month,
                        date: left + 1,
                        weekday: (since_1970 + 4) % 7,
                        last,
                    };
                }
                left -= last;
            }
        }
        unreachable!()
    }

    fn is_nearest_weekday(&self, wanted: i64) -> bool {
        let target = match (self.weekday + wanted - self.date).rem_euclid(7) {
            6 if wanted == 1 => 3,
            6 => wanted - 1,
            0 if wanted == self.last => wanted - 2,
            0 => wanted + 1,
            _ => wanted,
        };
        wanted <= self.last && self.date == target
    }
}
