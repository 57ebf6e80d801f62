//! Trust policies: the principals that may assume a role.

use super::{
    document::{Document, Principal, Statement},
    input::{ClusterArn, KubernetesName, OidcProvider, RoleArn},
    permissions::{ASSUME_ROLE, FOR_POD_IDENTITY, TAG_SESSION},
};
use crate::domain::ExternalId;

/// The operator's service account.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// Namespace of the service account.
    pub namespace: KubernetesName,
    /// Name of the service account.
    pub name: KubernetesName,
}

/// Returns the trust policy for IAM roles for service accounts. It trusts the tokens of one service
/// account, issued by the identity provider of its cluster.
///
/// Source: EKS User Guide, "Assign IAM roles to Kubernetes service accounts".
#[must_use]
pub fn irsa(provider: &OidcProvider, account: &ServiceAccount) -> Document {
    let ServiceAccount { namespace, name } = account;
    let issuer = provider.issuer();
    let subject = format!("system:serviceaccount:{namespace}:{name}");
    Document::new(vec![
        Statement::allow(
            "OnlyTheOperatorsServiceAccount",
            &["sts:AssumeRoleWithWebIdentity"],
        )
        .by(Principal::Federated(provider.as_str().to_owned()))
        .when(
            "StringEquals",
            format!("{issuer}:aud"),
            ["sts.amazonaws.com"],
        )
        .when("StringEquals", format!("{issuer}:sub"), [subject]),
    ])
}

/// Returns the trust policy for EKS Pod Identity. It trusts one service account, in `cluster` or
/// else in every cluster of the account that has an association with the role. Session tags, which
/// EKS sends by default, must not be disabled for the association.
///
/// Source: EKS User Guide, "Create IAM role with trust policy required by EKS Pod Identity" and
/// "Grant Pods access to AWS resources based on tags".
#[must_use]
pub fn pod_identity(account: &ServiceAccount, cluster: Option<&ClusterArn>) -> Document {
    let mut statement = Statement::allow(
        "OnlyTheOperatorsServiceAccount",
        &[ASSUME_ROLE, TAG_SESSION],
    )
    .by(Principal::Service("pods.eks.amazonaws.com"));
    for (tag, value) in [
        ("kubernetes-namespace", Some(account.namespace.as_str())),
        ("kubernetes-service-account", Some(account.name.as_str())),
        ("eks-cluster-arn", cluster.map(ClusterArn::as_str)),
    ] {
        if let Some(value) = value {
            statement = statement.when("StringEquals", format!("aws:RequestTag/{tag}"), [value]);
        }
    }
    Document::new(vec![statement])
}

/// Returns the trust policy of the role in an account. It trusts the operator's own role, with the
/// external id if given.
///
/// `TagSession` does not support the condition key `sts:ExternalId` (Service Authorization
/// Reference). `TagSession` alone gives no access.
#[must_use]
pub fn member_trust(operator: &RoleArn, external_id: Option<&ExternalId>) -> Document {
    let operator = || Principal::Aws(operator.as_str().to_owned());
    let mut enter = Statement::allow("OnlyTheOperator", &[ASSUME_ROLE]).by(operator());
    if let Some(external_id) = external_id {
        enter = enter.when("StringEquals", "sts:ExternalId", [external_id.as_str()]);
    }
    Document::new(vec![
        enter,
        Statement::allow(FOR_POD_IDENTITY, &[TAG_SESSION]).by(operator()),
    ])
}
