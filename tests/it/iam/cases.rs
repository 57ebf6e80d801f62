//! What each policy decides, as tables.

use serde_json::Value;

use super::{
    document,
    evaluator::{Decision, Request, decide},
    generated,
};
use Decision::{Allowed, Denied, NotAllowed};

const NOTEBOOK: &str = "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/churn";
const IN_CHINA: &str = "arn:aws-cn:sagemaker:cn-north-1:111122223333:notebook-instance/churn";
const DOMAIN: &str = "arn:aws:sagemaker:eu-west-1:111122223333:domain/d-1";
const CONFIG: &str =
    "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance-lifecycle-config/setup";
const ROLE: &str = "arn:aws:iam::111122223333:role/sudoless";
const ENABLED: (&str, &str) = ("sagemaker:RootAccess", "Enabled");
const DISABLED: (&str, &str) = ("sagemaker:RootAccess", "Disabled");

type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    Decision,
);

fn check(name: &str, document: &Value, cases: &[Case]) {
    for (action, resource, context, expected) in cases {
        let request = Request {
            principal: ("AWS", "-"),
            action,
            resource,
            context,
        };
        let decision = decide(&[document], request);
        assert_eq!(
            decision, *expected,
            "{name}: {action} on {resource} with {context:?}"
        );
    }
}

#[test]
fn the_role_that_audits() {
    check(
        "audit.json",
        &document("audit.json"),
        &[
            ("sagemaker:ListNotebookInstances", "*", &[], Allowed),
            ("sagemaker:DescribeNotebookInstance", NOTEBOOK, &[], Allowed),
            ("sagemaker:ListTags", NOTEBOOK, &[], Allowed),
            ("sagemaker:ListTags", DOMAIN, &[], NotAllowed),
            (
                "account:ListRegions",
                "arn:aws:account::111122223333:account",
                &[],
                Allowed,
            ),
            (
                "account:EnableRegion",
                "arn:aws:account::111122223333:account",
                &[],
                NotAllowed,
            ),
            (
                "sagemaker:UpdateNotebookInstance",
                NOTEBOOK,
                &[DISABLED],
                NotAllowed,
            ),
            ("sagemaker:StopNotebookInstance", NOTEBOOK, &[], NotAllowed),
            ("sagemaker:StartNotebookInstance", NOTEBOOK, &[], NotAllowed),
            (
                "sagemaker:DescribeNotebookInstanceLifecycleConfig",
                CONFIG,
                &[],
                NotAllowed,
            ),
        ],
    );
}

#[test]
fn the_role_that_enforces() {
    check(
        "remediate.json",
        &document("remediate.json"),
        &[
            ("sagemaker:ListNotebookInstances", "*", &[], Allowed),
            ("sagemaker:DescribeNotebookInstance", NOTEBOOK, &[], Allowed),
            (
                "sagemaker:UpdateNotebookInstance",
                NOTEBOOK,
                &[DISABLED],
                Allowed,
            ),
            (
                "sagemaker:UpdateNotebookInstance",
                NOTEBOOK,
                &[ENABLED],
                NotAllowed,
            ),
            // Such as an Update that attaches a lifecycle configuration and does not mention root
            // access.
            (
                "sagemaker:UpdateNotebookInstance",
                NOTEBOOK,
                &[],
                NotAllowed,
            ),
            ("sagemaker:StopNotebookInstance", NOTEBOOK, &[], Allowed),
            ("sagemaker:StartNotebookInstance", NOTEBOOK, &[], Allowed),
            ("sagemaker:StartNotebookInstance", IN_CHINA, &[], NotAllowed),
            (
                "sagemaker:CreateNotebookInstance",
                NOTEBOOK,
                &[DISABLED],
                NotAllowed,
            ),
            (
                "sagemaker:DeleteNotebookInstance",
                NOTEBOOK,
                &[],
                NotAllowed,
            ),
            (
                "sagemaker:CreatePresignedNotebookInstanceUrl",
                NOTEBOOK,
                &[],
                NotAllowed,
            ),
            (
                "sagemaker:UpdateNotebookInstanceLifecycleConfig",
                CONFIG,
                &[DISABLED],
                NotAllowed,
            ),
            ("sagemaker:AddTags", NOTEBOOK, &[], NotAllowed),
            ("iam:PassRole", ROLE, &[], NotAllowed),
            ("sts:AssumeRole", ROLE, &[], NotAllowed),
        ],
    );
}

