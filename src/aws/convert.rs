//! Converts the SDK's answers to domain types. Nothing is invented or dropped: an incomplete answer
//! is rejected.

use std::collections::BTreeSet;

use aws_sdk_account::types as account;
use aws_sdk_sagemaker::{
    operation::describe_notebook_instance::DescribeNotebookInstanceOutput,
    types::{self as sagemaker, NotebookInstanceStatus, NotebookInstanceSummary},
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::wording::stable;
use crate::domain::{
    NotebookArn, NotebookDetails, NotebookStatus, NotebookSummary, Region, RootAccess, Tags,
};

/// Converts one entry of a list. Returns `None` if it lacks a name or ARN. The caller then rejects
/// the whole list, because the notebook would be missing from it.
pub(super) fn summary(entry: NotebookInstanceSummary) -> Option<NotebookSummary> {
    let name = entry
        .notebook_instance_name
        .filter(|name| !name.is_empty())?;
    let arn = entry.notebook_instance_arn.filter(|arn| !arn.is_empty())?;
    Some(NotebookSummary {
        arn: NotebookArn::from(arn.as_str()),
        name,
        status: status(entry.notebook_instance_status.as_ref()),
        last_modified: entry.last_modified_time.as_ref().and_then(timestamp),
        lifecycle_config: lifecycle_config(entry.notebook_instance_lifecycle_config_name),
    })
}

pub(super) fn details(answer: DescribeNotebookInstanceOutput) -> NotebookDetails {
    NotebookDetails {
        root_access: RootAccess::from(
            answer
                .root_access
                .as_ref()
                .map(sagemaker::RootAccess::as_str),
        ),
        status: status(answer.notebook_instance_status.as_ref()),
        lifecycle_config: lifecycle_config(answer.notebook_instance_lifecycle_config_name),
        platform: answer.platform_identifier.filter(|it| !it.is_empty()),
        accelerators: answer
            .accelerator_types
            .unwrap_or_default()
            .iter()
            .map(|accelerator| accelerator.as_str().to_owned())
            .collect(),
        failure_reason: answer
            .failure_reason
            .map(|reason| stable(&reason, None))
            .filter(|reason| !reason.is_empty()),
        created_at: answer.creation_time.as_ref().and_then(timestamp),
        last_modified: answer.last_modified_time.as_ref().and_then(timestamp),
    }
}

/// Converts a page of tags. Returns `None` if a tag has no key.
pub(super) fn tags(page: Vec<sagemaker::Tag>) -> Option<Tags> {
    page.into_iter()
        .map(|tag| {
            Some((
                tag.key.filter(|key| !key.is_empty())?,
                tag.value.unwrap_or_default(),
            ))
        })
        .collect()
}

/// Returns the enabled regions of a page, or `None` if a region's name is missing or invalid.
pub(super) fn enabled_regions(page: &[account::Region]) -> Option<BTreeSet<Region>> {
    page.iter()
        .filter(|region| {
            // The request asks for enabled regions only. A region without a status is taken for
            // enabled: reading it will show.
            matches!(
                region.region_opt_status(),
                None | Some(
                    account::RegionOptStatus::Enabled | account::RegionOptStatus::EnabledByDefault
                )
            )
        })
        .map(|region| region.region_name()?.parse().ok())
        .collect()
}

/// Converts a status. AWS declares it as required. A missing status is handled like an unknown one.
fn status(status: Option<&NotebookInstanceStatus>) -> NotebookStatus {
    NotebookStatus::from(status.map_or("Unknown", NotebookInstanceStatus::as_str))
}

fn lifecycle_config(name: Option<String>) -> Option<String> {
    name.filter(|name| !name.is_empty())
}

fn timestamp(time: &DateTime) -> Option<Timestamp> {
    // AWS sends milliseconds. Records keep microseconds.
    let nanoseconds = time.as_nanos();
    Timestamp::from_nanosecond(nanoseconds - nanoseconds.rem_euclid(1_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_without_name_or_arn_is_refused() {
        let entry = NotebookInstanceSummary::builder;
        assert_eq!(summary(entry().build()), None);
        assert_eq!(
            summary(entry().notebook_instance_name("churn").build()),
            None
        );
        assert_eq!(
            summary(entry().notebook_instance_arn("arn:x").build()),
            None
        );
        let empty = entry()
            .notebook_instance_name("")
            .notebook_instance_arn("arn:x");
        assert_eq!(summary(empty.build()), None);
    }

    #[test]
    fn what_is_not_said_is_not_known() {
        let entry = NotebookInstanceSummary::builder()
            .notebook_instance_name("churn")
            .notebook_instance_arn("arn:x")
            .notebook_instance_lifecycle_config_name("");
        let summary = summary(entry.build()).unwrap();
        assert_eq!(summary.status, NotebookStatus::Other("Unknown".into()));
        assert_eq!(
            (summary.last_modified, summary.lifecycle_config),
            (None, None)
        );

        let answer = DescribeNotebookInstanceOutput::builder().build();
        assert_eq!(details(answer).root_access, RootAccess::Unknown);
    }

    #[test]
    fn an_unknown_word_is_data() {
        let answer = DescribeNotebookInstanceOutput::builder()
            .root_access("Sometimes".into())
            .notebook_instance_status("InMaintenance".into())
            .build();
        let details = details(answer);
        assert_eq!(details.root_access, RootAccess::Unknown);
        assert_eq!(
            details.status,
            NotebookStatus::Other("InMaintenance".into())
        );
    }

    #[test]
    fn times_keep_their_nanoseconds() {
        let time = DateTime::from_secs_and_nanos(1_767_322_445, 678_000_000);
        assert_eq!(
            timestamp(&time).unwrap().to_string(),
            "2026-01-02T02:54:05.678Z"
        );
    }

    #[test]
    fn only_enabled_regions_count() {
        let region = |name: &str, status: account::RegionOptStatus| {
            account::Region::builder()
                .region_name(name)
                .region_opt_status(status)
                .build()
        };
        let page = [
            region("eu-west-1", account::RegionOptStatus::EnabledByDefault),
            region("eu-south-1", account::RegionOptStatus::Enabled),
            region("af-south-1", account::RegionOptStatus::Enabling),
            region("me-south-1", account::RegionOptStatus::Disabled),
        ];
        let names: Vec<_> = enabled_regions(&page).unwrap().into_iter().collect();
        assert_eq!(format!("{names:?}"), r#"["eu-south-1", "eu-west-1"]"#);
        let nameless = [account::Region::builder().build()];
        assert_eq!(enabled_regions(&nameless), None);
    }
}
