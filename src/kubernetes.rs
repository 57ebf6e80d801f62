//! Adapters to the API server: reads, status writes, records, events, and the lease.

mod events;
mod fence;
mod lease;
mod pages;
mod policies;
mod reader;
mod records;
mod served;
mod status;

pub use events::{EventRecorder, NewEvent, Severity};
pub use fence::{CLOCK_SKEW, Fence, Fenced, LONGEST_WRITE};
pub use lease::{LEASE, Leadership, Lease};
pub use policies::{PolicyList, list_policies};
pub use reader::{Listed, Reader, refusal};
pub use records::{Owner, Records, StoredRecord, Written, has_finalizer};
pub use served::until_served;
pub use status::{Subject, publish};

/// Name of the operator in `managedFields` and in events.
pub const FIELD_MANAGER: &str = "sudoless";
