//! The parts of the schemas that a derive cannot express: the rules that the API server enforces,
//! each with its error message.
//!
//! A rule that means more than "too long", "too many" or "out of range" is a CEL rule, because only
//! CEL rules have error messages of their own. Every text, list and map has a limit. The API server
//! computes the maximum cost of the rules from the limits, and rejects the whole definition if the
//! cost is too high. A limit is generous where a rule's message is more useful than the limit's.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use kube::core::Rule;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::limits::{self, Span};

/// A CEL expression that must hold, and the error message that says what to write instead.
type Check = (&'static str, &'static str);

pub(super) const REGIONS_FROM_SOMEWHERE: Check = (
    "has(self.regions) || self.accounts.all(account, has(account.regions))",
    "say which regions to scan: set spec.regions, or regions on every account; [\"*\"] means every enabled region",
);
pub(super) const EXTERNAL_ID_NEEDS_ROLE: Check = (
    "!has(self.externalId) || has(self.role)",
    "an external id is sent only when a role is assumed: set role too, or remove externalId",
);
pub(super) const SELECTOR_NOT_EMPTY: Check = (
    "has(self.names) || has(self.tags)",
    "select notebooks by names or tags, or remove selector to cover every notebook",
);
pub(super) const EXEMPTION_NOT_EMPTY: Check = (
    "has(self.names) || has(self.tags) || has(self.accounts) || has(self.regions)",
    "say which notebooks are exempt: set at least one of names, tags, accounts and regions",
);

pub(super) const INTENT_NEVER_CHANGES: Check = (
    "self == oldSelf",
    "a record's spec is immutable: delete the record, and the operator creates a new one if the policy still wants it",
);

/// Hours, minutes and seconds in this order, each at most once. On this part of Go's notation three
/// parsers agree: the API server's, Go's, and the operator's, which panics on too large numbers.
const DURATION: &str =
    r"^([0-9]{1,6}(\.[0-9]{1,3})?h)?([0-9]{1,6}(\.[0-9]{1,3})?m)?([0-9]{1,6}(\.[0-9]{1,3})?s)?$";

/// The maximum length of a region's code, in characters. Codes of 2026 have up to 16. With 64, the
/// rules of a thousand accounts would exceed the cost limit of the API server.
const REGION_LENGTH: u32 = 32;

/// Converts a check for the derive macro.
pub(super) fn rule((rule, message): Check) -> Rule {
    Rule::new(rule).message(message)
}

pub(super) fn account_id(_: &mut SchemaGenerator) -> Schema {
    text(
        64,
        &[(
            "self.matches(r'^[0-9]{12}$')",
            "write the account's id as twelve digits in quotes, such as \"111122223333\"",
        )],
    )
}

/// Source of the grammar: IAM's `RoleName` (1 to 64 of `[\w+=,.@-]`) and path (up to 512 printable
/// characters between slashes), in IAM's API reference for `CreateRole`.
pub(super) fn role(_: &mut SchemaGenerator) -> Schema {
    text(
        577,
        &[
            (
                "!self.startsWith('arn:')",
                "write the role's name, or its path and name, such as sudoless or platform/sudoless, instead of its ARN; \
                 the account is the one in id",
            ),
            (
                r"self.startsWith('arn:') || self.matches(r'^/?([!-.0-~]+/)*[\w+=,.@-]{1,64}$')",
                "write the role's name, or its path and name, such as sudoless or platform/sudoless; the name has 1 to 64 \
                 letters, digits and characters of _+=,.@-",
            ),
        ],
    )
}

/// Source of the grammar: `ExternalId` in the API reference of STS, `AssumeRole`.
pub(super) fn external_id(_: &mut SchemaGenerator) -> Schema {
    text(
        1224,
        &[(
            r"self.matches(r'^[\w+=,.@:/-]{2,}$')",
            "write the external id of the role's trust policy: 2 to 1224 letters, digits and characters of _+=,.@:/-, no spaces",
        )],
    )
}

pub(super) fn scanned_regions(_: &mut SchemaGenerator) -> Schema {
    let region = text(
        REGION_LENGTH,
        &[(
            "self == '*' || self.matches(r'^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$')",
            "write a region's code, such as eu-west-1, or \"*\" alone for every region that is enabled for the account",
        )],
    );
    set(
        &region,
        50,
        &[
            (
                "self.size() > 0",
                "name at least one region, such as eu-west-1, or \"*\" for every enabled region; or remove the empty list",
            ),
            (
                "self.size() < 2 || !('*' in self)",
                "\"*\" already means every enabled region: write [\"*\"] alone, or only the regions' codes",
            ),
        ],
    )
}

