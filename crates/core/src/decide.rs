//! Verbs. All are pure, without client, clock or randomness: the same input gives the same output.

mod change;
mod desired;
mod evaluate;
#[cfg(test)]
mod fixtures;
mod phrases;
mod plan;
mod policies;
mod record;
mod report;
mod rest;
mod step;
mod summarize;
mod validate;
mod windows;
mod worsen;

pub use desired::{Budget, desired};
pub use evaluate::{evaluate, expired_exemptions, next_expiry};
pub use phrases::{counted, named, places};
pub use plan::{
    Blocked, Candidate, Circumstances, Evaluate, Executed, MOST_UPDATES, MOST_UPDATES_OVER_ALL,
    Plan, PlannedStep, Position, Step, Usage, admit, blockers, conclude, plan, remediation_counts,
    take_next,
};
pub use policies::{ExemptionCheck, Policies, UnreadablePolicy};
pub use record::{
    InvalidRecord, PartialRecord, downtime, expiry, is_abandoned, read_record, whole_microseconds,
    write_intent,
};
pub use report::{ReportContext, report};
pub use step::{
    Decision, Deferral, Desired, Observation, Request, Requeue, ResponseDecision, Row, Times,
    Withdrawal, on_response, step,
};
pub use summarize::{
    Judged, Pass, Progress, invalid, reported, reported_target, summarize, suspended, whole_seconds,
};
pub use validate::{FieldError, validate};
pub use windows::{Opening, TYPICAL_CYCLE, may_begin, opening};
pub use worsen::Baseline;
