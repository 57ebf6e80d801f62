//! Checked types for command-line input.

use std::{fmt, str::FromStr};

/// Error of an invalid text: a sentence that says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidInput(String);

/// The ARN of an IAM role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleArn(String);

/// The ARN of an `OpenID` Connect identity provider in IAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcProvider(String);

/// The ARN of an EKS cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterArn(String);

/// The ARN of an IAM role or user. `*` and `?` are wildcards, as in `ArnLike`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalPattern(String);

/// The name of a Kubernetes object, such as a namespace or a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesName(String);

/// A tag of a notebook instance: `key` with any value, or `key=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    key: String,
    value: Option<String>,
}

/// Splits an ARN into partition, service, region, account and resource.
fn arn(text: &str) -> Option<[&str; 5]> {
    let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
    let arn = [(); 5].map(|()| parts.next());
    let [
        Some(partition),
        Some(service),
        Some(region),
        Some(account),
        Some(resource),
    ] = arn
    else {
        return None;
    };
    let printable = text
        .bytes()
        .all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'"');
    let partitioned = partition.starts_with("aws")
        && partition
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    (printable && partitioned).then_some([partition, service, region, account, resource])
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl FromStr for RoleArn {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match arn(text) {
            Some([_, "iam", "", account, resource])
                if is_account(account)
                    && !text.contains(['*', '?', '$'])
                    && resource
                        .strip_prefix("role/")
                        .is_some_and(|role| !role.is_empty() && !role.ends_with('/')) =>
            {
                Ok(Self(text.to_owned()))
            }
            Some([_, "sts", ..]) => Err(InvalidInput(format!(
                "{text:?} is a session: write the ARN of its role, such as arn:aws:iam::123456789012:role/sudoless-operator"
            ))),
            _ => Err(InvalidInput(format!(
                "{text:?} is not the ARN of a role: write an ARN such as arn:aws:iam::123456789012:role/sudoless-operator"
            ))),
        }
    }
}

impl OidcProvider {
    /// Returns host and path of the issuer. IAM condition keys for its tokens begin with them.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.0
            .split_once(":oidc-provider/")
            .map_or("", |(_, issuer)| issuer)
    }
}

impl FromStr for OidcProvider {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let issuer = |resource: &str| {
            resource
                .strip_prefix("oidc-provider/")
                .is_some_and(|issuer| {
                    issuer.contains('.') && !issuer.contains(['*', '?', '$', ':'])
                })
        };
        match arn(text) {
            Some([_, "iam", "", account, resource]) if is_account(account) && issuer(resource) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidInput(format!(
                "{text:?} is not the ARN of an OIDC provider: `aws iam list-open-id-connect-providers` lists them"
            ))),
        }
    }
}

impl FromStr for ClusterArn {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match arn(text) {
            Some([_, "eks", region, account, resource])
                if !region.is_empty()
                    && is_account(account)
                    && !text.contains(['*', '?', '$'])
                    && resource
                        .strip_prefix("cluster/")
                        .is_some_and(|name| !name.is_empty()) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidInput(format!(
                "{text:?} is not the ARN of an EKS cluster: `aws eks describe-cluster --name NAME --query cluster.arn` prints it"
            ))),
        }
    }
}

impl FromStr for PrincipalPattern {
    type Err = InvalidInput;

    /// Parses the ARN. The account may be `*`, and the name may have wildcards. The kind may not,
    /// so that a typo does not exempt all principals. For a session, `aws:PrincipalArn` is the ARN
    /// of its role (IAM User Guide).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let example = "arn:aws:iam::*:role/platform/notebook-admin";
        match arn(text) {
            Some([_, "sts", ..]) => Err(InvalidInput(format!(
                "{text:?} is a session, which this condition never matches: write the ARN of its role, such as {example}"
            ))),
            Some([_, "iam", "", account, resource])
                if (account == "*" || is_account(account)) && !text.contains('$') =>
            {
                let name = ["role/", "user/"]
                    .into_iter()
                    .find_map(|kind| resource.strip_prefix(kind));
                match name {
                    Some(name) if name.contains(|c: char| c.is_ascii_alphanumeric()) => {
                        Ok(Self(text.to_owned()))
                    }
                    Some(_) => Err(InvalidInput(format!(
                        "{text:?} exempts all principals: name a role, such as {example}"
                    ))),
                    None => Err(InvalidInput(format!(
                        "{text:?} is neither a role nor a user: write an ARN such as {example}"
                    ))),
                }
            }
            _ => Err(InvalidInput(format!(
                "{text:?} is not the ARN of a role or user: write an ARN such as {example}"
            ))),
        }
    }
}

impl FromStr for KubernetesName {
    type Err = InvalidInput;

    /// Parses an RFC 1123 label of up to 63 characters, which every kind of object accepts.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let inner = text.bytes().all(|byte| alphanumeric(byte) || byte == b'-');
        let ends = [text.bytes().next(), text.bytes().last()];
        if inner && text.len() <= 63 && ends.into_iter().all(|end| end.is_some_and(alphanumeric)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidInput(format!(
                "{text:?} is not a Kubernetes name: write up to 63 lower-case letters, digits and dashes, such as sudoless-system"
            )))
        }
    }
}

impl Tag {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value. `None` matches any value.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

impl FromStr for Tag {
    type Err = InvalidInput;

