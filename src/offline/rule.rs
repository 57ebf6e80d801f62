//! CEL rules of the schema.

use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;
use kube_cel::cel::{Context, Program, Value, objects::Key};
use serde_json::Value as Json;

use super::place::FieldPath;

/// A compiled rule.
#[derive(Debug)]
pub(super) struct Rule {
    program: Program,
    message_program: Option<Program>,
    message: String,
    below: FieldPath,
    /// True if the rule compares with the stored object. There is none here, so the rule is
    /// skipped.
    transition: bool,
}

impl Rule {
    /// # Errors
    /// The rule is not valid CEL.
    pub(super) fn new(rule: &ValidationRule) -> Result<Self, String> {
        let compile =
            |text: &str| Program::compile(text).map_err(|error| format!("{text}: {error}"));
        let program = compile(&rule.rule)?;
        let transition =
            program.references().has_variable("oldSelf") && rule.optional_old_self != Some(true);
        Ok(Self {
            transition,
            program,
            message_program: rule
                .message_expression
                .as_deref()
                .map(compile)
                .transpose()?,
            message: rule
                .message
                .clone()
                .unwrap_or_else(|| format!("failed rule: {}", rule.rule)),
            below: FieldPath::parse(rule.field_path.as_deref().unwrap_or_default()),
        })
    }

    /// Returns the problem of the scope's `self`, and its path below `self`. An evaluation error
    /// counts as a problem.
    pub(super) fn breach(&self, scope: &Context<'_>) -> Option<(&FieldPath, String)> {
        if self.transition {
            return None;
        }
        match self.program.execute(scope) {
            Ok(Value::Bool(true)) => None,
            _ => Some((&self.below, self.sentence(scope))),
        }
    }

    fn sentence(&self, scope: &Context<'_>) -> String {
        let said = self
            .message_program
            .as_ref()
            .map(|program| program.execute(scope));
        match said {
            Some(Ok(Value::String(text))) if !text.trim().is_empty() => text.trim().to_owned(),
            _ => self.message.clone(),
        }
    }
}

/// Converts a value for rules.
pub(super) fn in_cel(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_i64().map_or_else(
            || Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            Value::Int,
        ),
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(in_cel).collect())),
        Json::Object(fields) => {
            let fields: std::collections::HashMap<Key, Value> = fields
                .iter()
                .map(|(name, value)| (Key::from(name.as_str()), in_cel(value)))
                .collect();
            fields.into()
        }
    }
}
