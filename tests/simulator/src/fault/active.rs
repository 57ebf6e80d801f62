//! Faults in force: matching, counting, token buckets, and their combined effect on a request.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{Effect, Fault, Loss, Scope, When};
use crate::{Operation, sessions::Refusal};

/// Identifies a fault, to remove it.
pub type FaultId = u64;

/// A fault in force, with its counts.
#[derive(Clone, Debug, Serialize)]
pub struct ActiveFault {
    /// ID for removing the fault.
    pub id: FaultId,
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// Number of requests in scope.
    pub matched: u64,
    /// Number of affected requests. A bucket that still had a token counts too.
    pub fired: u64,
}

/// Properties of a request that faults are matched against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) account: &'a str,
    /// Account of the keys. It differs from `account` if a role is requested.
    pub(crate) keys_of: &'a str,
    pub(crate) region: &'a str,
    pub(crate) operation: Operation,
    pub(crate) notebook: Option<&'a str>,
}

/// Combined effect of the faults in force on one request.
#[expect(
    clippy::struct_excessive_bools,
    reason = "effects that are independent of each other"
)]
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) latency: Duration,
    pub(crate) lost: Option<Loss>,
    pub(crate) throttled: bool,
    pub(crate) denied: bool,
    pub(crate) region_disabled: bool,
    pub(crate) credentials: Option<Refusal>,
    pub(crate) error: Option<(String, u16, String)>,
    pub(crate) answer_late: Duration,
    pub(crate) answer_lost: Option<Loss>,
    pub(crate) arrive_late: Option<(Duration, Loss)>,
    pub(crate) start_not_taken: bool,
    pub(crate) start_fails: Option<String>,
    pub(crate) stuck_stopping: bool,
    pub(crate) twice: bool,
    pub(crate) vanish: Vec<Option<String>>,
    pub(crate) empty_pages: u32,
    pub(crate) repeat_token: bool,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

#[derive(Debug)]
struct Entry {
    active: ActiveFault,
    buckets: HashMap<(String, String, Operation), Bucket>,
}

/// All faults in force, in the order in which they were set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    entries: Vec<Entry>,
    last_id: FaultId,
}

/// Returns true if a name equals the pattern, or starts with it up to its `*`.
pub(crate) fn name_matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

impl Scope {
    fn matches(&self, subject: &Subject<'_>, effect: &Effect) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|w| w == is);
        let account = match effect {
            Effect::InvalidKeys | Effect::ExpiredToken => subject.keys_of,
            _ => subject.account,
        };
        // Vanish applies to Lists. Its notebook selects what vanishes, not the matching requests.
        let notebook = if matches!(effect, Effect::Vanish) {
            subject.operation == Operation::ListNotebookInstances
        } else {
            match (&self.notebook, subject.notebook) {
                (None, _) => true,
                (Some(pattern), Some(name)) => name_matches(pattern, name),
                (Some(_), None) => false,
            }
        };
        notebook
            && same(&self.account, account)
            && same(&self.region, subject.region)
            && self
                .operation
                .is_none_or(|wanted| wanted == subject.operation)
    }
}

impl When {
    /// Returns true if the `matched`-th request (from one) is affected, after `fired` others were.
    fn met(&self, matched: u64, fired: u64) -> bool {
        matched.checked_sub(self.skip).is_some_and(|counted| {
            counted > 0 && self.every.is_none_or(|every| counted % every == 0)
        }) && self.next.is_none_or(|next| fired < next)
    }
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) -> FaultId {
        self.last_id += 1;
        self.entries.push(Entry {
            active: ActiveFault {
                id: self.last_id,
                fault,
                matched: 0,
                fired: 0,
            },
            buckets: HashMap::new(),
        });
        self.last_id
    }

    pub(crate) fn remove(&mut self, id: FaultId) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.active.id != id);
        self.entries.len() < before
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn list(&self) -> Vec<ActiveFault> {
        self.entries
            .iter()
            .map(|entry| entry.active.clone())
            .collect()
    }

    /// Counts the request for every fault in scope, takes tokens, and returns the combined effect.
    pub(crate) fn plan(&mut self, subject: &Subject<'_>, now: Instant) -> Plan {
        let mut plan = Plan::default();
        for entry in &mut self.entries {
            let fault = &entry.active.fault;
            if !fault.on.matches(subject, &fault.effect) {
                continue;
            }
            entry.active.matched += 1;
            if fault.when.met(entry.active.matched, entry.active.fired) {
                entry.active.fired += 1;
                entry.apply(&mut plan, subject, now);
            }
        }
        plan
    }
}

