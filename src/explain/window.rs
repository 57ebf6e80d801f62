//! The windows of a policy, as of now.

use jiff::Timestamp;

use super::{WindowView, times};
use crate::{
    decide::{Opening, may_begin, opening},
    domain::Window,
};

/// Returns the state of the windows, or `None` if the policy has none and any time is allowed.
pub(super) fn view(windows: &[Window], now: Timestamp) -> Option<WindowView> {
    let (closes, opens, at) = match opening(windows, now) {
        Opening::Always => return None,
        Opening::Closed { opens } => (None, opens, now),
        Opening::Open { until } if may_begin(windows, now) => (Some(until), None, now),
        Opening::Open { until } => match opening(windows, until) {
            Opening::Closed { opens } => (Some(until), opens, until),
            Opening::Always | Opening::Open { .. } => (Some(until), Some(until), until),
        },
    };
    let opening_one = opens.and_then(|opens| {
        windows.iter().find(|window| {
            opening(std::slice::from_ref(*window), at) == Opening::Closed { opens: Some(opens) }
        })
    });
    Some(WindowView {
        open: closes.is_some(),
        may_begin: may_begin(windows, now),
        closes,
        opens,
        opens_local: opens
            .zip(opening_one)
            .map(|(opens, window)| times::local(opens, &window.time_zone)),
    })
}

impl WindowView {
    /// Returns the state of the windows in a sentence.
    pub(super) fn sentence(&self, now: Timestamp) -> String {
        let when = |at| times::when(at, now);
        let closes = self
            .closes
            .map(|at| format!("a window is open until {}", when(at)));
        let opens = self.opens.map(|at| {
            let local = self.opens_local.iter().cloned();
            let times: Vec<String> = local.chain([when(at)]).collect();
            format!("the next window opens {}", times.join(", "))
        });
        match (closes, opens) {
            (Some(closes), None) => closes,
            (Some(closes), Some(opens)) => {
                format!("{closes}, but closes too soon for a restart; {opens}")
            }
            (None, Some(opens)) => format!("no window is open; {opens}"),
            (None, None) => {
                "no window is open, and no window opens in the next four years".to_owned()
            }
        }
    }
}
