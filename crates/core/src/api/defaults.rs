//! The defaults of a policy's absent fields.
//!
//! The API server fills in none of these, because tools that apply from Git would see a difference
//! to Git. The description of each field names the default for `kubectl explain`.

use std::time::Duration;

/// `spec.scanInterval`.
pub const SCAN_INTERVAL: Duration = Duration::from_mins(10);
/// `spec.remediation.maxConcurrent`, in notebooks.
pub const MAX_CONCURRENT: u32 = 1;
/// `spec.remediation.maxConcurrentPerRegion`, in notebooks of one account and region.
pub const MAX_CONCURRENT_PER_REGION: u32 = 1;
/// `spec.remediation.maxFailures`, in failed remediations of one account and region.
pub const MAX_FAILURES: u32 = 2;
/// `spec.remediation.restAfterStop`.
pub const REST_AFTER_STOP: Duration = Duration::from_mins(5);
/// `spec.remediation.windows[].timeZone`, an IANA name.
pub const TIME_ZONE: &str = "UTC";
/// `spec.remediation.timeouts.stop`.
pub const STOP_TIMEOUT: Duration = Duration::from_mins(30);
/// `spec.remediation.timeouts.update`.
pub const UPDATE_TIMEOUT: Duration = Duration::from_mins(15);
/// `spec.remediation.timeouts.start`.
pub const START_TIMEOUT: Duration = Duration::from_hours(1);
