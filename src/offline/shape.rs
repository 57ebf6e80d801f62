//! Structural schemas, as far as the API server enforces them.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use regex::Regex;
use serde_json::Value;

use super::{functions, place::FieldPath, rule::Rule};

/// Error of a schema with a part that is not interpreted here. Such a schema must not be used for
/// checks.
#[derive(Debug, thiserror::Error)]
#[error("the definition of {path} has {what}, which cannot be checked offline")]
pub struct Unsupported {
    /// Path of the field.
    pub path: String,
    /// The part that is not interpreted.
    pub what: String,
}

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Object,
    List,
    Text,
    Whole,
    Number,
    Bool,
    WholeOrText,
}

/// Identity of the items of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listing {
    Atomic,
    Set,
    Map(Vec<String>),
}

/// Schema of a value, and of the values in it.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) nullable: bool,
    pub(super) default: Option<Value>,
    pub(super) choices: Vec<Value>,
    pub(super) bounds: Bounds,
    pub(super) pattern: Option<Regex>,
    pub(super) required: Vec<String>,
    pub(super) fields: BTreeMap<String, Shape>,
    /// Shape of the fields that are not in `fields`.
    pub(super) others: Others,
    pub(super) items: Option<Box<Shape>>,
    pub(super) listing: Listing,
    pub(super) rules: Vec<Rule>,
    /// The first sentence of the description.
    pub(super) about: String,
}

/// Fields that an object may have beside the named fields.
#[derive(Debug)]
pub(super) enum Others {
    None,
    Any,
    Each(Box<Shape>),
}

/// Bounds of numbers, of a string's length in characters, and of the size of a list or object.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    pub(super) least: Option<f64>,
    pub(super) least_excluded: bool,
    pub(super) most: Option<f64>,
    pub(super) most_excluded: bool,
    pub(super) length: (Option<usize>, Option<usize>),
    pub(super) items: (Option<usize>, Option<usize>),
    pub(super) fields: (Option<usize>, Option<usize>),
}

impl Shape {
    /// # Errors
    /// The schema has a part that is not interpreted here. A test shows that the definition has
    /// none. `format` of strings is ignored, because no spec has one.
    pub(super) fn new(schema: &JSONSchemaProps, path: &FieldPath) -> Result<Self, Unsupported> {
        let unsupported = |what: String| Unsupported {
            path: path.to_string(),
            what,
        };
        if let Some(keyword) = uninterpreted(schema) {
            return Err(unsupported(keyword.to_owned()));
        }
        let mut fields = BTreeMap::new();
        for (name, field) in schema.properties.iter().flatten() {
            fields.insert(name.clone(), Self::new(field, &path.field(name))?);
        }
        let items = match &schema.items {
            None => None,
            Some(JSONSchemaPropsOrArray::Schema(items)) => {
                Some(Box::new(Self::new(items, &path.field("items"))?))
            }
            Some(JSONSchemaPropsOrArray::Schemas(_)) => {
                return Err(unsupported("several schemas of items".to_owned()));
            }
        };
        let rules = schema.x_kubernetes_validations.iter().flatten();
        let pattern = schema.pattern.as_deref().map(functions::as_go_reads_it);
        Ok(Self {
            kind: kind(schema).map_err(unsupported)?,
            nullable: schema.nullable == Some(true),
            default: schema.default.as_ref().map(|default| default.0.clone()),
            choices: schema
                .enum_
                .iter()
                .flatten()
                .map(|choice| choice.0.clone())
                .collect(),
            bounds: bounds(schema),
            pattern: pattern
                .map(|pattern| Regex::new(&pattern))
                .transpose()
                .map_err(|error| unsupported(error.to_string()))?,
            required: schema.required.clone().unwrap_or_default(),
            fields,
            others: others(schema, path)?,
            items,
            listing: match schema.x_kubernetes_list_type.as_deref() {
                Some("set") => Listing::Set,
                Some("map") => Listing::Map(
                    schema
                        .x_kubernetes_list_map_keys
                        .clone()
                        .unwrap_or_default(),
                ),
                _ => Listing::Atomic,
            },
            rules: rules
                .map(Rule::new)
                .collect::<Result<_, _>>()
                .map_err(unsupported)?,
            about: first_sentence(schema.description.as_deref().unwrap_or_default()),
        })
    }