pub(super) fn exempt_regions(_: &mut SchemaGenerator) -> Schema {
    let region = text(
        REGION_LENGTH,
        &[(
            "self.matches(r'^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$')",
            "write a region's code, such as eu-west-1; for every region remove regions",
        )],
    );
    set(
        &region,
        50,
        &[(
            "self.size() > 0",
            "name at least one region, or remove regions for every region",
        )],
    )
}

pub(super) fn exempt_accounts(generator: &mut SchemaGenerator) -> Schema {
    set(
        &account_id(generator),
        *limits::ACCOUNTS.end(),
        &[(
            "self.size() > 0",
            "name at least one account, or remove accounts for every account",
        )],
    )
}

pub(super) fn names(_: &mut SchemaGenerator) -> Schema {
    let name = text(
        128,
        &[(
            r"self.matches(r'^\S+$')",
            "write a notebook's name or a shell pattern such as team-a-*, without spaces",
        )],
    );
    set(
        &name,
        100,
        &[(
            "self.size() > 0",
            "name at least one notebook or pattern, or remove names for every name",
        )],
    )
}

/// Source of the limits: `Tag` in `SageMaker`'s API reference, and its fifty tags per resource.
pub(super) fn tags(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 50,
        "additionalProperties": {"type": "string", "maxLength": 256},
        "x-kubernetes-validations": checks(&[
            ("self.size() > 0", "name at least one tag, or remove tags for any tags"),
            ("self.all(key, key.size() >= 1 && key.size() <= 128)", "write tag keys of 1 to 128 characters: AWS allows no others"),
        ]),
    })
}

pub(super) fn exemption_reason(_: &mut SchemaGenerator) -> Schema {
    text(
        1024,
        &[(
            r"self.matches(r'\S')",
            "say why these notebooks may keep root: reason must not be blank",
        )],
    )
}

/// Avoids `format: date-time`. Under that name the API server accepts times that the operator
/// cannot read, such as a time without a zone.
pub(super) fn expiry(_: &mut SchemaGenerator) -> Schema {
    text(
        40,
        &[(
            r"self.matches(r'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$') && timestamp(self) > timestamp('1970-01-01T00:00:00Z') && timestamp(self) < timestamp('9999-01-01T00:00:00Z')",
            "write an existing date and time before the year 9999 with its zone, such as 2027-01-31T00:00:00Z; leave it out for no expiry",
        )],
    )
}

pub(super) fn cron(_: &mut SchemaGenerator) -> Schema {
    text(
        256,
        &[(
            r"self.matches(r'^\s*\S+(\s+\S+){4}\s*$')",
            "write five fields: minute, hour, day of the month, month, day of the week, such as \"0 2 * * SAT\"",
        )],
    )
}

pub(super) fn time_zone(_: &mut SchemaGenerator) -> Schema {
    text(
        64,
        &[(
            "self.matches(r'^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$')",
            "write a time zone's IANA name, such as Europe/Berlin or UTC",
        )],
    )
}

pub(super) fn scan_interval(_: &mut SchemaGenerator) -> Schema {
    duration(&limits::SCAN_INTERVAL)
}

pub(super) fn window_duration(_: &mut SchemaGenerator) -> Schema {
    duration(&limits::WINDOW)
}

pub(super) fn step_timeout(_: &mut SchemaGenerator) -> Schema {
    duration(&limits::TIMEOUT)
}

pub(super) fn rest(_: &mut SchemaGenerator) -> Schema {
    duration(&limits::REST_AFTER_STOP)
}

/// Text from AWS that the operator records unchanged.
pub(super) fn recorded_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 2048})
}

pub(super) fn object_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 253})
}

pub(super) fn recurrence(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int32", "minimum": 0, "maximum": 1000})
}

pub(super) fn one_to_hundred(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int32", "minimum": limits::COUNT.start(), "maximum": limits::COUNT.end()})
}

/// A map by id, for two reasons. The API server rejects an id that is listed twice. Under
/// server-side apply, two appliers can each own their accounts.
pub(super) fn accounts<Account: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": limits::ACCOUNTS.end(),
        "items": Account::json_schema(generator),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["id"],
        "x-kubernetes-validations": checks(&[("self.size() > 0", "list at least one account")]),
    })
}

pub(super) fn exemptions<Exemption: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    atomic_list(&Exemption::json_schema(generator), Some(100), &[])
}