    /// Parses a key of 1..128 and a value of up to 256 letters, digits, blanks and `_.:/=+-@` (API
    /// reference of SageMaker, `Tag`). Only ASCII is accepted, and no `=` in a key, because the
    /// first `=` ends the key.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (text, None),
        };
        let allowed = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b" _.:/=+-@".contains(&byte))
        };
        let fits = matches!(key.len(), 1..=128) && value.is_none_or(|value| value.len() <= 256);
        if fits && allowed(text) && !key.starts_with("aws:") {
            Ok(Self {
                key: key.to_owned(),
                value: value.map(str::to_owned),
            })
        } else {
            Err(InvalidInput(format!(
                "{text:?} is not a tag: write its key, or key=value, such as sudoless-exempt or team=research"
            )))
        }
    }
}

macro_rules! as_text {
    ($($name:ident),+) => {$(
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }
    )+};
}

as_text!(
    RoleArn,
    OidcProvider,
    ClusterArn,
    PrincipalPattern,
    KubernetesName
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check<T: FromStr<Err = InvalidInput> + fmt::Debug>(right: &[&str], wrong: &[(&str, &str)]) {
        for text in right {
            assert!(text.parse::<T>().is_ok(), "{text}");
        }
        for (text, expected) in wrong {
            let error = text.parse::<T>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn roles_are_whole_arns() {
        check::<RoleArn>(
            &[
                "arn:aws:iam::123456789012:role/sudoless",
                "arn:aws-cn:iam::123456789012:role/team/a/sudoless",
            ],
            &[
                ("sudoless", "is not the ARN of a role"),
                (
                    "arn:aws:iam::123456789012:role/",
                    "is not the ARN of a role",
                ),
                (
                    "arn:aws:iam::123456789012:role/*",
                    "is not the ARN of a role",
                ),
                (
                    "arn:aws:iam::12345678901:role/a",
                    "is not the ARN of a role",
                ),
                (
                    "arn:aws:iam::123456789012:user/a",
                    "is not the ARN of a role",
                ),
                (
                    "arn:gcp:iam::123456789012:role/a",
                    "is not the ARN of a role",
                ),
                (
                    "arn:aws:iam::123456789012:role/a\"b",
                    "is not the ARN of a role",
                ),
                ("arn:aws:sts::123456789012:assumed-role/a/b", "is a session"),
            ],
        );
    }

    #[test]
    fn providers_and_clusters_are_those_of_eks() {
        let arn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC";
        let provider: OidcProvider = arn.parse().unwrap();
        assert_eq!(provider.issuer(), "oidc.eks.eu-west-1.amazonaws.com/id/ABC");
        check::<OidcProvider>(
            &[],
            &[
                (
                    "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC",
                    "list-open-id",
                ),
                ("arn:aws:iam::123456789012:oidc-provider/", "list-open-id"),
                (
                    "arn:aws:iam::123456789012:saml-provider/a.b",
                    "list-open-id",
                ),
            ],
        );
        check::<ClusterArn>(
            &["arn:aws:eks:eu-west-1:123456789012:cluster/platform"],
            &[
                ("platform", "describe-cluster"),
                (
                    "arn:aws:eks:eu-west-1:123456789012:cluster/*",
                    "describe-cluster",
                ),
            ],
        );
    }

    #[test]
    fn nobody_exempts_everybody() {
        check::<PrincipalPattern>(
            &[
                "arn:aws:iam::*:role/platform/*",
                "arn:aws:iam::123456789012:user/break-glass",
                "arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Admin_*",
            ],
            &[
                ("*", "is not the ARN"),
                ("arn:aws:iam::*:*", "neither a role nor a user"),
                ("arn:aws:iam::*:role/*", "exempts all principals"),
                ("arn:aws:iam::*:role/**", "exempts all principals"),
                (
                    "arn:aws:iam::123456789012:root",
                    "neither a role nor a user",
                ),
                (
                    "arn:aws:sts::*:assumed-role/admin/*",
                    "write the ARN of its role",
                ),
            ],
        );
    }

    #[test]
    fn names_are_labels() {
        check::<KubernetesName>(
            &["a", "sudoless-system", "0"],
            &[
                ("", "is not a Kubernetes name"),
                ("A", "is not a Kubernetes name"),
                ("-a", "is not a Kubernetes name"),
                ("a-", "is not a Kubernetes name"),
                ("a.b", "is not a Kubernetes name"),
                ("a:b", "is not a Kubernetes name"),
                ("*", "is not a Kubernetes name"),
            ],
        );
        assert!("a".repeat(64).parse::<KubernetesName>().is_err());
    }

    #[test]
    fn a_tag_is_a_key_with_or_without_a_value() {
        let tag: Tag = "team=a=b".parse().unwrap();
        assert_eq!((tag.key(), tag.value()), ("team", Some("a=b")));
        let tag: Tag = "sudoless-exempt".parse().unwrap();
        assert_eq!((tag.key(), tag.value()), ("sudoless-exempt", None));
        let tag: Tag = "team=".parse().unwrap();
        assert_eq!(tag.value(), Some(""));
        check::<Tag>(
            &["cost center=a b"],
            &[
                ("", "is not a tag"),
                ("=a", "is not a tag"),
                ("a=${aws:username}", "is not a tag"),
                ("a*", "is not a tag"),
                ("aws:cloudformation:stack-name", "is not a tag"),
            ],
        );
    }
}
