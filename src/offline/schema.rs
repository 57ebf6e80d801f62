//! The program's own definition of `NotebookRootAccessPolicy`: a structural schema and CEL rules.

use kube::{CustomResourceExt, Resource};
use kube_cel::{CompilationResult, CompiledSchema, apply_defaults, compile_schema};
use serde_json::{Map, Value};

use super::location::FieldPath;
use crate::api::{NotebookRemediation, NotebookRootAccessPolicy};

/// Keywords that the checks interpret, or that only explain. Any other keyword could change the
/// verdict of the API server. `format` of strings is ignored, because no spec has one.
const KEYWORDS: [&str; 19] = [
    "additionalProperties",
    "default",
    "description",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minimum",
    "nullable",
    "properties",
    "required",
    "title",
    "type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-validations",
];

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

/// A kind, as manifests name it, and the schema of its objects.
#[derive(Debug)]
pub(super) struct Definition {
    /// `sudoless.dev`.
    pub(super) group: String,
    /// `sudoless.dev/v1alpha1`.
    pub(super) api_version: String,
    /// `NotebookRootAccessPolicy`.
    pub(super) kind: String,
    /// `NotebookRemediation`, which only the operator writes.
    pub(super) record_kind: String,
    json: Value,
    compiled: CompiledSchema,
}

impl Definition {
    /// Returns the definition of policies.
    ///
    /// # Errors
    /// The definition has a part that cannot be interpreted; a bug, which a test prevents.
    pub(super) fn new() -> Result<Self, Unsupported> {
        let crd = NotebookRootAccessPolicy::crd();
        let schema = crd
            .spec
            .versions
            .first()
            .and_then(|version| version.schema.as_ref());
        let json = serde_json::to_value(schema.and_then(|it| it.open_api_v3_schema.as_ref()))
            .map_err(|error| Unsupported {
                path: String::new(),
                what: error.to_string(),
            })?;
        let definition = Self {
            compiled: compile_schema(&json),
            json,
            group: crd.spec.group,
            api_version: NotebookRootAccessPolicy::api_version(&()).into_owned(),
            kind: NotebookRootAccessPolicy::kind(&()).into_owned(),
            record_kind: NotebookRemediation::kind(&()).into_owned(),
        };
        definition.schema().supported(&FieldPath::default())?;
        Ok(definition)
    }

    /// Returns the schema of an object, without the fields that every object has.
    pub(super) fn schema(&self) -> Schema<'_> {
        Schema {
            json: &self.json,
            compiled: &self.compiled,
        }
    }

    /// Fills in the defaults of absent fields.
    pub(super) fn with_defaults(&self, object: &Value) -> Value {
        apply_defaults(&self.json, object)
    }
}

/// The schema of one value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schema<'d> {
    json: &'d Value,
    compiled: &'d CompiledSchema,
}

impl<'d> Schema<'d> {
    /// Returns the schema of a field of this object: a declared field, or any field
    /// of a map such as `tags`.
    pub(super) fn field(self, name: &str) -> Option<Self> {
        let declared = self
            .json
            .get("properties")
            .and_then(|fields| fields.get(name));
        match declared.zip(self.compiled.properties.get(name)) {
            Some((json, compiled)) => Some(Self { json, compiled }),
            None => self.values(),
        }
    }

    /// Returns the schema of the values in this map.
    fn values(self) -> Option<Self> {
        let compiled = self.compiled.additional_properties.as_deref()?;
        let json = self.json.get("additionalProperties")?;
        Some(Self { json, compiled })
    }

    /// Returns the schema of the items in this list.
    pub(super) fn items(self) -> Option<Self> {
        let compiled = self.compiled.items.as_deref()?;
        let json = self.json.get("items")?;
        Some(Self { json, compiled })
    }

    /// Returns the names of the declared fields.
    pub(super) fn names(self) -> impl Iterator<Item = &'d str> {
        let fields = self.json.get("properties").and_then(Value::as_object);
        fields
            .into_iter()
            .flat_map(|fields| fields.keys().map(String::as_str))
    }

    /// Returns true if this object declares a field of that name.
    pub(super) fn declares(self, name: &str) -> bool {
        self.compiled.properties.contains_key(name)
    }

    /// Returns `object`, `array`, `string`, `integer`, `number` or `boolean`.
    pub(super) fn kind(self) -> &'d str {
        self.text("type").unwrap_or_default()
    }

    pub(super) fn text(self, keyword: &str) -> Option<&'d str> {
        self.json.get(keyword).and_then(Value::as_str)
    }

    pub(super) fn number(self, keyword: &str) -> Option<f64> {
        self.json.get(keyword).and_then(Value::as_f64)
    }

    pub(super) fn list(self, keyword: &str) -> &'d [Value] {
        let list = self.json.get(keyword).and_then(Value::as_array);
        list.map_or(&[], Vec::as_slice)
    }

    /// Returns the texts of a list such as `required`.
    pub(super) fn texts(self, keyword: &str) -> impl Iterator<Item = &'d str> {
        self.list(keyword).iter().filter_map(Value::as_str)
    }

    pub(super) fn is_nullable(self) -> bool {
        self.json.get("nullable") == Some(&Value::Bool(true))
    }

    pub(super) fn rules(self) -> impl Iterator<Item = &'d CompilationResult> {
        self.compiled.validations.iter().flatten()
    }

    /// Returns an error for the first part that is not interpreted.
    fn supported(self, path: &FieldPath) -> Result<(), Unsupported> {
        if let Some(what) = self.unsupported() {
            let path = path.to_string();
            return Err(Unsupported { path, what });
        }
        for name in self.names() {
            if let Some(field) = self.field(name) {
                field.supported(&path.field(name))?;
            }
        }
        for (name, below) in [("items", self.items()), ("*", self.values())] {
            if let Some(below) = below {
                below.supported(&path.field(name))?;
            }
        }
        Ok(())
    }

    fn unsupported(self) -> Option<String> {
        let mut keywords = self.json.as_object().into_iter().flat_map(Map::keys);
        if let Some(keyword) = keywords.find(|it| !KEYWORDS.contains(&it.as_str())) {
            return Some(keyword.clone());
        }
        let kinds = ["object", "array", "string", "integer", "number", "boolean"];
        if !kinds.contains(&self.kind()) {
            return Some(format!("the type {:?}", self.kind()));
        }
        // `apply_defaults` fills in fields, but neither null items nor fields of a default itself.
        let scalar = |default: &Value| !default.is_object() && !default.is_array();
        if !self.json.get("default").is_none_or(scalar) {
            return Some("a default that is not a scalar".to_owned());
        }
        let mut elements = self.items().into_iter().chain(self.values());
        if elements.any(|it| it.json.get("default").is_some()) {
            return Some("a default of its items".to_owned());
        }
        if self
            .json
            .get("additionalProperties")
            .is_some_and(|it| !it.is_object())
        {
            return Some("fields of any type".to_owned());
        }
        self.compiled
            .validations
            .iter()
            .find_map(|rule| match rule {
                Err(error) => Some(error.to_string()),
                Ok(rule) => rule
                    .is_transition_rule
                    .then(|| format!("a transition rule: {}", rule.rule.rule)),
            })
    }
}