#[test]
fn another_partition_is_another_role() {
    let generated: Value =
        serde_json::from_str(&generated("iam --mode enforce --partition aws-cn")).unwrap();
    check(
        "--partition aws-cn",
        &generated,
        &[
            ("sagemaker:StopNotebookInstance", IN_CHINA, &[], Allowed),
            ("sagemaker:StopNotebookInstance", NOTEBOOK, &[], NotAllowed),
        ],
    );
}

/// Start is never denied: a notebook that is tagged while it is down must be brought back.
#[test]
fn tagged_notebooks_are_left_alone_and_still_brought_back() {
    const ANY: (&str, &str) = ("aws:ResourceTag/sudoless-exempt", "");
    const TEAM: (&str, &str) = ("aws:ResourceTag/team", "research");
    const OTHER: (&str, &str) = ("aws:ResourceTag/team", "sales");
    let document: Value = serde_json::from_str(&generated(
        "iam --mode enforce --exempt-tag sudoless-exempt --exempt-tag team=research",
    ))
    .unwrap();
    check(
        "--exempt-tag",
        &document,
        &[
            (
                "sagemaker:UpdateNotebookInstance",
                NOTEBOOK,
                &[DISABLED],
                Allowed,
            ),
            (
                "sagemaker:UpdateNotebookInstance",
                NOTEBOOK,
                &[DISABLED, OTHER],
                Allowed,
            ),
            (
                "sagemaker:UpdateNotebookInstance",
                NOTEBOOK,
                &[DISABLED, ANY],
                Denied,
            ),
            (
                "sagemaker:UpdateNotebookInstance",
                NOTEBOOK,
                &[DISABLED, TEAM],
                Denied,
            ),
            (
                "sagemaker:StopNotebookInstance",
                NOTEBOOK,
                &[OTHER],
                Allowed,
            ),
            ("sagemaker:StopNotebookInstance", NOTEBOOK, &[ANY], Denied),
            (
                "sagemaker:StopNotebookInstance",
                NOTEBOOK,
                &[OTHER, ANY],
                Denied,
            ),
            ("sagemaker:StopNotebookInstance", NOTEBOOK, &[TEAM], Denied),
            (
                "sagemaker:StartNotebookInstance",
                NOTEBOOK,
                &[TEAM, ANY],
                Allowed,
            ),
            (
                "sagemaker:DescribeNotebookInstance",
                NOTEBOOK,
                &[TEAM, ANY],
                Allowed,
            ),
            ("sagemaker:ListTags", NOTEBOOK, &[TEAM, ANY], Allowed),
        ],
    );
}

#[test]
fn the_operators_own_identity() {
    check(
        "operator.json",
        &document("operator.json"),
        &[
            ("sts:AssumeRole", ROLE, &[], Allowed),
            (
                "sts:AssumeRole",
                "arn:aws:iam::444455556666:role/sudoless",
                &[],
                Allowed,
            ),
            ("sts:TagSession", ROLE, &[], Allowed),
            (
                "sts:AssumeRole",
                "arn:aws:iam::111122223333:role/sudoless-admin",
                &[],
                NotAllowed,
            ),
            (
                "sts:AssumeRole",
                "arn:aws:iam::111122223333:role/other/sudoless",
                &[],
                NotAllowed,
            ),
            (
                "sts:AssumeRole",
                "arn:aws-cn:iam::111122223333:role/sudoless",
                &[],
                NotAllowed,
            ),
            ("sagemaker:StopNotebookInstance", NOTEBOOK, &[], NotAllowed),
        ],
    );
    let two: Value = serde_json::from_str(&generated(
        "iam --operator --role security/sudoless --account 111122223333,444455556666",
    ))
    .unwrap();
    check(
        "--account",
        &two,
        &[
            (
                "sts:AssumeRole",
                "arn:aws:iam::111122223333:role/security/sudoless",
                &[],
                Allowed,
            ),
            (
                "sts:AssumeRole",
                "arn:aws:iam::444455556666:role/security/sudoless",
                &[],
                Allowed,
            ),
            (
                "sts:AssumeRole",
                "arn:aws:iam::777788889999:role/security/sudoless",
                &[],
                NotAllowed,
            ),
            ("sts:AssumeRole", ROLE, &[], NotAllowed),
        ],
    );
}

type Entry = (
    (&'static str, &'static str),
    &'static str,
    &'static [(&'static str, &'static str)],
    Decision,
);

fn check_trust(name: &str, entries: &[Entry]) {
    let document = document(name);
    for (principal, action, context, expected) in entries {
        let request = Request {
            principal: *principal,
            action,
            resource: "",
            context,
        };
        let decision = decide(&[&document], request);
        assert_eq!(
            decision, *expected,
            "{name}: {principal:?} {action} with {context:?}"
        );
    }
}

