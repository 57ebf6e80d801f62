//! What the operator may do: in an account, by its own identity, and what an organization lets nobody do.
//!
//! Actions, resource types and condition keys are those of the Service Authorization Reference (Amazon SageMaker, AWS Account
//! Management, AWS Security Token Service).

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

/// What a Create or Update asks for: `Enabled` or `Disabled`, and not there where it does not say. A Create that does not
/// say gives root.
const ROOT_ACCESS: &str = "sagemaker:RootAccess";

/// EKS Pod Identity puts tags on the operator's session that go along when it enters a role, for which both sides must allow
/// this (EKS User Guide, "Cross-account tags"; IAM User Guide, "Chaining roles with session tags").
pub(super) const FOR_POD_IDENTITY: &str = "OnlyForPodIdentity";

/// What the operator may do in an account.
#[derive(Clone, Debug)]
pub struct Permissions {
    /// In `Audit` it only reads.
    pub mode: Mode,
    /// Where.
    pub partition: PartitionName,
    /// Notebooks with one of these are neither stopped nor changed.
    pub exempt: Vec<Tag>,
}

/// The roles that the operator's own identity may enter.
#[derive(Clone, Debug)]
pub struct RolePattern {
    /// Path and name.
    pub role: RoleName,
    /// In these accounts; none: in every account, as far as the role there lets it in.
    pub accounts: Vec<AccountId>,
    /// Where.
    pub partition: PartitionName,
}

/// The policy of the operator's role in an account.
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
        // A request that does not speak of root access has no such key, and is not allowed.
        Statement::allow("TakeRootAwayAndNeverGiveIt", &[UPDATE])
            .on([&notebooks])
            .when("StringEquals", ROOT_ACCESS, ["Disabled"]),
        Statement::allow("Restart", &[STOP, START]).on([&notebooks]),
    ]
}

/// Not Start: a notebook that is tagged while it is down must be brought back.
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

/// The policy of the operator's own identity: it enters the roles, and nothing else.
#[must_use]
pub fn operator(roles: &RolePattern) -> Document {
    let arns = roles.arns();
    Document::new(vec![
        Statement::allow("EnterTheRoles", &[ASSUME_ROLE]).on(&arns),
        Statement::allow(FOR_POD_IDENTITY, &[TAG_SESSION]).on(&arns),
    ])
}

/// The service control policy: no new notebook with root, and none that gets root back, but by whom it exempts.
///
/// The two statements differ for a reason. A Create that does not speak of root access gives it, and a negated operator
/// matches where the key is not there. An Update that does not speak of it leaves it as it is, and must pass.
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
