//! Counts every attempt of every request, retries included.

use std::sync::Arc;

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

use super::{
    outcome::{Operation, Outcome, Symptom},
    rate::RateController,
};

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

/// Interceptor that reports every attempt to the observer and to a rate controller.
#[derive(Debug)]
pub(super) struct Attempts {
    observer: Arc<dyn RequestObserver>,
    rate: Option<Arc<RateController>>,
}

impl Attempts {
    pub(super) fn new(observer: Arc<dyn RequestObserver>) -> Self {
        Self {
            observer,
            rate: None,
        }
    }

    /// Reports to the rate controller of a target, or of a session: a throttled STS slows all its
    /// targets.
    pub(super) fn with_rate(observer: Arc<dyn RequestObserver>, rate: Arc<RateController>) -> Self {
        Self {
            observer,
            rate: Some(rate),
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
            if let Some(rate) = &self.rate {
                rate.on_attempt(outcome);
                if context.response().is_some() {
                    rate.progressed();
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
