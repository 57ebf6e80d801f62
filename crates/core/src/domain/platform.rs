//! Platforms of notebook instances, and the platforms on which AWS starts no stopped notebook.

use std::{fmt, str::FromStr, sync::Arc};

use super::NotebookDetails;

/// The platform to which notebooks on a retired platform are migrated.
pub const CURRENT_PLATFORM: &str = "notebook-al2023-v1";

/// Patterns of the platforms that are retired by default: Amazon Linux 1 and Amazon Linux 2, all
/// versions.
const RETIRED_BY_DEFAULT: &str = "notebook-al1-*,notebook-al2-*";

/// The dates since when AWS starts no stopped notebook on a platform, as far as AWS has published
/// them. A running notebook keeps running.
///
/// Source: Amazon SageMaker AI Developer Guide, pages `nbi-al2`, `nbi-jl` and `nbi-al2023`, as of
/// mid-2026.
const NO_START_SINCE: [(&str, &str); 4] = [
    ("notebook-al1-v1", "2024-03-31"),
    ("notebook-al2-v1", "2025-06-30"),
    ("notebook-al2-v2", "2025-06-30"),
    ("notebook-al2-v3", "2026-07-01"),
];

/// The prefix of the platforms that AWS cannot migrate.
///
/// Source: the same guide, page `nbi-al2023`: an Update migrates from Amazon Linux 2 only.
const WITHOUT_MIGRATION: &str = "notebook-al1-";

/// The platforms on which AWS starts no stopped notebook, as patterns of `PlatformIdentifier`. A
/// pattern may end in `*`.
///
/// A platform that matches no pattern is restartable, so that a new platform of AWS needs no new
/// version of sudoless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetiredPlatforms(Arc<[String]>);

/// An invalid list of platforms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a platform: write identifiers as AWS does, separated by commas, such as notebook-al2-v3; a * at the end matches any rest"
)]
pub struct InvalidPlatform(String);

/// The reason why AWS will not start a notebook again after a stop, as far as Describe shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRestartable {
    /// AWS starts no stopped notebook on this platform.
    PlatformRetired(String),
    /// AWS does not report the platform.
    PlatformUnknown,
    /// Elastic Inference accelerators are attached, which AWS no longer supports.
    Accelerators(Vec<String>),
}

impl RetiredPlatforms {
    /// Creates a list with these patterns only.
    pub fn new(patterns: impl IntoIterator<Item = String>) -> Self {
        Self(patterns.into_iter().collect())
    }

    /// Returns an error if AWS will not start the notebook again after a stop (promise P2).
    ///
    /// The check does not cover capacity, quotas, keys and lifecycle scripts. Their failures show
    /// only after a Start.
    ///
    /// # Errors
    /// The reason why AWS will not start the notebook.
    pub fn check(&self, details: &NotebookDetails) -> Result<(), NotRestartable> {
        match &details.platform {
            None => Err(NotRestartable::PlatformUnknown),
            Some(platform) if self.contains(platform) => {
                Err(NotRestartable::PlatformRetired(platform.clone()))
            }
            Some(_) if details.accelerators.is_empty() => Ok(()),
            Some(_) => Err(NotRestartable::Accelerators(details.accelerators.clone())),
        }
    }

    /// Returns true if a pattern matches the platform.
    #[must_use]
    pub fn contains(&self, platform: &str) -> bool {
        self.0.iter().any(|pattern| {
            pattern
                .strip_suffix('*')
                .map_or(pattern == platform, |start| platform.starts_with(start))
        })
    }
}

impl Default for RetiredPlatforms {
    fn default() -> Self {
        Self(RETIRED_BY_DEFAULT.split(',').map(str::to_owned).collect())
    }
}

impl FromStr for RetiredPlatforms {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',')
            .map(pattern)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Parses a pattern. AWS's identifiers have letters, digits and hyphens only.
fn pattern(text: &str) -> Result<String, InvalidPlatform> {
    let text = text.trim();
    let start = text.strip_suffix('*').unwrap_or(text);
    let is_identifier = |character: char| character.is_ascii_alphanumeric() || character == '-';
    if text.is_empty() || !start.chars().all(is_identifier) {
        return Err(InvalidPlatform(text.to_owned()));
    }
    Ok(text.to_owned())
}

impl fmt::Display for RetiredPlatforms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(","))
    }
}

impl NotRestartable {
    /// Returns true if AWS can migrate the notebook to [`CURRENT_PLATFORM`] while the notebook is
    /// stopped. A migration keeps `/home/ec2-user/SageMaker`.
    #[must_use]
    pub fn is_migratable(&self) -> bool {
        match self {
            Self::PlatformRetired(platform) => !platform.starts_with(WITHOUT_MIGRATION),
            Self::PlatformUnknown | Self::Accelerators(_) => false,
        }
    }

    /// Returns the remedy for a person. The text completes "to fix it, …".
    #[must_use]
    pub fn advice(&self) -> String {
        let recreate = format!(
            "create a new notebook on {CURRENT_PLATFORM} with root access disabled, copy the files, and delete this one"
        );
        match self {
            Self::PlatformRetired(_) if self.is_migratable() => format!(
                "migrate the notebook while it is stopped: stop it, update it with --platform-identifier {CURRENT_PLATFORM} --root-access \
                 Disabled, and start it"
            ),
            Self::PlatformRetired(_) => {
                format!("{recreate}, because AWS cannot migrate Amazon Linux 1")
            }
            Self::PlatformUnknown => {
                "look up its platform in the SageMaker console; if AWS still starts that platform, stop the notebook, disable root access, \
                 and start it by hand"
                    .to_owned()
            }
            Self::Accelerators(_) => recreate,
        }
    }
}

