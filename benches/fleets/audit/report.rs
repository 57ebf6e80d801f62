//! Tables of the results and their goals.

use std::{fmt, time::Duration};

use super::run::{Measured, Scan};
use crate::case::{Case, Size};

pub struct Report {
    latency: Duration,
    cases: Vec<(Case, Size, Vec<Measured>)>,
}

/// A goal, its measured value, and the comparison.
struct Verdict {
    goal: String,
    measured: String,
    met: bool,
}

impl Report {
    pub fn new(latency: Duration) -> Self {
        Self {
            latency,
            cases: Vec::new(),
        }
    }

    pub fn add(&mut self, case: Case, size: Size, measured: Measured) {
        match self.cases.last_mut() {
            Some((last, _, all)) if *last == case => all.push(measured),
            _ => self.cases.push((case, size, vec![measured])),
        }
    }

    /// Returns the number of missed goals.
    pub fn missed(&self) -> usize {
        self.verdicts()
            .iter()
            .filter(|verdict| !verdict.met)
            .count()
    }

    fn verdicts(&self) -> Vec<Verdict> {
        self.cases
            .iter()
            .flat_map(|(case, size, measured)| verdicts(*case, size, measured))
            .collect()
    }
}

fn verdicts(case: Case, size: &Size, measured: &[Measured]) -> Vec<Verdict> {
    let goals = case.goals();
    let mut verdicts = Vec::new();
    if let Some(goal) = goals.ratio {
        let ratio = median(measured, Measured::ratio);
        verdicts.push(Verdict {
            goal: format!("{size}: at most {goal} times the bare SDK"),
            measured: format!("{ratio:.2}"),
            met: ratio <= goal,
        });
    }
    if let Some(idle) = idle(measured) {
        let (lists, requests) = (size.lists(), idle.requests);
        verdicts.push(Verdict {
            goal: format!("{size}: an idle sweep is {lists} Lists and no Describe"),
            measured: format!("{} and {}", requests.list, requests.describe),
            met: (requests.list, requests.describe) == (lists, 0),
        });
    }
    let peak = peak(measured);
    verdicts.push(Verdict {
        goal: format!("{size}: at most {} MiB", mebibytes(goals.peak)),
        measured: format!("{} MiB", mebibytes(peak)),
        met: peak <= goals.peak,
    });
    verdicts
}

fn idle(measured: &[Measured]) -> Option<Scan> {
    measured.iter().find_map(|measured| measured.idle)
}

/// Returns the worst of all repetitions, because memory is a promise, not an average.
fn peak(measured: &[Measured]) -> u64 {
    measured
        .iter()
        .map(|measured| measured.after.peak)
        .max()
        .unwrap_or_default()
}

fn median(measured: &[Measured], figure: impl Fn(&Measured) -> f64) -> f64 {
    let mut figures: Vec<f64> = measured.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn mebibytes(bytes: u64) -> String {
    let tenths = (bytes * 10).div_ceil(1024 * 1024);
    match tenths % 10 {
        0 => format!("{}", tenths / 10),
        tenth => format!("{}.{tenth}", tenths / 10),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repetitions = self.cases.iter().map(|(_, _, all)| all.len()).max();
        writeln!(
            formatter,
            "From apply to the first complete status; AWS answers after {:?}; medians of {}, memory at its highest:\n",
            self.latency,
            repetitions.unwrap_or_default()
        )?;
        self.first_scans(formatter)?;
        self.idle_sweeps(formatter)?;
        writeln!(formatter, "\n| goal | measured | |\n|---|---|---|")?;
        for Verdict {
            goal,
            measured,
            met,
        } in self.verdicts()
        {
            let met = if met { "met" } else { "**not met**" };
            writeln!(formatter, "| {goal} | {measured} | {met} |")?;
        }
        Ok(())
    }
}

impl Report {
    fn first_scans(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "| first scan | wall | bare SDK | of that Describes | ratio | AssumeRole | List | Describe | CPU | CPU, bare SDK | \
             peak memory |\n|---|---|---|---|---|---|---|---|---|---|---|"
        )?;
        for (_, size, all) in &self.cases {
            let figure = |figure: fn(&Measured) -> Duration| {
                median(all, |measured| figure(measured).as_secs_f64())
            };
            let requests = all[0].first.requests;
            // With many targets, Describes overlap with Lists.
            let describing = if size.targets() == 1 {
                format!("{:.2} s", figure(|measured| measured.bound.describing))
            } else {
                "–".to_owned()
            };
            writeln!(
                formatter,
                "| {size} | {:.2} s | {:.2} s | {describing} | {:.2} | {} | {} | {} | {:.2} s | {:.2} s | {} MiB |",
                figure(|measured| measured.first.wall),
                figure(|measured| measured.bound.wall),
                median(all, Measured::ratio),
                requests.assume_role,
                requests.list,
                requests.describe,
                figure(|measured| measured.first.cpu),
                figure(|measured| measured.bound.usage.cpu),
                mebibytes(peak(all)),
            )?;
        }
        Ok(())
    }

    fn idle_sweeps(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "\n| idle sweep | wall | AssumeRole | List | Describe | others | CPU | memory afterwards |\n\
             |---|---|---|---|---|---|---|---|"
        )?;
        let swept = |(_, size, all): &'_ (Case, Size, Vec<Measured>)| {
            let measured = all.iter().find(|measured| measured.idle.is_some())?;
            Some((size.clone(), measured.idle?, measured.after.resident))
        };
        for (size, scan, resident) in self.cases.iter().filter_map(swept) {
            let requests = scan.requests;
            writeln!(
                formatter,
                "| {size} | {:.2} s | {} | {} | {} | {} | {:.2} s | {} MiB |",
                scan.wall.as_secs_f64(),
                requests.assume_role,
                requests.list,
                requests.describe,
                requests.other,
                scan.cpu.as_secs_f64(),
                mebibytes(resident),
            )?;
        }
        Ok(())
    }
}
