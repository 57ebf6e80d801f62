//! Matchers of selectors and exemptions: globs, tags, accounts and regions.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::{AccountId, Notebook, Region, Tags};

/// Shell globs over names. A name matches if any glob matches.
#[derive(Clone, Debug)]
pub struct Globs {
    patterns: Vec<String>,
    set: GlobSet,
}

/// An invalid glob.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is not a glob: {problem}")]
pub struct InvalidGlob {
    /// The index of the glob in its list.
    pub index: usize,
    /// The glob as written.
    pub pattern: String,
    /// The error.
    pub problem: String,
}

/// Criteria for notebooks. All given criteria must match; an absent criterion matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matcher {
    /// Globs, any of which must match the name.
    pub names: Option<Globs>,
    /// Tags that the notebook must all have, with these values.
    pub tags: BTreeMap<String, String>,
    /// Accounts of matching notebooks. Empty: every account.
    pub accounts: BTreeSet<AccountId>,
    /// Regions of matching notebooks. Empty: every region.
    pub regions: BTreeSet<Region>,
}

/// The result of matching a notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The notebook matches.
    Yes,
    /// The notebook does not match.
    No,
    /// The result depends on tags that could not be read.
    Unknown,
}

impl Globs {
    /// Parses globs in the shell's notation: `*`, `?`, `[a-c]`, `{a,b}`, and `\` to escape a
    /// character.
    pub fn new(patterns: &[String]) -> Result<Self, Vec<InvalidGlob>> {
        let mut builder = GlobSetBuilder::new();
        let mut invalid = Vec::new();
        for (index, pattern) in patterns.iter().enumerate() {
            match GlobBuilder::new(pattern).backslash_escape(true).build() {
                Ok(glob) => {
                    builder.add(glob);
                }
                Err(error) => invalid.push(InvalidGlob {
                    index,
                    pattern: pattern.clone(),
                    problem: error.kind().to_string(),
                }),
            }
        }
        match builder.build() {
            Ok(set) if invalid.is_empty() => Ok(Self {
                patterns: patterns.to_vec(),
                set,
            }),
            Ok(_) => Err(invalid),
            // Each glob is valid, but the compiled set is too large.
            Err(error) => Err(vec![InvalidGlob {
                index: 0,
                pattern: patterns.first().cloned().unwrap_or_default(),
                problem: error.to_string(),
            }]),
        }
    }

    /// Returns true if any glob matches the name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.set.is_match(name)
    }
}

impl PartialEq for Globs {
    fn eq(&self, other: &Self) -> bool {
        self.patterns == other.patterns
    }
}

impl Eq for Globs {}

impl Matcher {
    /// Returns true if the matcher uses tags.
    #[must_use]
    pub fn speaks_of_tags(&self) -> bool {
        !self.tags.is_empty()
    }

    /// Matches a notebook of this account and region. Tags are not needed if the name, account or
    /// region already rules the notebook out.
    #[must_use]
    pub fn matches(
        &self,
        account: &AccountId,
        region: Option<&Region>,
        notebook: &Notebook,
    ) -> Match {
        match (
            self.matches_untagged(account, region, &notebook.summary.name),
            &notebook.tags,
        ) {
            (Match::Unknown, Some(Ok(tags))) if self.tags_match(tags) => Match::Yes,
            (Match::Unknown, Some(Ok(_))) => Match::No,
            (result, _) => result,
        }
    }

    /// Matches a notebook whose tags are unknown.
    #[must_use]
    pub fn matches_untagged(
        &self,
        account: &AccountId,
        region: Option<&Region>,
        name: &str,
    ) -> Match {
        let accounts = self.accounts.is_empty() || self.accounts.contains(account);
        let regions =
            self.regions.is_empty() || region.is_some_and(|region| self.regions.contains(region));
        let names = self.names.as_ref().is_none_or(|globs| globs.matches(name));
        if !(accounts && regions && names) {
            Match::No
        } else if self.tags.is_empty() {
            Match::Yes
        } else {
            Match::Unknown
        }
    }

    fn tags_match(&self, tags: &Tags) -> bool {
        self.tags
            .iter()
            .all(|(key, value)| tags.get(key) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn globs_are_the_shells() {
        for (pattern, name, expected) in [
            ("team-a-*", "team-a-forecast", true),
            ("team-a-*", "team-b-forecast", false),
            ("legacy-?", "legacy-1", true),
            ("legacy-?", "legacy-12", false),
            ("[ab]-x", "b-x", true),
            ("[!ab]-x", "b-x", false),
            ("{a,b}*", "bcd", true),
            ("Churn", "churn", false),
            ("churn", "churn-model", false),
            (r"\*", "*", true),
            (r"\*", "churn", false),
            ("*", "", true),
        ] {
            let globs = Globs::new(&[pattern.to_owned()]).unwrap();
            assert_eq!(globs.matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_wrong_glob_is_named_with_its_place() {
        let invalid = Globs::new(&["ok".into(), "[z-a]".into(), "{a".into()]).unwrap_err();
        assert_eq!(
            invalid.iter().map(|glob| glob.index).collect::<Vec<_>>(),
            [1, 2]
        );
        assert!(invalid[0].to_string().contains("[z-a]"));
    }
}
