//! Flags that limit restarts, shared by several subcommands.

use clap::Args;

use crate::domain::RetiredPlatforms;

/// Flags that limit restarts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Remediation")]
pub(super) struct Restarts {
    /// Platforms on which AWS does not start stopped notebooks, separated by commas. A trailing *
    /// matches any suffix. Running notebooks on these platforms are never stopped
    #[arg(long, value_name = "PLATFORMS", default_value_t)]
    pub(super) retired_platforms: RetiredPlatforms,
}
