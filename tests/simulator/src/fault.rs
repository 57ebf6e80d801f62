//! Faults: their effects, their scope and their frequency.

pub(crate) mod active;

use std::{num::NonZeroU64, time::Duration};

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::Operation;

/// A fault. Its form in files and over the admin interface:
///
/// ```yaml
/// on: {region: eu-west-1, operation: DescribeNotebookInstance}
/// effect: {throttle: {rate: 10, burst: 20}}
/// ---
/// {on: {account: "777788889999"}, effect: deny}
/// ---
/// on: {operation: ListNotebookInstances}
/// effect: {error: {code: InternalFailure, status: 500}}
/// when: {every: 3}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Scope of the fault. Default: all requests.
    #[serde(default)]
    pub on: Scope,
    /// Effect on matching requests.
    pub effect: Effect,
    /// Selection among the matching requests, in the order of their arrival. Default: all.
    #[serde(default)]
    pub when: When,
}

/// Scope of a fault. All given fields must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Account of the caller. For `AssumeRole` and `AssumeRoleWithWebIdentity` it is the account of
    /// the requested role, except with faults of the keys themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Region of the credential scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Name of the notebook, or a prefix and a `*`. Requests without a notebook, such as List, do
    /// not match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notebook: Option<String>,
}

/// Selection among the requests in a fault's scope. All given fields apply together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Number of requests that pass first.
    #[serde(skip_serializing_if = "is_zero")]
    pub skip: u64,
    /// Of the rest, every n-th request is affected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<NonZeroU64>,
    /// Upper limit on affected requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// Effect of a fault on a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Effect {
    /// Additional delay, before the request is judged. Several delays add up, also with
    /// [`Options::latency`](crate::Options).
    Latency {
        /// Delay, such as `250ms`.
        #[serde(with = "friendly")]
        by: Duration,
    },
    /// A separate token bucket for each matching account, region and operation. When empty:
    /// `ThrottlingException`, "Rate exceeded" (STS: `Throttling`; Account:
    /// `TooManyRequestsException`).
    Throttle {
        /// Tokens per second.
        rate: f64,
        /// Size of the bucket. It starts full.
        burst: f64,
    },
    /// `AccessDeniedException` (STS: `AccessDenied`). `GetCallerIdentity` is never denied, as in
    /// AWS, because it needs no permission.
    Deny,
    /// `SageMaker` answers as in a region that is not enabled, with
    /// [`Assumptions::disabled_region_code`](crate::Assumptions). The other services answer as
    /// usual.
    DisableRegion,
    /// The keys are invalid: `UnrecognizedClientException`, at STS `InvalidClientTokenId`. For this
    /// fault and `ExpiredToken`, `on.account` is the account of the keys, for `AssumeRole` too.
    InvalidKeys,
    /// The credentials have expired: `ExpiredTokenException`, at STS `ExpiredToken`.
    ExpiredToken,
    /// Any error. The request is not applied.
    Error {
        /// Error code, such as `InternalFailure`, `ServiceUnavailable`, `ResourceLimitExceeded`.
        code: String,
        /// HTTP status. Default: 400.
        #[serde(default = "bad_request")]
        status: u16,
        /// Error message. Default: empty.
        #[serde(default)]
        message: String,
    },
    /// Never answered and never applied. The connection stays open until the client closes it.
    Hang,
    /// Never applied. The connection is reset.
    Reset,
    /// Applied, and answered after a delay.
    AnswerLate {
        /// Delay, such as `5s`.
        #[serde(with = "friendly")]
        by: Duration,
    },
    /// Applied and never answered.
    AnswerLost {
        /// Loss seen by the client. Default: `hang`.
        #[serde(default)]
        how: Loss,
    },
    /// A write arrives after a delay, even if the client has disconnected. Its answer is dropped.
    /// Reads are handled as with `AnswerLost`.
    ArriveLate {
        /// Delay, such as `5s`.
        #[serde(with = "friendly")]
        by: Duration,
        /// Loss seen by the client. Default: `hang`.
        #[serde(default)]
        how: Loss,
    },
    /// Start is accepted without an effect.
    StartNotTaken,
    /// Start is accepted, and ends in `Failed`.
    StartFails {
        /// `FailureReason`. Default: AWS's message about insufficient capacity.
        #[serde(default = "no_capacity")]
        reason: String,
    },
    /// The write is carried out twice, as if a proxy had repeated it. The client gets the second
    /// answer. For a Stop, that is the rejection for status `Stopping`. The log of writes has both.
    CarriedOutTwice,
    /// Stop is accepted and never ends, until the admin interface sets another status.
    StuckStopping,
    /// The notebook vanishes after the next List that contains it. `on.notebook` selects the
    /// notebook. Default: all listed notebooks.
    Vanish,
    /// List inserts empty pages, each with a token, before each page with notebooks.
    EmptyPages {
        /// Number of empty pages.
        pages: u32,
    },
    /// List repeats the token of the first page on every page, so that the list never ends.
    RepeatToken,
}

/// Way in which a client loses an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Loss {
    /// The client waits until its own timeout.
    #[default]
    Hang,
    /// The client's connection is reset.
    Reset,
}

fn bad_request() -> u16 {
    400
}

fn no_capacity() -> String {
    // Source: aws/amazon-sagemaker-examples issue 207.
    "Insufficient notebook instance capacity. Retry later or with a different instance type."
        .to_owned()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl From<Effect> for Fault {
    fn from(effect: Effect) -> Self {
        Self::new(effect)
    }
}

impl Effect {
    /// Returns an error with HTTP status 400 and no message.
    #[must_use]
    pub fn error(code: &str) -> Self {
        Self::error_with_status(code, bad_request())
    }

    /// Returns an error with another HTTP status.
    #[must_use]
    pub fn error_with_status(code: &str, status: u16) -> Self {
        Self::Error {
            code: code.to_owned(),
            status,
            message: String::new(),
        }
    }

    /// Returns a Start that ends in `Failed` because of insufficient capacity.
    #[must_use]
    pub fn start_fails() -> Self {
        Self::StartFails {
            reason: no_capacity(),
        }
    }
}

impl Fault {
    /// Creates a fault that affects every request.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self {
            on: Scope::default(),
            effect,
            when: When::default(),
        }
    }

    /// Limits the fault to an account.
    #[must_use]
    pub fn account(mut self, account: &str) -> Self {
        self.on.account = Some(account.to_owned());
        self
    }

    /// Limits the fault to a region.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.on.region = Some(region.to_owned());
        self
    }

    /// Limits the fault to an operation.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.on.operation = Some(operation);
        self
    }

    /// Limits the fault to a notebook. A `*` at the end matches any rest.
    #[must_use]
    pub fn notebook(mut self, name: &str) -> Self {
        self.on.notebook = Some(name.to_owned());
        self
    }

    /// Skips the first requests.
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Self {
        self.when.skip = skip;
        self
    }

    /// Affects only every n-th request. Zero means every request.
    #[must_use]
    pub fn every(mut self, every: u64) -> Self {
        self.when.every = NonZeroU64::new(every);
        self
    }

    /// Affects only the next requests, up to this number.
    #[must_use]
    pub fn next(mut self, next: u64) -> Self {
        self.when.next = Some(next);
        self
    }
}
