//! Resource usage of a process, as reported by Linux.

use std::{fs, time::Duration};

use serde::{Deserialize, Serialize};

/// Duration of a tick in `/proc/<pid>/stat`: `USER_HZ` is 100 on every tier 1 platform of Rust.
const TICK: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time, in the program and in the kernel.
    pub cpu: Duration,
    /// Resident memory in bytes: allocations, and the used part of the program's own file.
    pub resident: u64,
    /// Part of `resident` that the program allocated.
    pub allocated: u64,
    /// Peak of `resident`, in bytes.
    pub peak: u64,
}

impl Usage {
    /// Reads the usage of a running process. `self` is this process.
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
        // Fields 14 and 15. The second field is the name in parentheses, which may contain any
        // character.
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
