//! Compares the windows with a second reading of the same schedules, around the nights of clock
//! changes.
//!
//! The oracle shares no code with croner and none with `windows.rs`. It makes each schedule
//! itself: as a text for the operator, and as sets of numbers for itself. It watches the zone's
//! clock minute by minute and remembers the latest time shown, so that it notices skipped and
//! repeated times. It has its own calendar. It draws every opening on a line and unites openings
//! that touch. It neither searches nor asks for the changes of a zone. It shares only jiff's offset
//! of a zone from UTC at an instant.

mod schedule;

use std::ops::Range;

use fastrand::Rng;
use jiff::tz::TimeZone;
use serde_json::Value;

use self::schedule::Cron;
use super::*;
use crate::decide::{fixtures::resource, validate};

/// Zones with changes by an hour in either hemisphere, by half an hour, two hours and a day, at
/// midnight, at a quarter to three, and to a different standard time. Also zones without changes.
const ZONES: [&str; 24] = [
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "Atlantic/Azores",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Havana",
    "America/Caracas",
    "America/Scoresbysund",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Tehran",
    "Asia/Amman",
    "Asia/Pyongyang",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "UTC",
];

/// Durations: the minimum and the maximum, those around a typical cycle, and common ones.
const SECONDS: [i64; 14] = [
    60, 61, 90, 300, 369, 370, 371, 600, 1800, 3600, 7200, 18000, 86400, 604_800,
];

const MINUTE: i128 = 60_000_000_000;
const CYCLE: i128 = 370_000_000_000;

/// A minute that a zone's clock has shown or skipped. Minutes are counted since 1970.
struct Shown {
    at: i64,
    /// The clock's time.
    wall: i64,
    again: bool,
}

/// The openings of a window, and the duration of each.
struct Drawn {
    starts: Vec<i128>,
    duration: i128,
}

/// Watches a clock for a range of minutes.
fn watch(zone: &TimeZone, minutes: Range<i64>) -> Vec<Shown> {
    let mut shown = Vec::new();
    let mut latest = i64::MAX;
    for at in minutes {
        let ahead = zone.to_offset(Timestamp::from_second(at * 60).unwrap());
        let wall = at + i64::from(ahead.seconds() / 60);
        for skipped in latest.saturating_add(1)..wall {
            shown.push(Shown {
                at,
                wall: skipped,
                again: false,
            });
        }
        let again = latest != i64::MAX && wall <= latest;
        shown.push(Shown { at, wall, again });
        latest = if again { latest } else { wall };
    }
    shown
}

/// Returns the periods when any window is open, as few as possible, in order.
fn united(windows: &[Drawn]) -> Vec<(i128, i128)> {
    let mut all: Vec<(i128, i128)> = windows.iter().flat_map(Drawn::stretches).collect();
    all.sort_unstable();
    let mut united: Vec<(i128, i128)> = Vec::new();
    for (start, end) in all {
        match united.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => united.push((start, end)),
        }
    }
    united
}

impl Drawn {
    fn stretches(&self) -> impl Iterator<Item = (i128, i128)> {
        self.starts
            .iter()
            .map(|start| (*start, *start + self.duration))
    }

    fn may_begin(&self, now: i128) -> bool {
        self.duration < CYCLE
            && self
                .stretches()
                .any(|(start, end)| start <= now && 2 * (end - now) >= self.duration)
    }
}

/// The number of cases of each kind.
#[derive(Debug, Default)]
struct Tally {
    open: u32,
    closing: u32,
    closed: u32,
    closed_for_long: u32,
    begin: u32,
    begin_in_short: u32,
}

impl Tally {
    /// Compares operator and oracle at an instant.
    fn compare(&mut self, case: &Case, now: i128) {
        let now_as = Timestamp::from_nanosecond(now).unwrap();
        let context = format!("at {now_as}: {}", case.spec);
        let left = case
            .united
            .iter()
            .find(|(start, end)| *start <= now && now < *end)
            .map(|(_, end)| end - now);
        match (opening(&case.windows, now_as), left) {
            (Opening::Open { until }, Some(left)) => {
                let found = until.as_nanosecond() - now;
                if left < CYCLE {
                    assert_eq!(found, left, "{context}");
                    self.closing += 1;
                } else {
                    let open_now = case.drawn.iter().flat_map(Drawn::stretches);
                    let ends = open_now.filter(|(start, _)| *start <= now);
                    let least = ends.map(|(_, end)| end - now).max().unwrap().max(CYCLE);
                    assert!((least..=left).contains(&found), "{context}: {until}");
                    self.open += 1;
                }
            }
            (Opening::Closed { opens }, None) => {
                let opens = opens.map(Timestamp::as_nanosecond);
                if let Some((start, _)) = case.united.iter().find(|(start, _)| *start > now) {
                    assert_eq!(opens, Some(*start), "{context}");
                    self.closed += 1;
                } else {
                    assert!(opens.is_none_or(|opens| opens >= case.end), "{context}");
                    self.closed_for_long += 1;
                }
            }
            (found, left) => panic!("{context}: {found:?}, but {left:?} is left"),
        }
        let whole = left.is_some_and(|left| left >= CYCLE);
        let short = !whole && case.drawn.iter().any(|window| window.may_begin(now));
        assert_eq!(
            may_begin(&case.windows, now_as),
            whole || short,
            "{context}"
        );
        self.begin += u32::from(whole);
        self.begin_in_short += u32::from(short);
    }
}