impl Entry {
    fn apply(&mut self, plan: &mut Plan, subject: &Subject<'_>, now: Instant) {
        match &self.active.fault.effect {
            Effect::Latency { by } => plan.latency += *by,
            Effect::Throttle { rate, burst } => {
                let key = (
                    subject.account.to_owned(),
                    subject.region.to_owned(),
                    subject.operation,
                );
                let bucket = self.buckets.entry(key).or_insert(Bucket {
                    tokens: *burst,
                    filled: now,
                });
                plan.throttled |= !bucket.take(*rate, *burst, now);
            }
            Effect::Deny => plan.denied |= subject.operation != Operation::GetCallerIdentity,
            Effect::DisableRegion => plan.region_disabled = true,
            Effect::InvalidKeys => plan.credentials = Some(Refusal::Invalid),
            Effect::ExpiredToken => plan.credentials = Some(Refusal::Expired),
            Effect::Error {
                code,
                status,
                message,
            } => plan.error = Some((code.clone(), *status, message.clone())),
            Effect::Hang => plan.lost = Some(Loss::Hang),
            Effect::Reset => plan.lost = Some(Loss::Reset),
            Effect::AnswerLate { by } => plan.answer_late += *by,
            Effect::AnswerLost { how } => plan.answer_lost = Some(*how),
            Effect::ArriveLate { by, how } => plan.arrive_late = Some((*by, *how)),
            Effect::StartNotTaken => plan.start_not_taken = true,
            Effect::StartFails { reason } => plan.start_fails = Some(reason.clone()),
            Effect::CarriedOutTwice => plan.twice = subject.operation.writes(),
            Effect::StuckStopping => plan.stuck_stopping = true,
            Effect::Vanish => plan.vanish.push(self.active.fault.on.notebook.clone()),
            Effect::EmptyPages { pages } => plan.empty_pages = *pages,
            Effect::RepeatToken => plan.repeat_token = true,
        }
    }
}

impl Bucket {
    fn take(&mut self, rate: f64, burst: f64, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * rate).min(burst);
        self.filled = now;
        let taken = self.tokens >= 1.0;
        if taken {
            self.tokens -= 1.0;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_counts_skip_then_every_then_next() {
        let met = |when: &When| {
            let mut fired = 0;
            (1..=10)
                .filter(|matched| {
                    let met = when.met(*matched, fired);
                    fired += u64::from(met);
                    met
                })
                .collect::<Vec<u64>>()
        };
        let every = std::num::NonZeroU64::new(3);
        let when = |skip, every, next| When { skip, every, next };
        assert_eq!(met(&when(0, None, None)).len(), 10);
        assert_eq!(met(&when(0, every, None)), [3, 6, 9]);
        assert_eq!(met(&when(2, every, None)), [5, 8]);
        assert_eq!(met(&when(4, None, Some(2))), [5, 6]);
        assert_eq!(met(&when(1, every, Some(1))), [4]);
    }

    #[test]
    fn bucket_refills_with_time_up_to_its_size() {
        let start = Instant::now();
        let mut bucket = Bucket {
            tokens: 2.0,
            filled: start,
        };
        let mut take = |millis| bucket.take(10.0, 2.0, start + Duration::from_millis(millis));
        assert!(take(0) && take(0) && !take(0), "burst of two");
        assert!(!take(50), "half a token");
        assert!(take(110));
        assert!(
            take(9_000) && take(9_000) && !take(9_000),
            "never more than two"
        );
    }

    #[test]
    fn names_match_exactly_or_by_their_beginning() {
        assert!(name_matches("churn", "churn") && !name_matches("churn", "churn-model"));
        assert!(name_matches("churn*", "churn-model") && name_matches("*", "x"));
        assert!(!name_matches("team-a-*", "team-b-x"));
    }
}
