//! Regions known to the simulator, with their partition and their opt-in status.
//!
//! Source: the partition metadata shipped with botocore, and the Account Management user guide's
//! list of opt-in regions.

/// Regions enabled by default in every account of the `aws` partition.
pub const DEFAULT: [&str; 17] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-north-1",
    "ap-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "sa-east-1",
];

/// Regions disabled until an account opts in.
pub const OPT_IN: [&str; 17] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
];

const CHINA: [&str; 2] = ["cn-north-1", "cn-northwest-1"];
const GOV_CLOUD: [&str; 2] = ["us-gov-east-1", "us-gov-west-1"];

/// Returns the partition in a region's ARNs.
pub(crate) fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// Returns the regions that `ListRegions` shows to a caller in `region`.
pub(crate) fn of_partition(region: &str) -> Vec<&'static str> {
    match partition(region) {
        "aws-cn" => CHINA.to_vec(),
        "aws-us-gov" => GOV_CLOUD.to_vec(),
        _ => DEFAULT.iter().chain(&OPT_IN).copied().collect(),
    }
}

/// Returns true if an account without a region list has the region. Unknown names are enabled, so
/// that tests may invent some.
pub(crate) fn enabled_by_default(region: &str) -> bool {
    !OPT_IN.contains(&region)
}
