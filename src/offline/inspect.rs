//! Checks a value against its schema and rules, as the API server does after filling in defaults.

use std::{collections::HashMap, sync::Arc};

use kube_cel::{
    CompilationResult,
    cel::{Context, Program, Value as CelValue, objects::Key},
};
use serde_json::{Map, Value};

use super::{
    location::FieldPath,
    node::Node,
    problem::{Source, Violation},
    schema::Schema,
    suggest::closest,
};

/// Inspects one document.
pub(super) struct Inspection<'a> {
    /// The document as written.
    pub(super) written: &'a Node,
    /// The CEL functions.
    pub(super) scope: &'a Context<'static>,
    /// The problems found.
    pub(super) violations: Vec<Violation>,
}

impl Inspection<'_> {
    /// Adds the problems of `value`. Returns true if its structure is valid; then its rules were
    /// run. The API server runs no rules if the structure is invalid anywhere.
    pub(super) fn inspect(&mut self, schema: Schema<'_>, value: &Value, path: &FieldPath) -> bool {
        if value.is_null() && schema.is_nullable() {
            return true;
        }
        if !has_kind(value, schema.kind()) {
            let message = self.mistyped(schema, value, path);
            return self.reject(path, message);
        }
        let mut sound = self.choices(schema, value, path);
        sound &= match value {
            Value::Object(fields) => self.object(schema, fields, path),
            Value::Array(items) => self.list(schema, items, path),
            Value::String(text) => {
                let length = text.chars().count();
                self.at_most(schema.number("maxLength"), length, path, "characters")
            }
            Value::Number(number) => self.range(schema, number.as_f64(), path),
            Value::Null | Value::Bool(_) => true,
        };
        if sound {
            self.rules(schema, value, path);
        }
        sound
    }

    fn reject(&mut self, path: &FieldPath, message: impl Into<String>) -> bool {
        self.violations
            .push(Violation::error(Source::Schema, path.clone(), message));
        false
    }

    /// Runs the rules of a value. An evaluation error counts as a problem.
    fn rules(&mut self, schema: Schema<'_>, value: &Value, path: &FieldPath) {
        let mut rules = schema.rules().peekable();
        if rules.peek().is_none() {
            return;
        }
        let mut scope = self.scope.new_inner_scope();
        scope.add_variable_from_value("self", in_cel(value));
        for rule in rules {
            if !matches!(rule.program.execute(&scope), Ok(CelValue::Bool(true))) {
                let below = rule.rule.field_path.as_deref().unwrap_or_default();
                let path = path.join(&FieldPath::parse(below));
                let message = sentence(rule, &scope);
                self.violations
                    .push(Violation::error(Source::Rule, path, message));
            }
        }
    }

    fn choices(&mut self, schema: Schema<'_>, value: &Value, path: &FieldPath) -> bool {
        let choices = schema.list("enum");
        if choices.is_empty() || choices.contains(value) {
            return true;
        }
        let names: Vec<&str> = schema.texts("enum").collect();
        let suggestion = value
            .as_str()
            .and_then(|text| closest(text, names.iter().copied()))
            .map(|name| format!("; did you mean {name}?"))
            .unwrap_or_default();
        let message = format!("{value} is not one of {}{suggestion}", names.join(", "));
        self.reject(path, message)
    }

    fn object(
        &mut self,
        schema: Schema<'_>,
        fields: &Map<String, Value>,
        path: &FieldPath,
    ) -> bool {
        let most = schema.number("maxProperties");
        let mut sound = self.at_most(most, fields.len(), path, "fields");
        for name in schema.texts("required") {
            if !fields.contains_key(name) {
                let about = schema
                    .field(name)
                    .and_then(|field| field.text("description"));
                let message = match first_sentence(about.unwrap_or_default()) {
                    "" => "is missing".to_owned(),
                    about => format!("is missing. It is: {about}"),
                };
                sound = self.reject(&path.field(name), message);
            }
        }
        for (name, value) in fields {
            if let Some(field) = schema.field(name) {
                sound &= self.inspect(field, value, &path.field(name));
            }
        }
        sound
    }

    fn list(&mut self, schema: Schema<'_>, items: &[Value], path: &FieldPath) -> bool {
        let mut sound = self.at_most(schema.number("maxItems"), items.len(), path, "items");
        if let Some(item_schema) = schema.items() {
            for (index, item) in items.iter().enumerate() {
                sound &= self.inspect(item_schema, item, &path.item(index));
            }
        }
        // The API server runs rules even if items are duplicates.
        self.duplicates(schema, items, path);
        sound
    }

    fn duplicates(&mut self, schema: Schema<'_>, items: &[Value], path: &FieldPath) {
        let identity = |item: &Value| match schema.text("x-kubernetes-list-type") {
            Some("set") => Some(item.to_string()),
            Some("map") => {
                let keys = schema.texts("x-kubernetes-list-map-keys");
                let keys = keys.filter_map(|key| Some(format!("{key} {}", item.get(key)?)));
                Some(keys.collect::<Vec<_>>().join(", "))
            }
            _ => None,
        };
        let mut first = HashMap::new();
        for (index, item) in items.iter().enumerate() {
            let Some(identity) = identity(item) else {
                return;
            };
            if let Some(earlier) = first.get(&identity) {
                let message =
                    format!("{identity} is listed twice, first as item {earlier}: keep one");
                self.reject(&path.item(index), message);
            } else {
                first.insert(identity, index);
            }
        }
    }

    /// Checks a number. The API server runs rules even if the number is out of range.
    fn range(&mut self, schema: Schema<'_>, number: Option<f64>, path: &FieldPath) -> bool {
        let (least, most) = (schema.number("minimum"), schema.number("maximum"));
        let message = match (least, most) {
            (Some(least), Some(most)) => format!("write a number from {least} to {most}"),
            (Some(least), None) => format!("write a number of at least {least}"),
            (None, Some(most)) => format!("write a number of at most {most}"),
            (None, None) => return true,
        };
        let least = least.unwrap_or(f64::NEG_INFINITY);
        let most = most.unwrap_or(f64::INFINITY);
        if number.is_none_or(|number| !(least..=most).contains(&number)) {
            self.reject(path, message);
        }
        true
    }

    fn at_most(&mut self, most: Option<f64>, count: usize, path: &FieldPath, what: &str) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a document has fewer values")]
        let exceeded = most.filter(|most| count as f64 > *most);
        exceeded.is_none_or(|most| {
            let message = format!("has {count} {what}: at most {most} are allowed");
            self.reject(path, message)
        })
    }

    fn mistyped(&self, schema: Schema<'_>, value: &Value, path: &FieldPath) -> String {
        let written = self
            .written
            .find(path)
            .and_then(|node| node.written.as_deref());
        let kind = named(schema.kind());
        let must = format!("must be {kind}, not {}", described(value));
        match (schema.kind(), value) {
            (_, Value::Null) => format!("is empty: write {kind}, or remove it"),
            ("string", Value::Number(_) | Value::Bool(_)) => match written {
                Some(written) => format!("{must}: put it in quotes: \"{written}\""),
                None => format!("{must}: put it in quotes"),
            },
            ("integer" | "number", Value::String(text)) if text.parse::<f64>().is_ok() => {
                format!("{must}: write it without quotes: {text}")
            }
            ("boolean", Value::String(_)) => {
                format!("{must}: write true or false without quotes")
            }
            ("array", Value::String(_) | Value::Number(_) | Value::Bool(_)) => format!(
                "{must}: write it after a dash, or in brackets: [{}]",
                written.unwrap_or("…")
            ),
            ("object", _) if schema.names().next().is_some() => {
                let names: Vec<&str> = schema.names().collect();
                format!("{must}; it has the fields {}", names.join(", "))
            }
            _ => must,
        }
    }
}

