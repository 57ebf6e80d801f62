//! What a process has used, as Linux tells it.

use std::{fs, time::Duration};

use serde::{Deserialize, Serialize};

/// Ticks a second in `/proc/<pid>/stat`: `USER_HZ`, 100 on every platform that Rust's first tier has.
const TICK: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Time on the processors, in the program and for it in the kernel.
    pub cpu: Duration,
    /// Memory held now, in bytes: what the program allocated, and what of its own file is in use.
    pub resident: u64,
    /// The part of `resident` that the program allocated.
    pub allocated: u64,
    /// The most that was held, in bytes.
    pub peak: u64,
}

impl Usage {
    /// Of a process that runs; `self` is this one.
    pub fn of(process: &str) -> Self {
        let read = |file: &str| {
            fs::read_to_string(format!("/proc/{process}/{file}")).expect("Linux, and it runs")
        };
        let status = read("status");
        let bytes = |field: &str| {
            let line = status.lines().find(|line| line.starts_with(field)).unwrap();
            let kibibytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            kibibytes * 1024
        };
        let stat = read("stat");
        // Fields 14 and 15; the second is the name in parentheses, which may hold anything.
        let after_name = stat.rsplit_once(')').unwrap().1;
        let ticks: u32 = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u32>().unwrap())
            .sum();
        Self {
            cpu: TICK * ticks,
            resident: bytes("VmRSS:"),
            allocated: bytes("RssAnon:"),
            peak: bytes("VmHWM:"),
        }
    }
}
