//! Checks a value against its shape and rules, as the API server does after filling in defaults.

use std::fmt;

use kube_cel::cel::Context;
use serde_json::{Map, Value};

use super::{
    node::Node,
    place::FieldPath,
    problem::{Flaw, Judge},
    rule::in_cel,
    shape::{Kind, Listing, Others, Shape},
    suggest::meant,
};

/// Inspects one document.
pub(super) struct Inspection<'a> {
    /// The document as written.
    pub(super) written: &'a Node,
    /// The CEL functions.
    pub(super) scope: &'a Context<'static>,
    /// The problems found.
    pub(super) flaws: Vec<Flaw>,
}

impl Inspection<'_> {
    /// Adds the problems of `value`. Returns true if its shape is valid; then its rules were run.
    /// The API server runs no rules if the shape is invalid anywhere.
    pub(super) fn inspect(&mut self, shape: &Shape, value: &Value, path: &FieldPath) -> bool {
        if value.is_null() && shape.nullable {
            return true;
        }
        if !shape.kind.takes(value) {
            let message = self.mistyped(shape, value, path);
            return self.refuse(path, message);
        }
        let mut sound = self.choices(shape, value, path);
        sound &= match value {
            Value::Object(fields) => self.object(shape, fields, path),
            Value::Array(items) => self.list(shape, items, path),
            Value::String(text) => self.text(shape, text, path),
            Value::Number(number) => self.number(shape, number.as_f64(), path),
            Value::Null | Value::Bool(_) => true,
        };
        if sound {
            self.rules(shape, value, path);
        }
        sound
    }

    fn refuse(&mut self, path: &FieldPath, message: impl Into<String>) -> bool {
        self.flaws
            .push(Flaw::error(Judge::Schema, path.clone(), message));
        false
    }

    fn rules(&mut self, shape: &Shape, value: &Value, path: &FieldPath) {
        if shape.rules.is_empty() {
            return;
        }
        let mut scope = self.scope.new_inner_scope();
        scope.add_variable_from_value("self", in_cel(value));
        for rule in &shape.rules {
            if let Some((below, sentence)) = rule.breach(&scope) {
                self.flaws
                    .push(Flaw::error(Judge::Rule, path.join(below), sentence));
            }
        }
    }

    fn choices(&mut self, shape: &Shape, value: &Value, path: &FieldPath) -> bool {
        if shape.choices.is_empty() || shape.choices.contains(value) {
            return true;
        }
        let names: Vec<&str> = shape.choices.iter().filter_map(Value::as_str).collect();
        let suggestion = value
            .as_str()
            .and_then(|text| meant(text, names.iter().copied()));
        self.refuse(
            path,
            match suggestion {
                Some(name) => format!(
                    "{value} is not one of {}; did you mean {name}?",
                    names.join(", ")
                ),
                None => format!("{value} is not one of {}", names.join(", ")),
            },
        )
    }

    fn object(&mut self, shape: &Shape, fields: &Map<String, Value>, path: &FieldPath) -> bool {
        let mut sound = self.within(fields.len(), shape.bounds.fields, path, "fields");
        for name in shape
            .required
            .iter()
            .filter(|name| !fields.contains_key(*name))
        {
            let about = shape
                .field(name)
                .map(|field| field.about.as_str())
                .unwrap_or_default();
            sound = self.refuse(
                &path.field(name),
                if about.is_empty() {
                    "is missing".to_owned()
                } else {
                    format!("is missing. It is: {about}")
                },
            );
        }
        for (name, value) in fields {
            if let Some(field) = shape.field(name) {
                sound &= self.inspect(field, value, &path.field(name));
            }
        }
        sound
    }

    fn list(&mut self, shape: &Shape, items: &[Value], path: &FieldPath) -> bool {
        let mut sound = self.within(items.len(), shape.bounds.items, path, "items");
        if let Some(item_shape) = &shape.items {
            for (index, item) in items.iter().enumerate() {
                sound &= self.inspect(item_shape, item, &path.item(index));
            }
        }
        // The API server runs rules even if items are duplicates.
        self.twins(&shape.listing, items, path);
        sound
    }

    fn twins(&mut self, listing: &Listing, items: &[Value], path: &FieldPath) {
        let identity = |item: &Value| match listing {
            Listing::Atomic => None,
            Listing::Set => Some(item.to_string()),
            Listing::Map(keys) => {
                let keys = keys.iter().filter_map(|key| Some((key, item.get(key)?)));
                let shown: Vec<String> =
                    keys.map(|(key, value)| format!("{key} {value}")).collect();
                Some(shown.join(", "))
            }
        };
        let mut first = std::collections::HashMap::new();
        for (index, item) in items.iter().enumerate() {
            let Some(identity) = identity(item) else {
                return;
            };
            if let Some(earlier) = first.get(&identity) {
                let message =
                    format!("{identity} is listed twice, first as item {earlier}: keep one");
                self.refuse(&path.item(index), message);
            } else {
                first.insert(identity, index);
            }
        }
    }

    fn text(&mut self, shape: &Shape, text: &str, path: &FieldPath) -> bool {
        let sound = self.within(
            text.chars().count(),
            shape.bounds.length,
            path,
            "characters",
        );
        if let Some(pattern) = &shape.pattern
            && !pattern.is_match(text)
        {
            self.refuse(path, format!("{text:?} does not match {pattern}"));
        }
        sound
    }

    fn number(&mut self, shape: &Shape, number: Option<f64>, path: &FieldPath) -> bool {
        let bounds = &shape.bounds;
        let too_small = |least: f64| {
            number.is_none_or(|number| number < least || (bounds.least_excluded && number <= least))
        };
        let too_great = |most: f64| {
            number.is_none_or(|number| number > most || (bounds.most_excluded && number >= most))
        };
        if bounds.least.is_some_and(too_small) || bounds.most.is_some_and(too_great) {
            let message = match (bounds.least, bounds.most) {
                (Some(least), Some(most)) => format!("write a number from {least} to {most}"),
                (Some(least), None) => format!("write a number of at least {least}"),
                (_, Some(most)) => format!("write a number of at most {most}"),
                (None, None) => String::new(),
            };
            // The API server runs rules even if a number is out of range.
            self.refuse(path, message);
        }
        true
    }

    fn within(
        &mut self,
        count: usize,
        (least, most): (Option<usize>, Option<usize>),
        path: &FieldPath,
        what: &str,
    ) -> bool {
        if let Some(most) = most.filter(|most| count > *most) {
            return self.refuse(
                path,
                format!("has {count} {what}: at most {most} are allowed"),
            );
        }
        if let Some(least) = least.filter(|least| count < *least) {
            self.refuse(
                path,
                format!("has {count} {what}: at least {least} are needed"),
            );
        }
        true
    }

    fn mistyped(&self, shape: &Shape, value: &Value, path: &FieldPath) -> String {
        let written = self
            .written
            .find(path)
            .and_then(|node| node.written.as_deref());
        let got = described(value);
        let must = format!("must be {}, not {got}", shape.kind);
        match (shape.kind, value) {
            (_, Value::Null) => format!("is empty: write {}, or remove it", shape.kind),
            (Kind::Text, Value::Number(_) | Value::Bool(_)) => match written {
                Some(written) => format!("{must}: put it in quotes: \"{written}\""),
                None => format!("{must}: put it in quotes"),
            },
            (Kind::Whole | Kind::Number, Value::String(text)) if text.parse::<f64>().is_ok() => {
                format!("{must}: write it without quotes: {text}")
            }
            (Kind::Bool, Value::String(_)) => format!("{must}: write true or false without quotes"),
            (Kind::List, Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
                format!(
                    "{must}: write it after a dash, or in brackets: [{}]",
                    written.unwrap_or("…")
                )
            }
            (Kind::Object, _)
                if matches!(shape.others, Others::None) && !shape.fields.is_empty() =>
            {
                let names: Vec<&str> = shape.fields.keys().map(String::as_str).collect();
                format!("{must}; it has the fields {}", names.join(", "))
            }
            _ => must,
        }
    }
}

impl Kind {
    fn takes(self, value: &Value) -> bool {
        let whole = |value: &Value| {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|it| it.fract() == 0.0)
        };
        match self {
            Self::Any => true,
            Self::Object => value.is_object(),
            Self::List => value.is_array(),
            Self::Text => value.is_string(),
            Self::Whole => whole(value),
            Self::Number => value.is_number(),
            Self::Bool => value.is_boolean(),
            Self::WholeOrText => value.is_string() || whole(value),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Any => "a value",
            Self::Object => "a map of fields",
            Self::List => "a list",
            Self::Text => "a string",
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::WholeOrText => "a whole number or a string",
        })
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
