//! Places: the path of a field, and line and column in the text.

use std::fmt;

use serde::Serialize;

/// A position in a text: line and column, both from 1. Columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// The start of a text.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// One step down from an object or a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Step {
    Field(String),
    Item(usize),
}

/// The path of a field, written as by the API server: `spec.accounts[0].id`,
/// `metadata.labels[app.kubernetes.io/name]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<Step>);

impl FieldPath {
    /// Returns the path of a field of this object.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        self.step(Step::Field(name.to_owned()))
    }

    /// Returns the path of an item of this list.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        self.step(Step::Item(index))
    }

    /// Parses a displayed [`FieldPath`]. A leading dot is ignored.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (key, after) = inner.split_once(']').unwrap_or((inner, ""));
                let step = key
                    .parse()
                    .map_or_else(|_| Step::Field(key.to_owned()), Step::Item);
                steps.push(step);
                rest = after;
            } else {
                let trimmed = rest.strip_prefix('.').unwrap_or(rest);
                let end = trimmed.find(['.', '[']).unwrap_or(trimmed.len());
                let (name, after) = trimmed.split_at(end);
                if !name.is_empty() {
                    steps.push(Step::Field(name.to_owned()));
                }
                rest = after;
            }
        }
        Self(steps)
    }

    /// Returns this path followed by the other.
    #[must_use]
    pub(super) fn join(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    pub(super) fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Returns the path of the enclosing object or list, or `None` at the root.
    pub(super) fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// Returns true if this path equals the other, or is below it.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |name: &str| {
            name.chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        };
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if !plain(name) => write!(formatter, "[{name}]")?,
                Step::Field(name) if index == 0 => formatter.write_str(name)?,
                Step::Field(name) => write!(formatter, ".{name}")?,
                Step::Item(item) => write!(formatter, "[{item}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displayed_path_is_parsed_back() {
        for text in [
            "",
            "spec",
            "spec.accounts[0].id",
            "spec.exemptions[12].regions[3]",
            "metadata.labels[app.kubernetes.io/name]",
        ] {
            assert_eq!(FieldPath::parse(text).to_string(), text);
        }
        assert_eq!(FieldPath::parse(".regions").to_string(), "regions");
    }

    #[test]
    fn path_is_within_itself_and_its_parents() {
        let path = |text| FieldPath::parse(text);
        assert!(path("spec.accounts[0].id").is_within(&path("spec.accounts[0]")));
        assert!(path("spec.accounts[0]").is_within(&path("spec.accounts[0]")));
        assert!(!path("spec.accounts[0]").is_within(&path("spec.accounts[0].id")));
        assert!(!path("spec.accounts[10]").is_within(&path("spec.accounts[1]")));
        assert_eq!(path("a[0].b").parent(), Some(path("a[0]")));
        assert_eq!(path("").parent(), None);
    }
}
