//! Flags for reading AWS, shared by several subcommands.

use std::{str::FromStr, time::Duration};

use clap::Args;

use crate::{aws, fleet};

/// Flags for reading AWS.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading AWS")]
pub(super) struct Reading {
    /// Concurrent Describe requests per account and region. Fewer are sent while AWS throttles
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    describes_per_target: u32,

    /// Concurrent Describe requests over all accounts and regions
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    describes_overall: u32,

    /// Deadline for reading one account and region. Notebooks read by then count
    #[arg(long, default_value = "5m", value_name = "DURATION", value_parser = duration)]
    target_deadline: Duration,

    /// Timeout of one attempt of a read request, which is then retried
    #[arg(long, default_value = "10s", value_name = "DURATION", value_parser = duration)]
    request_timeout: Duration,
}

impl Reading {
    pub(super) fn aws(&self) -> aws::Options {
        aws::Options {
            describes_per_target: self.describes_per_target as usize,
            describes_overall: self.describes_overall as usize,
            attempt_timeout: self.request_timeout,
            ..aws::Options::default()
        }
    }

    pub(super) fn fleet(
        &self,
        describe_refresh: Duration,
        on_missing: fleet::OnMissing,
    ) -> fleet::Options {
        fleet::Options {
            target_deadline: self.target_deadline,
            silence: self.silence(),
            describe_refresh,
            on_missing,
        }
    }

    /// Returns the time of three unanswered requests in a row.
    pub(super) fn silence(&self) -> Duration {
        self.request_timeout.saturating_mul(3)
    }
}

/// Parses a duration of a flag.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match kube::core::Duration::from_str(text) {
        Ok(duration)
            if !duration.is_negative() && Duration::from(duration) >= Duration::from_millis(1) =>
        {
            Ok(duration.into())
        }
        _ => Err(
            "write a duration above zero in Go's notation, such as 90s, 10m or 1h30m".to_owned(),
        ),
    }
}
