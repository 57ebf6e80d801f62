//! Platforms: the operating systems of notebook instances. AWS retires platforms, and replaces some
//! in place. Source: the developer guide's pages nbi-al2, nbi-jl and nbi-al2023, mid-2026.

use serde::{Deserialize, Serialize};

use crate::{Assumptions, Notebook, assumptions::AcceleratorStart, instance::End};

/// `PlatformIdentifier` of a Describe answer. The list is open: AWS adds and retires values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Platform {
    /// The identifier, such as `notebook-al2023-v1`.
    Identifier(String),
    /// The field is missing from the answer. `absent` in files. Start is accepted.
    Absent,
}

/// Platforms by their treatment in AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Platforms {
    /// Platform of new notebooks. Update can change a notebook only to this platform.
    pub current: String,
    /// Platforms on which Start and Create are rejected. Running notebooks keep running.
    pub retired: Vec<String>,
    /// Platforms that Update replaces with the current one while the notebook is stopped.
    pub migratable: Vec<String>,
}

impl Platform {
    /// Amazon Linux 2023, AWS's default since 2026-05-15.
    pub const AL2023: &str = "notebook-al2023-v1";
    /// Amazon Linux 1. Cannot be started since 2024-03-31, and cannot be migrated.
    pub const AL1: &str = "notebook-al1-v1";
    /// Amazon Linux 2 with `JupyterLab` 1, 3 and 4. The first two cannot be started since
    /// 2025-06-30, the last since 2026-07-01.
    pub const AL2: [&str; 3] = ["notebook-al2-v1", "notebook-al2-v2", "notebook-al2-v3"];

    /// Returns the value on the wire, or `None` if the field is missing.
    #[must_use]
    pub fn wire(&self) -> Option<&str> {
        match self {
            Self::Identifier(identifier) => Some(identifier),
            Self::Absent => None,
        }
    }
}

impl Default for Platform {
    fn default() -> Self {
        Self::Identifier(Self::AL2023.to_owned())
    }
}

impl From<&str> for Platform {
    fn from(value: &str) -> Self {
        match value {
            "absent" => Self::Absent,
            identifier => Self::Identifier(identifier.to_owned()),
        }
    }
}

impl From<String> for Platform {
    fn from(value: String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<Platform> for String {
    fn from(value: Platform) -> Self {
        value.wire().unwrap_or("absent").to_owned()
    }
}

impl Default for Platforms {
    fn default() -> Self {
        Self {
            current: Platform::AL2023.to_owned(),
            retired: std::iter::once(Platform::AL1)
                .chain(Platform::AL2)
                .map(str::to_owned)
                .collect(),
            migratable: Platform::AL2.map(str::to_owned).into(),
        }
    }
}

impl Platforms {
    /// Returns AWS's message if the platform cannot be started or created any more.
    pub(crate) fn check_supported(
        &self,
        platform: &Platform,
        assumptions: &Assumptions,
    ) -> Result<(), String> {
        match platform.wire() {
            Some(identifier) if self.retired.iter().any(|retired| retired == identifier) => {
                let message = &assumptions.retired_platform_message;
                Err(message.replace("{platform}", identifier))
            }
            _ => Ok(()),
        }
    }

    /// Returns AWS's message if Update cannot make this platform change. Setting the same platform
    /// again is no change.
    pub(crate) fn check_change(
        &self,
        from: &Platform,
        to: &Platform,
        assumptions: &Assumptions,
    ) -> Result<(), String> {
        if from == to {
            return Ok(());
        }
        self.check_supported(to, assumptions)?;
        let (from, to) = (
            from.wire().unwrap_or_default(),
            to.wire().unwrap_or_default(),
        );
        if to == self.current && self.migratable.iter().any(|migratable| migratable == from) {
            return Ok(());
        }
        let message = &assumptions.platform_change_message;
        Err(message.replace("{from}", from).replace("{to}", to))
    }

    /// Returns the unusual end of a Start of this notebook, if any, or AWS's message if Start is
    /// rejected.
    pub(crate) fn check_start(
        &self,
        notebook: &Notebook,
        assumptions: &Assumptions,
    ) -> Result<Option<End>, String> {
        self.check_supported(&notebook.platform, assumptions)?;
        let message = &assumptions.accelerator_message;
        match assumptions.start_with_accelerator {
            _ if notebook.accelerator_types.is_empty() => Ok(None),
            AcceleratorStart::Refused => Err(message.clone()),
            AcceleratorStart::Fails => Ok(Some(End::Fail(message.clone()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_change_allows_migration_to_the_current_platform_only() {
        let (platforms, assumptions) = (Platforms::default(), Assumptions::default());
        let allowed = |from: &str, to: &str| {
            let change = platforms.check_change(&from.into(), &to.into(), &assumptions);
            change.is_ok()
        };
        let all = [
            Platform::AL1,
            "notebook-al2-v1",
            "notebook-al2-v2",
            "notebook-al2-v3",
            Platform::AL2023,
            "notebook-al2030-v1",
        ];
        let mut accepted = 0;
        for from in all {
            for to in all {
                let migrates = Platform::AL2.contains(&from) && to == Platform::AL2023;
                assert_eq!(allowed(from, to), from == to || migrates, "{from} to {to}");
                accepted += u32::from(allowed(from, to));
            }
        }
        assert_eq!(accepted, 9);
    }
}