/// Returns a rule's message for the `self` of the scope.
fn sentence(rule: &CompilationResult, scope: &Context<'_>) -> String {
    let run = |program: &Program| program.execute(scope).ok();
    match rule.message_program.as_ref().and_then(run) {
        Some(CelValue::String(text)) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => match &rule.rule.message {
            Some(message) => message.clone(),
            None => format!("failed rule: {}", rule.rule.rule),
        },
    }
}

/// Converts a value for rules.
pub(super) fn in_cel(value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(value) => CelValue::Bool(*value),
        Value::Number(number) => number.as_i64().map_or_else(
            || CelValue::Float(number.as_f64().unwrap_or(f64::NAN)),
            CelValue::Int,
        ),
        Value::String(text) => CelValue::String(Arc::new(text.clone())),
        Value::Array(items) => CelValue::List(Arc::new(items.iter().map(in_cel).collect())),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| (Key::from(name.as_str()), in_cel(value)));
            fields.collect::<HashMap<_, _>>().into()
        }
    }
}

/// Returns true if a value has a type of JSON Schema. An integer may have a fraction of zero.
fn has_kind(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => value.is_number(),
    }
}

fn named(kind: &str) -> &'static str {
    match kind {
        "object" => "a map of fields",
        "array" => "a list",
        "string" => "a string",
        "boolean" => "true or false",
        "integer" => "a whole number",
        _ => "a number",
    }
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map of fields",
    }
}

fn first_sentence(description: &str) -> &str {
    let (sentence, _) = description.split_once(". ").unwrap_or((description, ""));
    sentence.trim_end_matches('.')
}
