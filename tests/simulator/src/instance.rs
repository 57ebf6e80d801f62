//! A live notebook: guards, timed transitions, and the view of a reader *(pure: time is a
//! parameter)*.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::{Assumptions, Notebook, Platform, RootAccess, Status};

/// Converts the monotonic clock of the transitions to the wall clock that readers see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    started_at: Timestamp,
}

/// Transition requested by a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    Stop,
    Start,
    Update,
    Delete,
}

/// Changes of an Update: only the fields that were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) root_access: Option<RootAccess>,
    pub(crate) instance_type: Option<String>,
    pub(crate) lifecycle_config: Option<Attachment>,
    pub(crate) platform: Option<Platform>,
    /// True if all accelerators are detached.
    pub(crate) detach_accelerators: bool,
}

/// Change of the lifecycle configuration by an Update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attachment {
    Attach(String),
    Detach,
}

/// End of a transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Reach(Status),
    Fail(String),
    Apply(Changes),
    Vanish,
    /// The transition never ends.
    Never,
}

#[derive(Debug)]
struct Underway {
    due: Instant,
    end: End,
}

/// Old state that a reader still sees after a write.
#[derive(Debug)]
struct Stale {
    until: Instant,
    status: Status,
    last_modified: Timestamp,
}

/// A notebook and its current transition.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) record: Notebook,
    pub(crate) arn: String,
    underway: Option<Underway>,
    stale: Option<Stale>,
}

/// State of an instance after its due transition has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// No transition is in progress.
    Still,
    /// A transition is in progress.
    Moving,
    /// The instance was deleted.
    Vanished,
}

/// Outcome of an accepted call.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) takes: Duration,
    pub(crate) lag: Duration,
    pub(crate) end: End,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            started_at: Timestamp::now(),
        }
    }

    pub(crate) fn timestamp(&self, instant: Instant) -> Timestamp {
        let passed = instant.saturating_duration_since(self.started);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let now = self.started_at.saturating_add(passed);
        now.unwrap_or(self.started_at)
    }
}

impl Transition {
    /// Returns the states that the call is accepted from, in the order of AWS's message. Source:
    /// messages quoted in hashicorp/terraform-provider-aws issue 16767 and
    /// aws/amazon-sagemaker-examples issues 1094 and 1798.
    pub(crate) fn accepted_from(self, assumptions: &Assumptions) -> &'static [Status] {
        match self {
            Self::Stop => &[Status::InService],
            Self::Update if !assumptions.update_from_failed => &[Status::Stopped],
            Self::Start | Self::Update | Self::Delete => &[Status::Stopped, Status::Failed],
        }
    }

    /// Returns the state directly after the call.
    pub(crate) fn leads_to(self) -> Status {
        match self {
            Self::Stop => Status::Stopping,
            Self::Start => Status::Pending,
            Self::Update => Status::Updating,
            Self::Delete => Status::Deleting,
        }
    }

    /// Returns AWS's message if the call is not accepted from `status`.
    pub(crate) fn guard(
        self,
        status: &Status,
        arn: &str,
        assumptions: &Assumptions,
    ) -> Result<(), String> {
        let accepted = self.accepted_from(assumptions);
        if accepted.contains(status) {
            return Ok(());
        }
        let accepted: Vec<&str> = accepted.iter().map(Status::as_str).collect();
        Err(format!(
            "Status ({status}) not in ([{}]). Unable to transition to ({}) for Notebook Instance ({arn}).",
            accepted.join(", "),
            self.leads_to(),
        ))
    }
}

impl Instance {
    pub(crate) fn new(record: Notebook) -> Self {
        let arn = record.arn();
        Self {
            record,
            arn,
            underway: None,
            stale: None,
        }
    }

    /// Replaces the notebook. A transition in progress is dropped.
    pub(crate) fn set(&mut self, record: Notebook) {
        self.record = record;
        self.underway = None;
        self.stale = None;
    }

