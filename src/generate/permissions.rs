//! Permissions of the role in an account and of the operator's own role, and the service control
//! policy of an organization.
//!
//! Actions, resource types and condition keys are those of the Service Authorization Reference
//! (Amazon SageMaker, AWS Account Management, AWS Security Token Service).

use std::fmt;

use super::{
    document::{Document, PartitionName, Statement},
    input::{PrincipalPattern, Tag},
};
use crate::domain::{AccountId, Mode, RoleName};

const LIST: &str = "sagemaker:ListNotebookInstances";
const DESCRIBE: &str = "sagemaker:DescribeNotebookInstance";
const LIST_TAGS: &str = "sagemaker:ListTags";
const LIST_REGIONS: &str = "account:ListRegions";
const UPDATE: &str = "sagemaker:UpdateNotebookInstance";
const STOP: &str = "sagemaker:StopNotebookInstance";
const START: &str = "sagemaker:StartNotebookInstance";
const CREATE: &str = "sagemaker:CreateNotebookInstance";
pub(super) const ASSUME_ROLE: &str = "sts:AssumeRole";
pub(super) const TAG_SESSION: &str = "sts:TagSession";

/// Condition key with the root access of a Create or Update request: `Enabled`, `Disabled`, or
/// absent if the request omits it. A Create that omits root access enables it.
const ROOT_ACCESS: &str = "sagemaker:RootAccess";

/// Statement for EKS Pod Identity, which tags the operator's session. The tags are passed on when
/// the operator assumes a role, and both roles must allow that (EKS User Guide, "Cross-account
/// tags"; IAM User Guide, "Chaining roles with session tags").
pub(super) const FOR_POD_IDENTITY: &str = "OnlyForPodIdentity";

/// Permissions of the role in an account.
#[derive(Clone, Debug)]
pub struct Permissions {
    /// `Audit` allows only reads.
    pub mode: Mode,
    /// The partition of the ARNs.
    pub partition: PartitionName,
    /// Tags of exempt notebooks, which are neither stopped nor updated.
    pub exempt: Vec<Tag>,
}

/// The roles that the operator's own role may assume.
#[derive(Clone, Debug)]
pub struct RolePattern {
    /// Path and name of the role.
    pub role: RoleName,
    /// Accounts of the role. If empty, every account whose role trusts the operator.
    pub accounts: Vec<AccountId>,
    /// The partition of the ARNs.
    pub partition: PartitionName,
}

/// Returns the permission policy of the role in an account.
#[must_use]
pub fn member(permissions: &Permissions) -> Document {
    let mut statements = reading(permissions.partition);
    if permissions.mode == Mode::Enforce {
        statements.extend(changing(permissions.partition));
        statements.extend(exempting(permissions.partition, &permissions.exempt));
    }
    Document::new(statements)
}

pub(super) fn reading(partition: PartitionName) -> Vec<Statement> {
    let notebooks = partition.notebooks();
    vec![
        Statement::allow("List", &[LIST]).on(["*"]),
        Statement::allow("Describe", &[DESCRIBE]).on([&notebooks]),
        Statement::allow("OnlyForPoliciesThatSpeakOfTags", &[LIST_TAGS]).on([&notebooks]),
        Statement::allow("OnlyForEveryEnabledRegion", &[LIST_REGIONS]).on(["*"]),
    ]
}

pub(super) fn changing(partition: PartitionName) -> Vec<Statement> {
    let notebooks = partition.notebooks();
    vec![
        // A request that omits root access has no such key, and is not allowed.
        Statement::allow("TakeRootAwayAndNeverGiveIt", &[UPDATE])
            .on([&notebooks])
            .when("StringEquals", ROOT_ACCESS, ["Disabled"]),
        Statement::allow("Restart", &[STOP, START]).on([&notebooks]),
    ]
}

/// Denies Update and Stop of exempt notebooks, but not Start: a notebook that is tagged while it is
/// down must be started again.
pub(super) fn exempting(partition: PartitionName, tags: &[Tag]) -> impl Iterator<Item = Statement> {
    let notebooks = partition.notebooks();
    tags.iter().zip(1..).map(move |(tag, number)| {
        let sid = format!("LeaveExemptNotebooks{number}");
        let statement = Statement::deny(sid, &[UPDATE, STOP]).on([&notebooks]);
        let key = format!("aws:ResourceTag/{}", tag.key());
        match tag.value() {
            Some(value) => statement.when("StringEquals", key, [value]),
            None => statement.when("Null", key, ["false"]),
        }
    })
}

/// Returns the permission policy of the operator's own role, which only allows assuming the roles
/// in the accounts.
#[must_use]
pub fn operator(roles: &RolePattern) -> Document {
    let arns = roles.arns();
    Document::new(vec![
        Statement::allow("EnterTheRoles", &[ASSUME_ROLE]).on(&arns),
        Statement::allow(FOR_POD_IDENTITY, &[TAG_SESSION]).on(&arns),
    ])
}

/// Returns the service control policy. It denies creating notebooks with root access and enabling
/// root access again, except for exempt principals.
///
/// The two statements differ for a reason. A Create that omits root access enables it, and a
/// negated operator also matches an absent key. An Update that omits root access keeps the present
/// value, and must pass.
#[must_use]
pub fn service_control_policy(exempt: &[PrincipalPattern]) -> Document {
    let unless_exempt = |statement: Statement| {
        if exempt.is_empty() {
            return statement;
        }
        let patterns = exempt.iter().map(PrincipalPattern::as_str);
        statement.when("ArnNotLike", "aws:PrincipalArn", patterns)
    };
    let new = Statement::deny("NoNewNotebookWithRoot", &[CREATE])
        .on(["*"])
        .when("StringNotEquals", ROOT_ACCESS, ["Disabled"]);
    let changed = Statement::deny("NoNotebookGetsRootBack", &[UPDATE])
        .on(["*"])
        .when("StringEquals", ROOT_ACCESS, ["Enabled"]);
    Document::new(vec![unless_exempt(new), unless_exempt(changed)])
}

impl RolePattern {
    fn arns(&self) -> Vec<String> {
        let Self {
            role, partition, ..
        } = self;
        let arn =
            |account: &dyn fmt::Display| format!("arn:{partition}:iam::{account}:role/{role}");
        if self.accounts.is_empty() {
            return vec![arn(&"*")];
        }
        self.accounts.iter().map(|account| arn(account)).collect()
    }
}
