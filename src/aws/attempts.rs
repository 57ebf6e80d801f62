//! Counts what was sent: every attempt, retries too.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

use aws_sdk_account::operation::list_regions::ListRegionsError;
use aws_sdk_sagemaker::operation::{
    describe_notebook_instance::DescribeNotebookInstanceError,
    list_notebook_instances::ListNotebookInstancesError, list_tags::ListTagsError,
    start_notebook_instance::StartNotebookInstanceError,
    stop_notebook_instance::StopNotebookInstanceError,
    update_notebook_instance::UpdateNotebookInstanceError,
};
use aws_sdk_sts::operation::{
    assume_role::AssumeRoleError, get_caller_identity::GetCallerIdentityError,
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{Error, FinalizerInterceptorContextRef},
            dyn_dispatch_hint,
        },
        orchestrator::{Metadata, OrchestratorError},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{
    config_bag::ConfigBag,
    error::{ErrorMetadata, metadata::ProvideErrorMetadata},
};

use super::outcome::{Operation, Outcome, Symptom};

/// So many prompt answers in a row make a slow target an ordinary one.
const PROMPT_ANSWERS: u32 = 20;

/// What the metrics want to know.
pub trait RequestObserver: Send + Sync + std::fmt::Debug {
    /// A request was sent and ended so. A request that is retried is told of once per attempt; one that was never
    /// sent, for want of credentials, is not told of.
    fn attempted(&self, operation: Operation, outcome: Outcome);
}

/// Observes nothing.
impl RequestObserver for () {
    fn attempted(&self, _: Operation, _: Outcome) {}
}

/// How a target has been answering.
#[derive(Debug)]
pub(super) struct Pulse {
    /// Throttled attempts, ever.
    throttled: AtomicU64,
    /// Attempts that AWS answered, whatever it said, and places on the wire that were waited for, ever.
    progress: AtomicU64,
    /// How many Describes are worth having in flight.
    describes: AtomicU32,
    /// Attempts answered since `describes` last moved.
    answered: AtomicU32,
    /// Prompt answers that it takes to be trusted again, after one that took its time or never came.
    distrust: AtomicU32,
}

/// Tells the observer, and the target's pulse, of every attempt.
#[derive(Debug)]
pub(super) struct Attempts {
    observer: Arc<dyn RequestObserver>,
    pulse: Option<Arc<Pulse>>,
    most_describes: u32,
}

impl Pulse {
    pub(super) fn new(describes: u32) -> Self {
        Self {
            throttled: AtomicU64::new(0),
            progress: AtomicU64::new(0),
            describes: AtomicU32::new(describes),
            answered: AtomicU32::new(0),
            distrust: AtomicU32::new(0),
        }
    }

    pub(super) fn throttled(&self) -> u64 {
        self.throttled.load(Relaxed)
    }

    pub(super) fn progress(&self) -> u64 {
        self.progress.load(Relaxed)
    }

    /// Something happened that is not silence.
    pub(super) fn progressed(&self) {
        self.progress.fetch_add(1, Relaxed);
    }

    pub(super) fn describes(&self) -> u32 {
        self.describes.load(Relaxed)
    }

    pub(super) fn is_slow(&self) -> bool {
        self.distrust.load(Relaxed) > 0
    }

    /// One prompt answer does not make up for a slow one: a target of which half the notebooks hang is a slow target.
    pub(super) fn note_pace(&self, slow: bool) {
        let distrust = if slow {
            PROMPT_ANSWERS
        } else {
            self.distrust.load(Relaxed).saturating_sub(1)
        };
        self.distrust.store(distrust, Relaxed);
    }

    /// Half as many when throttled, one more after as many answers as are in flight: the way TCP finds its share.
    /// Concurrent calls may lose a step, which does no harm.
    fn note(&self, outcome: Outcome, most_describes: u32) {
        let describes = self.describes();
        match outcome {
            Outcome::Throttled => {
                self.throttled.fetch_add(1, Relaxed);
                self.describes.store((describes / 2).max(1), Relaxed);
                self.answered.store(0, Relaxed);
            }
            Outcome::Answered
                if describes < most_describes
                    && self.answered.fetch_add(1, Relaxed) + 1 >= describes =>
            {
                self.answered.store(0, Relaxed);
                self.describes.store(describes + 1, Relaxed);
            }
            _ => {}
        }
    }
}

impl Attempts {
    pub(super) fn all(observer: Arc<dyn RequestObserver>) -> Self {
        Self {
            observer,
            pulse: None,
            most_describes: 0,
        }
    }