#[test]
fn only_the_operator_enters_an_account() {
    const OPERATOR: (&str, &str) = ("AWS", "arn:aws:iam::123456789012:role/sudoless-operator");
    const OTHER: (&str, &str) = ("AWS", "arn:aws:iam::123456789012:role/other");
    check_trust(
        "trust-member.json",
        &[
            (
                OPERATOR,
                "sts:AssumeRole",
                &[("sts:ExternalId", "8f1c")],
                Allowed,
            ),
            (
                OPERATOR,
                "sts:AssumeRole",
                &[("sts:ExternalId", "8F1C")],
                NotAllowed,
            ),
            (OPERATOR, "sts:AssumeRole", &[], NotAllowed),
            // With Pod Identity's tags: both must be allowed, and this one knows no external id.
            (OPERATOR, "sts:TagSession", &[], Allowed),
            (
                OTHER,
                "sts:AssumeRole",
                &[("sts:ExternalId", "8f1c")],
                NotAllowed,
            ),
            (OTHER, "sts:TagSession", &[], NotAllowed),
            (
                ("Service", "sagemaker.amazonaws.com"),
                "sts:AssumeRole",
                &[("sts:ExternalId", "8f1c")],
                NotAllowed,
            ),
        ],
    );
}

#[test]
fn only_its_service_account_becomes_the_operator_by_irsa() {
    const PROVIDER: (&str, &str) = (
        "Federated",
        "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE",
    );
    const ANOTHER: (&str, &str) = (
        "Federated",
        "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/OTHER",
    );
    const AUD: (&str, &str) = (
        "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE:aud",
        "sts.amazonaws.com",
    );
    const SUB: &str = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE:sub";
    const ENTER: &str = "sts:AssumeRoleWithWebIdentity";
    check_trust(
        "trust-irsa.json",
        &[
            (
                PROVIDER,
                ENTER,
                &[AUD, (SUB, "system:serviceaccount:sudoless-system:sudoless")],
                Allowed,
            ),
            (
                PROVIDER,
                ENTER,
                &[AUD, (SUB, "system:serviceaccount:sudoless-system:default")],
                NotAllowed,
            ),
            (
                PROVIDER,
                ENTER,
                &[AUD, (SUB, "system:serviceaccount:default:sudoless")],
                NotAllowed,
            ),
            (
                PROVIDER,
                ENTER,
                &[(SUB, "system:serviceaccount:sudoless-system:sudoless")],
                NotAllowed,
            ),
            (PROVIDER, ENTER, &[AUD], NotAllowed),
            (
                ANOTHER,
                ENTER,
                &[AUD, (SUB, "system:serviceaccount:sudoless-system:sudoless")],
                NotAllowed,
            ),
        ],
    );
}

#[test]
fn only_its_service_account_becomes_the_operator_by_pod_identity() {
    const EKS: (&str, &str) = ("Service", "pods.eks.amazonaws.com");
    const CLUSTER: (&str, &str) = (
        "aws:RequestTag/eks-cluster-arn",
        "arn:aws:eks:eu-west-1:123456789012:cluster/platform",
    );
    const STAGING: (&str, &str) = (
        "aws:RequestTag/eks-cluster-arn",
        "arn:aws:eks:eu-west-1:123456789012:cluster/staging",
    );
    const NAMESPACE: (&str, &str) = ("aws:RequestTag/kubernetes-namespace", "sudoless-system");
    const ACCOUNT: (&str, &str) = ("aws:RequestTag/kubernetes-service-account", "sudoless");
    check_trust(
        "trust-pod-identity.json",
        &[
            (
                EKS,
                "sts:AssumeRole",
                &[CLUSTER, NAMESPACE, ACCOUNT],
                Allowed,
            ),
            (
                EKS,
                "sts:TagSession",
                &[CLUSTER, NAMESPACE, ACCOUNT],
                Allowed,
            ),
            (
                EKS,
                "sts:AssumeRole",
                &[STAGING, NAMESPACE, ACCOUNT],
                NotAllowed,
            ),
            (
                EKS,
                "sts:AssumeRole",
                &[
                    CLUSTER,
                    ("aws:RequestTag/kubernetes-namespace", "default"),
                    ACCOUNT,
                ],
                NotAllowed,
            ),
            (EKS, "sts:AssumeRole", &[CLUSTER, NAMESPACE], NotAllowed),
            (EKS, "sts:AssumeRole", &[], NotAllowed),
            (
                ("Service", "ec2.amazonaws.com"),
                "sts:AssumeRole",
                &[CLUSTER, NAMESPACE, ACCOUNT],
                NotAllowed,
            ),
        ],
    );
}
