//! What no source confirms of AWS, in one place: each is a choice that a fleet file or a test can turn round.

use serde::{Deserialize, Serialize};

/// Behaviour of AWS that is not documented and was not captured from a real answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Assumptions {
    /// Whether Update is accepted from `Failed` as well as from `Stopped` (it ends in `Stopped` then). Its message lists the
    /// states accordingly, in the form captured from Stop and Start; Update's own text was never captured. Default: no.
    pub update_from_failed: bool,
    /// Whether `LastModifiedTime` moves when an Update is accepted and when it ends. Default: yes. Stop and Start always
    /// move it, when accepted and when they end.
    pub update_moves_last_modified: bool,
    /// Whether a denied write answers `AccessDeniedException` whatever the notebook's status is, and whether it exists.
    /// Default: yes; otherwise a write that the status forbids answers `ValidationException` first.
    pub permission_before_state: bool,
    /// The code with which a region that is not enabled for the account answers. `InvalidClientTokenId`, `AuthFailure` and
    /// `OptInRequired` were seen too. Default: `UnrecognizedClientException`.
    pub disabled_region_code: String,
    /// The message, with code `ValidationException`, for a token that does not belong to the request's filters and order.
    pub invalid_token_message: String,
    /// The message, with code `ValidationException`, of a Start or Create on a retired platform, and of an Update to one.
    /// `{platform}` stands for the identifier. Only Create's text was captured. Default: Create's.
    pub retired_platform_message: String,
    /// The message, with code `ValidationException`, of an Update that makes any other forbidden change of the platform. `{from}`
    /// and `{to}` stand for the identifiers.
    pub platform_change_message: String,
    /// Answer to Start of a notebook with an Elastic Inference accelerator. Default: refused.
    pub start_with_accelerator: AcceleratorStart,
    /// Message of that `ValidationException`, or `FailureReason` after that Start.
    pub accelerator_message: String,
    /// How many tags a page of `ListTags` holds unless `MaxResults` says less. Default: 50.
    pub tags_per_page: usize,
    /// How many regions a page of `ListRegions` holds unless `MaxResults` says less. Default: 50, its maximum.
    pub regions_per_page: usize,
    /// How many notebooks a page holds where `MaxResults` is not given. Default: 10.
    pub notebooks_per_page: usize,
}

/// Answer to Start of a notebook with an Elastic Inference accelerator, a service that AWS has closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AcceleratorStart {
    /// A `ValidationException`.
    #[default]
    Refused,
    /// Start is accepted, and the notebook ends in `Failed`.
    Fails,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            update_from_failed: false,
            update_moves_last_modified: true,
            permission_before_state: true,
            disabled_region_code: "UnrecognizedClientException".to_owned(),
            invalid_token_message: "Invalid pagination token".to_owned(),
            retired_platform_message:
                "Platform identifier ({platform}) is not supported for this service".to_owned(),
            platform_change_message:
                "Platform identifier cannot be changed from ({from}) to ({to})".to_owned(),
            start_with_accelerator: AcceleratorStart::default(),
            accelerator_message: "Elastic Inference is no longer supported".to_owned(),
            tags_per_page: 50,
            regions_per_page: 50,
            notebooks_per_page: 10,
        }
    }
}
