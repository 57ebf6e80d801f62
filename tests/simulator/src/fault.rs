//! Faults: what goes wrong, where, and how often.

pub(crate) mod active;

use std::{num::NonZeroU64, time::Duration};

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::Operation;

/// One fault. In files and over the admin interface:
///
/// ```yaml
/// {on: {region: eu-west-1, operation: DescribeNotebookInstance}, effect: {throttle: {rate: 10, burst: 20}}}
/// {on: {account: "777788889999"}, effect: deny}
/// {on: {operation: ListNotebookInstances}, effect: {error: {code: InternalFailure, status: 500}}, when: {every: 3}}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests it meets; absent: all.
    #[serde(default)]
    pub on: Scope,
    /// What happens to them.
    pub effect: Effect,
    /// Which of them, counted in the order of their arrival; absent: each.
    #[serde(default)]
    pub when: When,
}

/// Which requests a fault meets. All that is given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// The caller's account; for `AssumeRole` and `AssumeRoleWithWebIdentity`, the account of the role that is asked for
    /// (except with faults of the keys themselves).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The region of the credential scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// The notebook's name, or its beginning and a `*`. Requests that name no notebook (List among them) do not match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notebook: Option<String>,
}

/// Which of the matching requests a fault meets. All that is given holds together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// The first so many pass.
    #[serde(skip_serializing_if = "is_zero")]
    pub skip: u64,
    /// Of the others, every n-th.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<NonZeroU64>,
    /// At most so many, then never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Effect {
    /// It takes so much longer, before anything is looked at. Several add up, and add to [`Options::latency`](crate::Options).
    Latency {
        /// Such as `250ms`.
        #[serde(with = "friendly")]
        by: Duration,
    },
    /// A token bucket of its own for each account, region and operation that matches. Empty: `ThrottlingException`, "Rate
    /// exceeded" (STS: `Throttling`; Account: `TooManyRequestsException`).
    Throttle {
        /// Tokens per second.
        rate: f64,
        /// The size of the bucket, which is full at first.
        burst: f64,
    },
    /// `AccessDeniedException` (STS: `AccessDenied`). `GetCallerIdentity` is never denied, as at AWS: it needs no permission.
    Deny,
    /// `SageMaker` answers as in a region that is not enabled, with
    /// [`Assumptions::disabled_region_code`](crate::Assumptions); the other services answer as ever.
    DisableRegion,
    /// The keys are not valid: `UnrecognizedClientException`, at STS `InvalidClientTokenId`. Here and with `ExpiredToken`,
    /// `on.account` is the account of the keys, for `AssumeRole` too.
    InvalidKeys,
    /// The credentials have expired: `ExpiredTokenException`, at STS `ExpiredToken`.
    ExpiredToken,
    /// Any error. Nothing is applied.
    Error {
        /// Such as `InternalFailure`, `ServiceUnavailable`, `ResourceLimitExceeded`.
        code: String,
        /// The HTTP status; 400 if not given.
        #[serde(default = "bad_request")]
        status: u16,
        /// The message; empty if not given.
        #[serde(default)]
        message: String,
    },
    /// Never answered, never applied. The connection stays open until the client closes it.
    Hang,
    /// Never applied; the connection is reset.
    Reset,
    /// Applied, and answered so much later.
    AnswerLate {
        /// Such as `5s`.
        #[serde(with = "friendly")]
        by: Duration,
    },
    /// Applied, and never answered.
    AnswerLost {
        /// What the client sees; `hang` if not given.
        #[serde(default)]
        how: Loss,
    },
    /// A write that arrives so much later, whatever became of the client; its answer goes nowhere. For reads, as `AnswerLost`.
    ArriveLate {
        /// Such as `5s`.
        #[serde(with = "friendly")]
        by: Duration,
        /// What the client sees; `hang` if not given.
        #[serde(default)]
        how: Loss,
    },
    /// Start is accepted and nothing happens: the notebook stays as it is.
    StartNotTaken,
    /// Start is accepted and ends in `Failed`.
    StartFails {
        /// `FailureReason`; AWS's words for want of capacity if not given.
        #[serde(default = "no_capacity")]
        reason: String,
    },
    /// The write is carried out twice, as if a proxy had sent it again. The client gets the second answer, which for a Stop is
    /// the refusal because of the status `Stopping`. The log of writes has both.
    CarriedOutTwice,
    /// Stop is accepted and never ends, until the admin interface sets another status.
    StuckStopping,
    /// After the next List that shows it, the notebook is gone. `on.notebook` says which; absent: every one that is listed.
    Vanish,
    /// List puts so many empty pages, each with a token, before each page that is not.
    EmptyPages {
        /// How many.
        pages: u32,
    },
    /// List answers every page with the token of the first: who follows it never comes to an end.
    RepeatToken,
}

/// How a client loses an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Loss {
    /// It waits until its own timeout.
    #[default]
    Hang,
    /// Its connection is reset.
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
    /// An error with HTTP status 400 and no message.
    #[must_use]
    pub fn error(code: &str) -> Self {
        Self::error_with_status(code, bad_request())
    }

    /// An error with another HTTP status.
    #[must_use]
    pub fn error_with_status(code: &str, status: u16) -> Self {
        Self::Error {
            code: code.to_owned(),
            status,
            message: String::new(),
        }
    }

    /// Start ends in `Failed` for want of capacity.
    #[must_use]
    pub fn start_fails() -> Self {
        Self::StartFails {
            reason: no_capacity(),
        }
    }
}

impl Fault {
    /// A fault that meets every request, every time.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self {
            on: Scope::default(),
            effect,
            when: When::default(),
        }
    }

    /// Only in this account.
    #[must_use]
    pub fn account(mut self, account: &str) -> Self {
        self.on.account = Some(account.to_owned());
        self
    }

    /// Only in this region.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.on.region = Some(region.to_owned());
        self
    }

    /// Only this operation.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.on.operation = Some(operation);
        self
    }

    /// Only this notebook; a `*` at the end stands for any rest.
    #[must_use]
    pub fn notebook(mut self, name: &str) -> Self {
        self.on.notebook = Some(name.to_owned());
        self
    }

    /// Not the first so many.
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Self {
        self.when.skip = skip;
        self
    }

    /// Only every n-th; zero means each.
    #[must_use]
    pub fn every(mut self, every: u64) -> Self {
        self.when.every = NonZeroU64::new(every);
        self
    }

    /// Only the next so many.
    #[must_use]
    pub fn next(mut self, next: u64) -> Self {
        self.when.next = Some(next);
        self
    }
}
