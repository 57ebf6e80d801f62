//! Counts every attempt of every request, retries included.

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

/// Number of prompt answers in a row after which a slow target is no longer slow.
const PROMPT_ANSWERS: u32 = 20;

/// Observer of requests, for the metrics.
pub trait RequestObserver: Send + Sync + std::fmt::Debug {
    /// Reports the outcome of one attempt. A retried request is reported once per attempt. A
    /// request that was never sent, because no credentials were found, is not reported.
    fn attempted(&self, operation: Operation, outcome: Outcome);
}

/// Observer that does nothing.
impl RequestObserver for () {
    fn attempted(&self, _: Operation, _: Outcome) {}
}

/// Rate and health of a target's answers.
#[derive(Debug)]
pub(super) struct Pulse {
    /// Total of throttled attempts.
    throttled: AtomicU64,
    /// Total of attempts that AWS answered in any way, and of waits for a place on the wire.
    progress: AtomicU64,
    /// Describes worth having in flight.
    describes: AtomicU32,
    /// Attempts answered since `describes` last changed.
    answered: AtomicU32,
    /// Prompt answers still needed before the target is no longer slow. A slow or missing answer
    /// sets it to `PROMPT_ANSWERS`.
    distrust: AtomicU32,
}

/// Interceptor that reports every attempt to the observer and to the target's pulse.
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

    /// Records a sign of life.
    pub(super) fn progressed(&self) {
        self.progress.fetch_add(1, Relaxed);
    }

    pub(super) fn describes(&self) -> u32 {
        self.describes.load(Relaxed)
    }

    pub(super) fn is_slow(&self) -> bool {
        self.distrust.load(Relaxed) > 0
    }

    /// Records an answer's pace. One prompt answer does not outweigh a slow one: a target with half
    /// its notebooks hanging is slow.
    pub(super) fn note_pace(&self, slow: bool) {
        let distrust = if slow {
            PROMPT_ANSWERS
        } else {
            self.distrust.load(Relaxed).saturating_sub(1)
        };
        self.distrust.store(distrust, Relaxed);
    }

    /// Halves the Describes in flight after a throttled attempt, and adds one after as many answers
    /// as are in flight, as TCP does. Concurrent calls may lose a step, which does no harm.
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

    /// Observes requests for all targets of a session. A throttled STS slows all of them.
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
            .and_then(|metadata| metadata.name().parse().ok());
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

/// Returns an attempt's outcome, or `None` if the request was not sent.
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

/// The SDK erases the error type of an operation, so it has to be named here again.
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
