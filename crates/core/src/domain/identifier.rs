//! Identifiers with a grammar: accounts, regions, roles, ARNs.

use std::{fmt, str::FromStr, sync::Arc};

use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// An error of an identifier: a sentence that says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidIdentifier(String);

/// The twelve digits of an AWS account.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Arc<str>);

/// The code of an AWS region, such as `eu-west-1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Arc<str>);

/// The name of an IAM role with its path, as after `role/` in an ARN: `sudoless`,
/// `security/sudoless`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(Arc<str>);

/// The external id that a role's trust policy may require. It is like a secret, so `Debug` never
/// prints it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId(Arc<str>);

/// The ARN of a notebook instance.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotebookArn(Arc<str>);

/// A partition of AWS. Credentials of one partition are invalid in the others.
///
/// Source: the `partitions.json` of the AWS SDKs (region prefixes and partition names).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Partition {
    /// `aws`: the commercial regions.
    Aws,
    /// `aws-cn`: the regions in China.
    AwsCn,
    /// `aws-us-gov`: GovCloud.
    AwsUsGov,
    /// `aws-iso`: `us-iso-*`.
    AwsIso,
    /// `aws-iso-b`: `us-isob-*`.
    AwsIsoB,
    /// `aws-iso-e`: `eu-isoe-*`.
    AwsIsoE,
    /// `aws-iso-f`: `us-isof-*`.
    AwsIsoF,
    /// `aws-eusc`: the European Sovereign Cloud.
    AwsEusc,
}

impl AccountId {
    /// Returns the twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidIdentifier(format!(
                "{text:?} is not an AWS account: write its twelve digits in quotes, such as \"111122223333\""
            )))
        }
    }
}

impl Region {
    /// Returns the region's code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the partition of the region.
    #[must_use]
    pub fn partition(&self) -> Partition {
        match self.0.split_once('-').unwrap_or_default() {
            ("cn", _) => Partition::AwsCn,
            ("eusc", _) => Partition::AwsEusc,
            ("us", rest) if rest.starts_with("gov-") => Partition::AwsUsGov,
            (_, rest) if rest.starts_with("iso-") => Partition::AwsIso,
            (_, rest) if rest.starts_with("isob-") => Partition::AwsIsoB,
            (_, rest) if rest.starts_with("isoe-") => Partition::AwsIsoE,
            (_, rest) if rest.starts_with("isof-") => Partition::AwsIsoF,
            _ => Partition::Aws,
        }
    }
}

impl FromStr for Region {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-').rev();
        let number = parts.next().is_some_and(|part| {
            matches!(part.len(), 1..=2) && part.bytes().all(|byte| byte.is_ascii_digit())
        });
        let words = parts.clone().count() >= 2
            && parts
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()));
        if number && words && text.len() <= 32 {
            Ok(Self(text.into()))
        } else {
            Err(InvalidIdentifier(format!(
                "{text:?} is not an AWS region: write its code, such as eu-west-1"
            )))
        }
    }
}

impl RoleName {
    /// Returns the path and name, without a leading slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the role's ARN in an account of a partition.
    #[must_use]
    pub fn arn(&self, partition: Partition, account: &AccountId) -> String {
        format!("arn:{partition}:iam::{account}:role/{self}")
    }
}

impl FromStr for RoleName {
    type Err = InvalidIdentifier;

    /// Parses a name of 1..64 characters of `[A-Za-z0-9_+=,.@-]` with an optional path of up to 512
    /// printable characters (IAM API reference, `CreateRole`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix('/').unwrap_or(text);
        let (path, name) = text.rsplit_once('/').unwrap_or(("", text));
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        let named = matches!(name.len(), 1..=64) && name.bytes().all(allowed);
        let pathed = path.len() <= 510
            && path.bytes().all(|byte| matches!(byte, 0x21..=0x7e))
            && text.split('/').all(|part| !part.is_empty());
        if named && pathed && !text.starts_with("arn:") {
            Ok(Self(text.into()))
        } else {
            Err(InvalidIdentifier(format!(
                "{text:?} is not an IAM role: write its name, or its path and name, such as security/sudoless, not an ARN"
            )))
        }
    }
}

impl ExternalId {
    /// Returns the text that `AssumeRole` sends.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ExternalId {
    type Err = InvalidIdentifier;

    /// Parses 2..1224 characters of `[\w+=,.@:\/-]` (STS API reference, `AssumeRole`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
        if matches!(text.len(), 2..=1224) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidIdentifier(
                "the external id is invalid: write 2 to 1224 letters, digits or _+=,.@:/-".into(),
            ))
        }
    }
}

impl NotebookArn {
    /// Returns the ARN's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for NotebookArn {
    /// Takes AWS's text unchecked, because an ARN is only compared and shown, never parsed.
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Partition {
    /// Returns the partition's name in an ARN.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

macro_rules! as_text {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), formatter)
            }
        }
    )+};
}

as_text!(AccountId, Region, RoleName, NotebookArn);

impl fmt::Debug for ExternalId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ExternalId(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn accounts_are_twelve_digits() {
        assert!("111122223333".parse::<AccountId>().is_ok());
        for wrong in [
            "",
            "1",
            "1111222233334",
            "11112222333a",
            "１１１１２２２２３３３３",
        ] {
            assert!(wrong.parse::<AccountId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn regions_have_words_and_a_number() {
        for right in [
            "us-east-1",
            "ap-southeast-12",
            "us-gov-west-1",
            "us-isob-east-1",
            "eusc-de-east-1",
        ] {
            assert!(right.parse::<Region>().is_ok(), "{right}");
        }
        for wrong in [
            "",
            "*",
            "us-east",
            "us-1",
            "US-EAST-1",
            "us-east-1a",
            "us--1",
            "us-east-123",
        ] {
            assert!(wrong.parse::<Region>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_partition_follows_the_region() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(
                region.parse::<Region>().unwrap().partition().as_str(),
                partition
            );
        }
    }

    #[test]
    fn roles_are_names_with_a_path_and_never_arns() {
        let account = "111122223333".parse().unwrap();
        for (text, arn) in [
            ("sudoless", "arn:aws:iam::111122223333:role/sudoless"),
            (
                "/team/a/sudoless",
                "arn:aws:iam::111122223333:role/team/a/sudoless",
            ),
        ] {
            assert_eq!(
                text.parse::<RoleName>()
                    .unwrap()
                    .arn(Partition::Aws, &account),
                arn
            );
        }
        for wrong in [
            "",
            "a b",
            "team/",
            "//sudoless",
            "team//sudoless",
            "arn:aws:iam::111122223333:role/x",
            &"x".repeat(65),
        ] {
            assert!(wrong.parse::<RoleName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn external_ids_are_not_printed() {
        let id: ExternalId = "8f1c".parse().unwrap();
        assert_eq!(format!("{id:?}"), "ExternalId(…)");
        assert!("a".parse::<ExternalId>().is_err());
        assert!("with blank".parse::<ExternalId>().is_err());
    }
}