    /// Of requests that are made for all targets of a session: a throttled STS holds them all up.
    pub(super) fn of_session(observer: Arc<dyn RequestObserver>, pulse: Arc<Pulse>) -> Self {
        Self::of_target(observer, pulse, 0)
    }

    pub(super) fn of_target(
        observer: Arc<dyn RequestObserver>,
        pulse: Arc<Pulse>,
        most_describes: u32,
    ) -> Self {
        Self {
            observer,
            pulse: Some(pulse),
            most_describes,
        }
    }
}

#[dyn_dispatch_hint]
impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config
            .load::<Metadata>()
            .and_then(|metadata| Operation::named(metadata.name()));
        if let Some(operation) = operation
            && let Some(outcome) = outcome(operation, context)
        {
            self.observer.attempted(operation, outcome);
            if let Some(pulse) = &self.pulse {
                pulse.note(outcome, self.most_describes);
                if context.response().is_some() {
                    pulse.progressed();
                }
            }
        }
        Ok(())
    }
}

/// `None`: it was not sent.
fn outcome(operation: Operation, context: &FinalizerInterceptorContextRef<'_>) -> Option<Outcome> {
    let status = context
        .response()
        .map(|response| response.status().as_u16());
    let Err(error) = context.output_or_error()? else {
        return Some(Outcome::Answered);
    };
    let symptom = symptom(operation, error, status)?;
    Some(Outcome::of(operation, symptom))
}

fn symptom(
    operation: Operation,
    error: &OrchestratorError<Error>,
    status: Option<u16>,
) -> Option<Symptom<'_>> {
    if let Some(error) = error.as_operation_error() {
        let metadata = metadata(operation, error)?;
        return Some(Symptom::Error {
            code: metadata.code(),
            message: metadata.message().unwrap_or_default(),
            status: status.unwrap_or_default(),
        });
    }
    if let Some(error) = error.as_connector_error() {
        return Some(if error.is_timeout() {
            Symptom::TimedOut
        } else {
            Symptom::Disconnected
        });
    }
    if error.is_timeout_error() {
        return Some(Symptom::TimedOut);
    }
    status.map(|_| Symptom::Unreadable)
}

/// The SDK erases the type of an operation's error, so that it must be named again to be read.
fn metadata(operation: Operation, error: &Error) -> Option<&ErrorMetadata> {
    fn of<E: ProvideErrorMetadata + std::fmt::Debug + Send + Sync + std::error::Error + 'static>(
        error: &Error,
    ) -> Option<&ErrorMetadata> {
        error.downcast_ref::<E>().map(ProvideErrorMetadata::meta)
    }
    match operation {
        Operation::AssumeRole => of::<AssumeRoleError>(error),
        Operation::GetCallerIdentity => of::<GetCallerIdentityError>(error),
        Operation::ListRegions => of::<ListRegionsError>(error),
        Operation::ListNotebookInstances => of::<ListNotebookInstancesError>(error),
        Operation::DescribeNotebookInstance => of::<DescribeNotebookInstanceError>(error),
        Operation::ListTags => of::<ListTagsError>(error),
        Operation::StopNotebookInstance => of::<StopNotebookInstanceError>(error),
        Operation::UpdateNotebookInstance => of::<UpdateNotebookInstanceError>(error),
        Operation::StartNotebookInstance => of::<StartNotebookInstanceError>(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_target_must_prove_itself() {
        let pulse = Pulse::new(20);
        pulse.note_pace(false);
        assert!(!pulse.is_slow());
        pulse.note_pace(true);
        for _ in 1..PROMPT_ANSWERS {
            pulse.note_pace(false);
            assert!(pulse.is_slow());
        }
        pulse.note_pace(false);
        assert!(!pulse.is_slow());
    }

    #[test]
    fn throttling_halves_and_answers_restore() {
        let pulse = Pulse::new(20);
        pulse.note(Outcome::Throttled, 20);
        assert_eq!((pulse.describes(), pulse.throttled()), (10, 1));
        for _ in 0..10 {
            pulse.note(Outcome::Throttled, 20);
        }
        assert_eq!((pulse.describes(), pulse.throttled()), (1, 11));
        pulse.note(Outcome::TimedOut, 20);
        assert_eq!(pulse.describes(), 1);
        for _ in 0..1_000 {
            pulse.note(Outcome::Answered, 20);
        }
        assert_eq!(pulse.describes(), 20);
    }
}
