//! `CloudFormation` templates.

use super::{
    document::{Document, PartitionName},
    input::Tag,
    permissions::{changing, exempting, reading},
    template::fill,
};

const MEMBER_ROLE: &str = include_str!("templates/cloudformation/member-role.yaml");
const NOTEBOOK: &str = include_str!("../../config/iam/cloudformation/notebook.yaml");

/// Returns a template of the role in an account. Mode, trust and names are its parameters. The tags
/// of exempt notebooks are fixed in the text, because a condition key in a policy cannot come from
/// a parameter.
#[must_use]
pub fn member_role(exempt: &[Tag]) -> String {
    const PARTITION: PartitionName = PartitionName::CloudFormation;
    let mut changes = changing(PARTITION);
    changes.extend(exempting(PARTITION, exempt));
    let blocks = [
        ("reading", Document::new(reading(PARTITION)).yaml()),
        ("changing", Document::new(changes).yaml()),
    ];
    fill(MEMBER_ROLE, &blocks)
}

/// Returns a template of a notebook instance whose users have no root, with its own least-privilege
/// role.
#[must_use]
pub fn notebook() -> String {
    NOTEBOOK.to_owned()
}