/// Writes the reason why AWS would reject a Start, as a clause.
impl fmt::Display for NotRestartable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlatformRetired(platform) => {
                write!(
                    formatter,
                    "AWS would not start it again, because its platform {platform} is retired"
                )?;
                let since = NO_START_SINCE.iter().find(|(each, _)| each == platform);
                since.map_or(Ok(()), |(_, date)| write!(formatter, " since {date}"))
            }
            Self::PlatformUnknown => formatter
                .write_str("AWS may not start it again, because its description names no platform"),
            Self::Accelerators(types) => write!(
                formatter,
                "AWS may not start it again, because it has the Elastic Inference accelerator {}, which is not supported any more",
                types.join(", ")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{NotebookStatus, RootAccess};

    fn details(platform: Option<&str>, accelerators: &[&str]) -> NotebookDetails {
        NotebookDetails {
            root_access: RootAccess::Enabled,
            status: NotebookStatus::InService,
            lifecycle_config: None,
            platform: platform.map(str::to_owned),
            accelerators: accelerators.iter().map(ToString::to_string).collect(),
            failure_reason: None,
            created_at: None,
            last_modified: None,
        }
    }

    /// Tests every platform that AWS has named, future versions of these families, and invented
    /// platforms.
    #[test]
    fn retired_by_default_is_all_of_amazon_linux_1_and_2() {
        let retired = RetiredPlatforms::default();
        for (platform, is_retired) in [
            ("notebook-al1-v1", true),
            ("notebook-al2-v1", true),
            ("notebook-al2-v2", true),
            ("notebook-al2-v3", true),
            ("notebook-al2-v4", true),
            ("notebook-al1-v2", true),
            (CURRENT_PLATFORM, false),
            ("notebook-al2023-v2", false),
            ("notebook-al2027-v1", false),
            ("notebook-al2", false),
            ("Notebook-AL2-v3", false),
        ] {
            let expected = if is_retired {
                Err(NotRestartable::PlatformRetired(platform.to_owned()))
            } else {
                Ok(())
            };
            assert_eq!(retired.check(&details(Some(platform), &[])), expected);
        }
        for (platform, _) in NO_START_SINCE {
            assert!(retired.contains(platform), "{platform}");
        }
    }

    #[test]
    fn a_platform_that_is_not_said_and_an_accelerator_are_not_restartable() {
        let retired = RetiredPlatforms::default();
        let check = |platform, accelerators| retired.check(&details(platform, accelerators));
        assert_eq!(check(None, &[]), Err(NotRestartable::PlatformUnknown));
        let attached = Err(NotRestartable::Accelerators(vec!["ml.eia1.medium".into()]));
        assert_eq!(check(Some(CURRENT_PLATFORM), &["ml.eia1.medium"]), attached);
        // The platform is named first, because a migration is the remedy.
        let platform = "notebook-al2-v3";
        let both = Err(NotRestartable::PlatformRetired(platform.into()));
        assert_eq!(check(Some(platform), &["ml.eia1.medium"]), both);
    }

    #[test]
    fn a_list_of_platforms_is_read_and_shown() {
        let list = |text: &str| text.parse::<RetiredPlatforms>();
        let read = list(" notebook-al2-v1, notebook-al2023-*").unwrap();
        assert_eq!(read.to_string(), "notebook-al2-v1,notebook-al2023-*");
        assert!(read.contains("notebook-al2023-v1") && read.contains("notebook-al2-v1"));
        assert!(!read.contains("notebook-al2-v10") && !read.contains("notebook-al2-v3"));
        assert!(list("*").unwrap().contains("notebook-al2023-v1"));
        assert_eq!(
            list(&RetiredPlatforms::default().to_string()).unwrap(),
            RetiredPlatforms::default()
        );
        for wrong in [
            "",
            "notebook-al2-v1,",
            ",",
            "notebook al2",
            "*-v1",
            "notebook-*-v1",
            "notebook-**",
            "notebook-al2-v[12]",
            "notebook_al2",
        ] {
            assert!(list(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_helps_fits_the_platform() {
        let retired = |platform: &str| NotRestartable::PlatformRetired(platform.to_owned());
        let cases = [
            (
                retired("notebook-al1-v1"),
                "since 2024-03-31",
                "create a new notebook",
                false,
            ),
            (
                retired("notebook-al2-v2"),
                "since 2025-06-30",
                "--platform-identifier notebook-al2023-v1 --root-access Disabled",
                true,
            ),
            (
                retired("notebook-al2-v3"),
                "since 2026-07-01",
                "--platform-identifier notebook-al2023-v1 --root-access Disabled",
                true,
            ),
            (
                retired("notebook-al2-v4"),
                "notebook-al2-v4 is retired",
                "while it is stopped",
                true,
            ),
            (
                NotRestartable::PlatformUnknown,
                "names no platform",
                "in the SageMaker console",
                false,
            ),
            (
                NotRestartable::Accelerators(vec!["ml.eia2.large".into()]),
                "ml.eia2.large",
                "create a new notebook",
                false,
            ),
        ];
        for (obstacle, why, advice, is_migratable) in cases {
            assert!(obstacle.to_string().contains(why), "{obstacle}");
            assert!(obstacle.advice().contains(advice), "{obstacle:?}");
            assert_eq!(obstacle.is_migratable(), is_migratable, "{obstacle:?}");
        }
    }
}
