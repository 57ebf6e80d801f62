//! When notebooks may be stopped. To come: until it is here, a policy with windows stops nobody.
use crate::domain::Window;
use jiff::Timestamp;
use std::time::Duration;
/// x
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// x
    Always,
    /// x
    Open {
        /// x
        until: Timestamp,
    },
    /// x
    Closed {
        /// x
        opens: Option<Timestamp>,
    },
}
/// x
pub const TYPICAL_CYCLE: Duration = Duration::from_secs(370);
/// x
#[must_use]
pub fn opening(windows: &[Window], _now: Timestamp) -> Opening {
    if windows.is_empty() {
        Opening::Always
    } else {
        Opening::Closed { opens: None }
    }
}
/// x
#[must_use]
pub fn may_begin(windows: &[Window], _now: Timestamp) -> bool {
    windows.is_empty()
}
