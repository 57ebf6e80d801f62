//! The adapters to the API server: what is served, what is published, who is told.

mod events;
mod fence;
mod lease;
mod policies;
mod records;
mod served;
mod status;

pub use events::{Announcement, Announcer, Severity};
pub use fence::{CLOCK_SKEW, Fence};
pub use lease::{Leadership, Lease};
pub use policies::{PolicyList, list_policies};
pub use records::{Owner, Records, Written, has_finalizer};
pub use served::until_served;
pub use status::{Subject, publish};

/// Who writes, in `managedFields` and in events.
pub const FIELD_MANAGER: &str = "sudoless";

/// x
pub const LONGEST_WRITE: std::time::Duration = std::time::Duration::from_secs(7);