    /// Returns the shape of a field of an object.
    pub(super) fn field(&self, name: &str) -> Option<&Shape> {
        self.fields.get(name).or(match &self.others {
            Others::Each(shape) => Some(shape),
            Others::None | Others::Any => None,
        })
    }
}

/// Returns a keyword that would change the result and is not interpreted. Each part of a schema is
/// read either in [`Shape::new`] or here.
fn uninterpreted(schema: &JSONSchemaProps) -> Option<&'static str> {
    let JSONSchemaProps {
        ref_path,
        additional_items,
        all_of,
        any_of,
        definitions,
        dependencies,
        multiple_of,
        not,
        one_of,
        pattern_properties,
        unique_items,
        x_kubernetes_embedded_resource,
        ..
    } = schema;
    let present = [
        (ref_path.is_some(), "$ref"),
        (additional_items.is_some(), "additionalItems"),
        (all_of.is_some(), "allOf"),
        (any_of.is_some(), "anyOf"),
        (definitions.is_some(), "definitions"),
        (dependencies.is_some(), "dependencies"),
        (multiple_of.is_some(), "multipleOf"),
        (not.is_some(), "not"),
        (one_of.is_some(), "oneOf"),
        (pattern_properties.is_some(), "patternProperties"),
        (*unique_items == Some(true), "uniqueItems"),
        (
            *x_kubernetes_embedded_resource == Some(true),
            "x-kubernetes-embedded-resource",
        ),
    ];
    present
        .into_iter()
        .find_map(|(present, keyword)| present.then_some(keyword))
}

fn kind(schema: &JSONSchemaProps) -> Result<Kind, String> {
    if schema.x_kubernetes_int_or_string == Some(true) {
        return Ok(Kind::WholeOrText);
    }
    Ok(match schema.type_.as_deref() {
        None => Kind::Any,
        Some("object") => Kind::Object,
        Some("array") => Kind::List,
        Some("string") => Kind::Text,
        Some("integer") => Kind::Whole,
        Some("number") => Kind::Number,
        Some("boolean") => Kind::Bool,
        Some(other) => return Err(format!("the type {other}")),
    })
}

fn others(schema: &JSONSchemaProps, path: &FieldPath) -> Result<Others, Unsupported> {
    if schema.x_kubernetes_preserve_unknown_fields == Some(true) {
        return Ok(Others::Any);
    }
    Ok(match &schema.additional_properties {
        None | Some(JSONSchemaPropsOrBool::Bool(false)) => Others::None,
        Some(JSONSchemaPropsOrBool::Bool(true)) => Others::Any,
        Some(JSONSchemaPropsOrBool::Schema(each)) => {
            Others::Each(Box::new(Shape::new(each, &path.field("*"))?))
        }
    })
}

fn bounds(schema: &JSONSchemaProps) -> Bounds {
    let count = |limit: Option<i64>| limit.and_then(|limit| usize::try_from(limit).ok());
    Bounds {
        least: schema.minimum,
        least_excluded: schema.exclusive_minimum == Some(true),
        most: schema.maximum,
        most_excluded: schema.exclusive_maximum == Some(true),
        length: (count(schema.min_length), count(schema.max_length)),
        items: (count(schema.min_items), count(schema.max_items)),
        fields: (count(schema.min_properties), count(schema.max_properties)),
    }
}

fn first_sentence(description: &str) -> String {
    let end = description.find(". ").unwrap_or(description.len());
    let sentence = description.get(..end).unwrap_or(description);
    sentence.trim_end_matches('.').to_owned()
}