    /// Ends the transition if it is due.
    pub(crate) fn settle(
        &mut self,
        now: Instant,
        clock: &Clock,
        assumptions: &Assumptions,
    ) -> Settled {
        if self.stale.as_ref().is_some_and(|stale| stale.until <= now) {
            self.stale = None;
        }
        let ended = self
            .underway
            .take_if(|under| under.due <= now && under.end != End::Never);
        let Some(ended) = ended else {
            return match self.underway {
                None => Settled::Still,
                Some(_) => Settled::Moving,
            };
        };
        let mut moves = true;
        match ended.end {
            End::Reach(status) => self.record.status = status,
            End::Fail(reason) => {
                self.record.status = Status::Failed;
                self.record.failure_reason = Some(reason);
            }
            End::Apply(changes) => {
                self.apply(changes);
                self.record.status = Status::Stopped;
                moves = assumptions.update_moves_last_modified;
            }
            End::Vanish => return Settled::Vanished,
            End::Never => {}
        }
        if moves {
            self.touch(clock.timestamp(ended.due));
        }
        Settled::Still
    }

    /// Begins an accepted call. The state changes now, and the rest when it is due.
    pub(crate) fn begin(
        &mut self,
        transition: Transition,
        course: Course,
        now: Instant,
        clock: &Clock,
        assumptions: &Assumptions,
    ) {
        self.stale = (!course.lag.is_zero()).then(|| Stale {
            until: now + course.lag,
            status: self.record.status.clone(),
            last_modified: self.record.last_modified,
        });
        self.record.status = transition.leads_to();
        if transition == Transition::Start {
            self.record.failure_reason = None;
        }
        self.underway = Some(Underway {
            due: now + course.takes,
            end: course.end,
        });
        if transition != Transition::Update || assumptions.update_moves_last_modified {
            self.touch(clock.timestamp(now));
        }
    }

    /// Returns the status and `LastModifiedTime` that a reader sees, possibly outdated.
    pub(crate) fn seen(&self) -> (&Status, Timestamp) {
        match &self.stale {
            Some(stale) => (&stale.status, stale.last_modified),
            None => (&self.record.status, self.record.last_modified),
        }
    }

    /// Returns true if readers see an outdated state.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale.is_some()
    }

    /// Advances `LastModifiedTime` by at least two milliseconds. Its resolution on the wire is one.
    /// A client that truncates the floating-point number may be one behind.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        let step = SignedDuration::from_millis(2);
        let next = self.record.last_modified.saturating_add(step);
        self.record.last_modified = now.max(next.unwrap_or(now));
    }

    fn apply(&mut self, changes: Changes) {
        if let Some(root_access) = changes.root_access {
            self.record.root_access = root_access;
        }
        if let Some(instance_type) = changes.instance_type {
            self.record.instance_type = instance_type;
        }
        if let Some(platform) = changes.platform {
            self.record.platform = platform;
        }
        if changes.detach_accelerators {
            self.record.accelerator_types.clear();
        }
        match changes.lifecycle_config {
            None => {}
            Some(Attachment::Attach(name)) => self.record.lifecycle_config = Some(name),
            Some(Attachment::Detach) => self.record.lifecycle_config = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_transition_moves_the_time_when_accepted_and_when_due() {
        let (clock, assumptions) = (Clock::start(), Assumptions::default());
        let mut instance = Instance::new(Notebook::new("111122223333", "us-east-1", "churn"));
        let accepted = clock.started + SECOND;
        let course = Course {
            takes: SECOND * 2,
            lag: Duration::ZERO,
            end: End::Reach(Status::Stopped),
        };
        instance.begin(Transition::Stop, course, accepted, &clock, &assumptions);
        let seen = |instance: &Instance| (instance.seen().0.clone(), instance.seen().1);
        let at = |seconds| clock.timestamp(clock.started + SECOND * seconds);
        assert_eq!(seen(&instance), (Status::Stopping, at(1)));
        let early = instance.settle(accepted + SECOND, &clock, &assumptions);
        assert_eq!(
            (early, seen(&instance)),
            (Settled::Moving, (Status::Stopping, at(1)))
        );
        // The transition ended when it was due, however late it is read.
        let late = instance.settle(accepted + SECOND * 60, &clock, &assumptions);
        assert_eq!(
            (late, seen(&instance)),
            (Settled::Still, (Status::Stopped, at(3)))
        );
    }

    #[test]
    fn the_time_moves_even_if_the_clock_does_not() {
        let mut instance = Instance::new(Notebook::new("111122223333", "us-east-1", "churn"));
        let before = instance.record.last_modified;
        instance.touch(before);
        instance.touch(before);
        assert_eq!(
            instance.record.last_modified - before,
            jiff::Span::new().milliseconds(4).fieldwise()
        );
    }
}