pub(super) fn windows<Window: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    atomic_list(
        &Window::json_schema(generator),
        Some(20),
        &[(
            "self.size() > 0",
            "list at least one window, or remove windows to allow any time",
        )],
    )
}

/// A list in a status, which has no limit.
pub(super) fn reported<Item: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    atomic_list(&Item::json_schema(generator), None, &[])
}

pub(super) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}

/// `metav1.Condition`, as in every Kubernetes API.
pub(super) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {"type": "string", "description": "The condition: Ready, Reconciling, Stalled or Compliant."},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"], "description": "The status: True, False or Unknown."},
                "observedGeneration": {
                    "type": "integer",
                    "format": "int64",
                    "description": "The generation of the spec (metadata.generation) that the condition is about.",
                },
                "lastTransitionTime": {
                    "type": "string",
                    "format": "date-time",
                    "description": "The time when `status` last changed.",
                },
                "reason": {"type": "string", "description": "The reason of `status`, in one word."},
                "message": {"type": "string", "description": "The explanation of `status` and the remedy, in sentences."},
            },
        },
    })
}

/// Removes the parts of a derived schema that a custom resource cannot have: null as an alternative
/// to absent, unknown number formats, and line breaks of the source. The API server drops a null
/// where null is not allowed, as users expect.
pub(super) fn tidy(schema: &mut Schema) {
    drop_null(schema);
    transform_subschemas(&mut tidy, schema);
    if schema.get("format").and_then(Value::as_str) == Some("uint32") {
        schema.insert("format".to_owned(), json!("int64"));
    }
    let folded = schema
        .get("description")
        .and_then(Value::as_str)
        .map(fold_lines);
    if let Some(description) = folded {
        schema.insert("description".to_owned(), Value::String(description));
    }
}

/// Applies [`tidy`], and removes defaults. The API server must not fill in values that the operator
/// has not found.
pub(super) fn without_defaults(schema: &mut Schema) {
    tidy(schema);
    transform_subschemas(
        &mut |property: &mut Schema| drop(property.remove("default")),
        schema,
    );
}

/// Removes the null that `Option<T>` adds: `type: [T, null]` for simple types, and
/// `anyOf: [T, null]` for all others.
fn drop_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = schema.get("anyOf") else {
        return;
    };
    if let [Value::Object(present), absent] = choices.as_slice()
        && absent.get("type").is_some_and(|name| name == "null")
    {
        let present = present.clone();
        schema.remove("anyOf");
        for (key, value) in present {
            if schema.get(&key).is_none() {
                schema.insert(key, value);
            }
        }
    }
}

/// Joins the lines of each paragraph. Paragraphs stay apart.
fn fold_lines(text: &str) -> String {
    let paragraphs: Vec<String> = text
        .split("\n\n")
        .map(|paragraph| paragraph.replace('\n', " "))
        .collect();
    paragraphs.join("\n\n")
}

fn text(max_length: u32, rules: &[Check]) -> Schema {
    json_schema!({"type": "string", "maxLength": max_length, "x-kubernetes-validations": checks(rules)})
}

fn duration(range: &RangeInclusive<Duration>) -> Schema {
    let (min, max) = (Span(*range.start()), Span(*range.end()));
    let within = format!(
        "self != '' && self.matches(r'{DURATION}') && duration(self) >= duration('{min}') && duration(self) <= duration('{max}')"
    );
    let message = format!(
        "write a duration from {min} to {max} in hours, minutes and seconds, such as 90s, 10m or 1h30m"
    );
    json_schema!({
        "type": "string",
        "maxLength": 32,
        "x-kubernetes-validations": [{"rule": within, "message": message}],
    })
}

/// A list of distinct items. The API server rejects a duplicate item and names it.
fn set(items: &Schema, max_items: usize, rules: &[Check]) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": max_items,
        "items": items,
        "x-kubernetes-list-type": "set",
        "x-kubernetes-validations": checks(rules),
    })
}

fn atomic_list(items: &Schema, max_items: Option<u32>, rules: &[Check]) -> Schema {
    let mut schema =
        json_schema!({"type": "array", "items": items, "x-kubernetes-list-type": "atomic"});
    if let Some(max_items) = max_items {
        schema.insert("maxItems".to_owned(), json!(max_items));
    }
    if !rules.is_empty() {
        schema.insert("x-kubernetes-validations".to_owned(), checks(rules));
    }
    schema
}

fn checks(rules: &[Check]) -> Value {
    let check = |(rule, message): &Check| BTreeMap::from([("rule", *rule), ("message", *message)]);
    json!(rules.iter().map(check).collect::<Vec<_>>())
}
