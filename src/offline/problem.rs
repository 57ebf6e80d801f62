//! What is wrong with a manifest, and who says so.

use serde::{Serialize, Serializer};

use super::place::{FieldPath, Position};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It would be refused, or not be worked on.
    Error,
    /// It would be accepted, and is hardly meant.
    Warning,
}

impl Severity {
    /// As it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Who would say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Judge {
    /// `kubectl`, before anything is sent: the text is not what a manifest is.
    Reader,
    /// The API server, by the schema of the kind.
    Schema,
    /// The API server, by a CEL rule of the kind.
    Rule,
    /// The operator, once it reads the policy.
    Operator,
    /// Nobody but this check.
    Advice,
}

/// Something that is wrong, with where it is and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Who would say it.
    pub judge: Judge,
    /// Where in the text.
    #[serde(flatten)]
    pub position: Position,
    /// The name of the policy that it is in, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Which field; empty: the whole document.
    #[serde(serialize_with = "as_text")]
    pub path: FieldPath,
    /// A sentence that says what to write instead.
    pub message: String,
}

fn as_text<S: Serializer>(path: &FieldPath, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(path)
}

/// What of a field is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Name,
    /// Its name, if the value has lines of its own.
    Value,
}

/// A problem before it is known where in the text it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) mark: Mark,
    pub(super) severity: Severity,
    pub(super) judge: Judge,
    pub(super) path: FieldPath,
    pub(super) message: String,
}

impl Flaw {
    pub(super) fn error(judge: Judge, path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            mark: Mark::Value,
            severity: Severity::Error,
            judge,
            path,
            message: message.into(),
        }
    }

    pub(super) fn warning(judge: Judge, path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(judge, path, message)
        }
    }

    /// The field's name is wrong, not what it holds.
    pub(super) fn at_its_name(self) -> Self {
        Self {
            mark: Mark::Name,
            ..self
        }
    }
}
