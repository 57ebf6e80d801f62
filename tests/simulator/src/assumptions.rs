//! Behaviour of AWS that no source confirms. A fleet file or a test can change each choice.

use serde::{Deserialize, Serialize};

/// Behaviour of AWS that is not documented and was not captured from a real answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Assumptions {
    /// True if Update is accepted from `Failed` as well as from `Stopped`, and ends in `Stopped`.
    /// Its error message lists the states accordingly, in the form captured from Stop and Start.
    /// The text of Update itself was never captured. Default: false.
    pub update_from_failed: bool,
    /// True if `LastModifiedTime` changes when an Update is accepted and when it ends. Stop and
    /// Start always change it at both times. Default: true.
    pub update_moves_last_modified: bool,
    /// True if a denied write answers `AccessDeniedException` whatever the notebook's status, even
    /// for a missing notebook. If false, a write that the status does not allow answers
    /// `ValidationException` first. Default: true.
    pub permission_before_state: bool,
    /// Error code of a region that is not enabled for the account. `InvalidClientTokenId`,
    /// `AuthFailure` and `OptInRequired` were seen too. Default: `UnrecognizedClientException`.
    pub disabled_region_code: String,
    /// Message of the `ValidationException` for a token that does not match the request's filters
    /// and order.
    pub invalid_token_message: String,
    /// Message of the `ValidationException` for a Start or Create on a retired platform, and for an
    /// Update to one. `{platform}` stands for the identifier. Only Create's text was captured.
    /// Default: Create's.
    pub retired_platform_message: String,
    /// Message of the `ValidationException` for any other forbidden platform change by an Update.
    /// `{from}` and `{to}` stand for the identifiers.
    pub platform_change_message: String,
    /// Answer to Start of a notebook with an Elastic Inference accelerator. Default: rejected.
    pub start_with_accelerator: AcceleratorStart,
    /// Message of the `ValidationException` for such a Start, or the `FailureReason` after it.
    pub accelerator_message: String,
    /// Tags per page of `ListTags`, unless `MaxResults` is lower. Default: 50.
    pub tags_per_page: usize,
    /// Regions per page of `ListRegions`, unless `MaxResults` is lower. Default: 50, the maximum.
    pub regions_per_page: usize,
    /// Notebooks per page without `MaxResults`. Default: 10.
    pub notebooks_per_page: usize,
}

/// Answer to Start of a notebook with an Elastic Inference accelerator, a service that AWS has
/// closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AcceleratorStart {
    /// A `ValidationException`.
    #[default]
    Refused,
    /// Start is accepted, and the notebook's status becomes `Failed`.
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
