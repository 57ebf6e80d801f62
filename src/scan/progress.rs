//! Progress of a scan.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::{
    aws::{Operation, Outcome, RequestObserver},
    decide::counted,
    domain::{AccountId, Target, TargetState},
    fleet::Observer,
};

/// Counts what the scan has done so far.
#[derive(Debug, Default)]
pub struct Progress {
    accounts: Mutex<BTreeMap<AccountId, Account>>,
    listed: AtomicUsize,
    described: AtomicUsize,
    throttled: AtomicUsize,
}

/// Number of regions of an account to read, and number of regions read.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    queued: usize,
    read: usize,
}

/// A progress line for people. Each pair is a number done and a total known so far.
struct Line {
    accounts: (usize, usize),
    regions: (usize, usize),
    notebooks: (usize, usize),
    throttled: usize,
    elapsed: Duration,
}

impl Progress {
    /// Returns the progress as one line.
    #[must_use]
    pub fn line(&self, elapsed: Duration) -> String {
        let accounts = self.accounts();
        let done = accounts
            .values()
            .filter(|account| account.read >= account.queued)
            .count();
        let sum = |count: fn(&Account) -> usize| accounts.values().map(count).sum();
        Line {
            accounts: (done, accounts.len()),
            regions: (sum(|account| account.read), sum(|account| account.queued)),
            notebooks: (self.described.load(Relaxed), self.listed.load(Relaxed)),
            throttled: self.throttled.load(Relaxed),
            elapsed,
        }
        .to_string()
    }

    fn accounts(&self) -> MutexGuard<'_, BTreeMap<AccountId, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn queued(&self, target: &Target) {
        self.accounts()
            .entry(target.account.clone())
            .or_default()
            .queued += 1;
    }

    fn listed(&self, to_describe: usize) {
        self.listed.fetch_add(to_describe, Relaxed);
    }

    fn described(&self) {
        self.described.fetch_add(1, Relaxed);
    }

    fn read(&self, target: &Target, _: TargetState, _: Duration) {
        self.accounts()
            .entry(target.account.clone())
            .or_default()
            .read += 1;
    }
}

impl RequestObserver for Progress {
    fn attempted(&self, _: Operation, outcome: Outcome) {
        if outcome == Outcome::Throttled {
            self.throttled.fetch_add(1, Relaxed);
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut part = |(done, all): (usize, usize), one: &str, many: &str| {
            write!(formatter, "{done} of {}, ", counted(all, one, many))
        };
        part(self.accounts, "account", "accounts")?;
        part(self.regions, "region", "regions")?;
        part(self.notebooks, "notebook", "notebooks")?;
        match self.throttled {
            0 => {}
            1 => formatter.write_str("throttled once, ")?,
            several => write!(formatter, "throttled {several} times, ")?,
        }
        write!(formatter, "{} s", self.elapsed.as_secs())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::TargetRegion;

    fn target(account: &str, region: &str) -> Target {
        Target {
            account: account.parse().unwrap(),
            region: TargetRegion::Named(region.parse().unwrap()),
        }
    }

    #[test]
    fn a_line_says_what_is_done_of_what() {
        let progress = Progress::default();
        let second = Duration::from_secs(1);
        assert_eq!(
            progress.line(second),
            "0 of 0 accounts, 0 of 0 regions, 0 of 0 notebooks, 1 s"
        );
        let (one, other) = (
            target("111122223333", "us-east-1"),
            target("111122223333", "eu-west-1"),
        );
        let third = target("444455556666", "eu-west-1");
        for target in [&one, &other, &third] {
            progress.queued(target);
        }
        progress.listed(3);
        progress.described();
        progress.read(&one, TargetState::Scanned, second);
        progress.attempted(Operation::ListTags, Outcome::Throttled);
        progress.attempted(Operation::ListTags, Outcome::Answered);
        assert_eq!(
            progress.line(12 * second),
            "0 of 2 accounts, 1 of 3 regions, 1 of 3 notebooks, throttled once, 12 s"
        );
        progress.read(&other, TargetState::Unreachable, second);
        progress.attempted(Operation::AssumeRole, Outcome::Throttled);
        assert_eq!(
            progress.line(90 * second),
            "1 of 2 accounts, 2 of 3 regions, 1 of 3 notebooks, throttled 2 times, 90 s"
        );
    }
}
