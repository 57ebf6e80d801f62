//! Problems of manifests, and the component that reports each.

use serde::{Serialize, Serializer};

use super::location::{FieldPath, Position};

/// Severity of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The policy would be rejected, or the operator could not work with it.
    Error,
    /// The policy would be accepted, but is probably not as intended.
    Warning,
}

impl Severity {
    /// Returns the severity as shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Component that reports the problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// `kubectl`, before it sends anything: the text is not a manifest.
    Reader,
    /// The API server, by the schema of the kind.
    Schema,
    /// The API server, by a CEL rule of the kind.
    Rule,
    /// The operator, once it reads the policy.
    Operator,
    /// Only this check.
    Advice,
}

/// A problem, with its position and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Severity of a problem.
    pub severity: Severity,
    /// Component that reports the problem.
    #[serde(rename = "judge")]
    pub source: Source,
    /// Position in the text.
    #[serde(flatten)]
    pub position: Position,
    /// Name of the policy, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Path of the field. An empty path is the whole document.
    #[serde(serialize_with = "as_text")]
    pub path: FieldPath,
    /// A sentence that says what to write instead.
    pub message: String,
}

fn as_text<S: Serializer>(path: &FieldPath, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(path)
}

/// The part of a field that a problem marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Name,
    /// The value, or the field's name if the value is on lines of its own.
    Value,
}

/// A problem without its position in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) label: Label,
    pub(super) severity: Severity,
    pub(super) source: Source,
    pub(super) path: FieldPath,
    pub(super) message: String,
}

impl Violation {
    pub(super) fn error(source: Source, path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            label: Label::Value,
            severity: Severity::Error,
            source,
            path,
            message: message.into(),
        }
    }

    pub(super) fn warning(source: Source, path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(source, path, message)
        }
    }

    /// Marks the field's name instead of its value.
    pub(super) fn at_key(self) -> Self {
        Self {
            label: Label::Name,
            ..self
        }
    }
}