/// Windows for both readers.
struct Case {
    spec: Value,
    windows: Vec<Window>,
    drawn: Vec<Drawn>,
    united: Vec<(i128, i128)>,
    /// The end of the time that the oracle knows.
    end: i128,
}

impl Case {
    /// Generates windows by either of two clocks, mostly the first. `None`: a schedule never
    /// occurs, such as 31 February.
    fn any(random: &mut Rng, clocks: &[(Vec<Shown>, TimeZone); 2], end: i128) -> Option<Self> {
        let mut specs = Vec::new();
        let mut drawn = Vec::new();
        for _ in 0..random.u8(1..=3) {
            let cron = Cron::any(random);
            let (clock, zone) = &clocks[usize::from(random.u8(0..4) == 0)];
            let seconds = random.choice(SECONDS).unwrap();
            specs.push(json!({
                "schedule": cron.text(),
                "duration": format!("{seconds}s"),
                "timeZone": zone.iana_name(),
            }));
            drawn.push(Drawn {
                starts: cron.starts(clock),
                duration: i128::from(seconds) * 1_000_000_000,
            });
        }
        let spec = json!({"remediation": {"windows": specs}});
        let windows = match validate(&resource(spec.clone())) {
            Ok(policy) => policy.remediation.windows,
            Err(errors) => {
                let text = format!("{errors:?}");
                assert!(text.contains("never comes"), "{text}");
                return None;
            }
        };
        Some(Self {
            spec,
            windows,
            united: united(&drawn),
            drawn,
            end,
        })
    }

    /// Generates an instant, mostly next to an event.
    fn any_instant(&self, random: &mut Rng, about: i128) -> i128 {
        let near = about - 36 * 60 * MINUTE..about + 36 * 60 * MINUTE;
        let anywhere = random.i128(near.clone());
        let window = random.choice(&self.drawn).unwrap();
        let edges = random.choice(&window.starts).map(|start| {
            let end = start + window.duration;
            [*start, end, end - CYCLE, end - window.duration / 2]
        });
        let edge = edges.and_then(|edges| random.choice(edges));
        let edge = match random.u8(0..8) {
            0 => Some(about),
            _ => edge.filter(|edge| near.contains(edge)),
        };
        edge.map_or(anywhere, |edge| edge + random.i128(-1..=1))
    }
}

#[test]
fn the_oracle_agrees() {
    const DAY: i64 = 1440;
    let mut random = Rng::with_seed(20_260_601);
    let mut tally = Tally::default();
    for _ in 0..32 {
        let [zone, other] = [(); 2].map(|()| TimeZone::get(random.choice(ZONES).unwrap()).unwrap());
        // An instant from 2005 to 2030.
        let instant = Timestamp::from_second(random.i64(1_104_537_600..1_893_456_000)).unwrap();
        let changes = zone.following(instant).next();
        let about = changes.map_or(instant, |change| change.timestamp());
        let about = about.as_second().div_euclid(60);
        let minutes = about - 10 * DAY..about + 4 * DAY;
        let end = i128::from(minutes.end) * MINUTE;
        let clocks = [zone, other].map(|zone| (watch(&zone, minutes.clone()), zone));
        for _ in 0..10 {
            let Some(case) = Case::any(&mut random, &clocks, end) else {
                continue;
            };
            for _ in 0..12 {
                tally.compare(
                    &case,
                    case.any_instant(&mut random, i128::from(about) * MINUTE),
                );
            }
        }
    }
    let counts = [
        tally.open,
        tally.closing,
        tally.closed,
        tally.closed_for_long,
        tally.begin,
        tally.begin_in_short,
    ];
    assert!(counts.iter().all(|count| *count >= 30), "{tally:?}");
}
