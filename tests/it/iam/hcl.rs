//! Reads Terraform's language, as far as a test wants to know what is written.

use hcl_edit::{
    expr::Expression,
    structure::{Body, Structure},
};
use serde_json::{Map, Value, json};

/// A file as JSON: blocks by type and labels, several of a kind as a list, and what must be
/// computed as `${…}`.
pub fn read(text: &str) -> Value {
    let body: Body = text.parse().unwrap();
    self::body(&body)
}

fn body(body: &Body) -> Value {
    let mut map = Map::new();
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                let value = expression(&attribute.value);
                assert!(
                    map.insert(attribute.key.as_str().to_owned(), value)
                        .is_none()
                );
            }
            Structure::Block(block) => {
                let mut place = map.entry(block.ident.as_str());
                for label in &block.labels {
                    let inner = place.or_insert_with(|| json!({})).as_object_mut().unwrap();
                    place = inner.entry(label.as_str());
                }
                let value = self::body(&block.body);
                match place.or_insert(Value::Null) {
                    empty @ Value::Null => *empty = value,
                    Value::Array(several) => several.push(value),
                    one => *one = json!([one.take(), value]),
                }
            }
        }
    }
    Value::Object(map)
}

fn expression(expression: &Expression) -> Value {
    match expression {
        Expression::Bool(value) => json!(**value),
        Expression::String(value) => json!(**value),
        Expression::Array(items) => items.iter().map(self::expression).collect(),
        Expression::Object(items) => {
            let entry =
                |(key, value): (&hcl_edit::expr::ObjectKey, &hcl_edit::expr::ObjectValue)| {
                    let key = key.as_ident().unwrap().as_str().to_owned();
                    (key, self::expression(value.expr()))
                };
            Value::Object(items.iter().map(entry).collect())
        }
        template @ Expression::StringTemplate(_) => {
            json!(template.to_string().trim().trim_matches('"'))
        }
        computed => json!(format!("${{{}}}", computed.to_string().trim())),
    }
}
