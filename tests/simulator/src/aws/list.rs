//! `SageMaker`: pages of notebooks and of tags, and their tokens.

use std::{
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Bound,
};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Context,
    answer::ApiError,
    sagemaker::{seconds, to_json},
};
use crate::{fault::active::name_matches, instance::Instance, world::World};

/// Upper limit of `MaxResults` of `ListNotebookInstances`.
const MAX_NOTEBOOKS: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    next_token: Option<String>,
    max_results: Option<usize>,
    #[serde(flatten)]
    query: Query,
}

/// Filters and order of a list. A token belongs to them.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Query {
    sort_by: Option<SortBy>,
    sort_order: Option<SortOrder>,
    name_contains: Option<String>,
    status_equals: Option<String>,
    creation_time_before: Option<f64>,
    creation_time_after: Option<f64>,
    last_modified_time_before: Option<f64>,
    last_modified_time_after: Option<f64>,
    notebook_instance_lifecycle_config_name_contains: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
enum SortBy {
    #[default]
    Name,
    CreationTime,
    Status,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
enum SortOrder {
    #[default]
    Ascending,
    Descending,
}

/// Position in a list. Opaque to clients.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Token {
    /// Fingerprint of the filters and the order.
    fingerprint: u64,
    /// Key of the last notebook shown, or `None` at the start.
    after: Option<(String, String)>,
    /// Empty pages since the last page with notebooks.
    empty: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'a> {
    notebook_instance_name: &'a str,
    notebook_instance_arn: &'a str,
    notebook_instance_status: &'a str,
    url: String,
    instance_type: &'a str,
    creation_time: f64,
    last_modified_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    notebook_instance_lifecycle_config_name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Page<'a> {
    notebook_instances: Vec<Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Query {
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        format!("{self:?}").hash(&mut hasher);
        hasher.finish()
    }

    fn matches(&self, instance: &Instance) -> bool {
        let (status, last_modified) = instance.seen();
        let (created, modified) = (seconds(instance.record.created), seconds(last_modified));
        let contains = |part: &Option<String>, text: &str| {
            part.as_ref()
                .is_none_or(|part| text.contains(part.as_str()))
        };
        let lifecycle_config = instance
            .record
            .lifecycle_config
            .as_deref()
            .unwrap_or_default();
        contains(&self.name_contains, &instance.record.name)
            && contains(
                &self.notebook_instance_lifecycle_config_name_contains,
                lifecycle_config,
            )
            && self
                .status_equals
                .as_ref()
                .is_none_or(|wanted| wanted == status.as_str())
            && self
                .creation_time_before
                .is_none_or(|before| created < before)
            && self.creation_time_after.is_none_or(|after| created > after)
            && self
                .last_modified_time_before
                .is_none_or(|before| modified < before)
            && self
                .last_modified_time_after
                .is_none_or(|after| modified > after)
    }

    /// Returns the sort key of a notebook. The name decides between equal values.
    fn key(&self, instance: &Instance) -> (String, String) {
        let key = match self.sort_by.unwrap_or_default() {
            SortBy::Name => String::new(),
            SortBy::CreationTime => format!("{:020}", instance.record.created.as_millisecond()),
            SortBy::Status => instance.seen().0.to_string(),
        };
        (key, instance.record.name.clone())
    }
}

impl Token {
    /// Encodes the token as JSON in hexadecimal.
    fn encode(&self) -> String {
        let mut text = String::new();
        for byte in serde_json::to_vec(self).unwrap_or_default() {
            // Writing to a `String` never fails.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    fn decode(text: &str) -> Option<Self> {
        let digits = text.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = digits
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        serde_json::from_slice(&bytes?).ok()
    }
}

pub(super) fn notebooks(world: &mut World, context: &Context<'_>) -> Result<Vec<u8>, ApiError> {
    let input = Input::deserialize(context.request.json());
    let input = input.map_err(|error| ApiError::serialization(&error.to_string()))?;
    let limit = input
        .max_results
        .unwrap_or(world.assumptions.notebooks_per_page);
    if !(1..=MAX_NOTEBOOKS).contains(&limit) {
        return Err(out_of_range(limit, MAX_NOTEBOOKS));
    }
    let fingerprint = input.query.fingerprint();
    let token = match &input.next_token {
        None => Token {
            fingerprint,
            ..Token::default()
        },
        Some(token) => Token::decode(token)
            .filter(|token| token.fingerprint == fingerprint)
            .ok_or_else(|| ApiError::validation(&world.assumptions.invalid_token_message))?,
    };
    if token.empty < context.plan.empty_pages {
        let empty = token.empty + 1;
        let next = Token { empty, ..token };
        return to_json(&json!({"NotebookInstances": [], "NextToken": next.encode()}));
    }
    let account = &context.caller.account;
    let Some(holding) = world.holding(account, &context.request.region, context.now) else {
        return to_json(&json!({"NotebookInstances": []}));
    };
    let (shown, more) = page(
        &holding.instances,
        &input.query,
        token.after.as_ref(),
        limit,
    );
    let repeat = context.plan.repeat_token && !shown.is_empty();
    let next_token = (more || repeat).then(|| {
        let last = shown.last().map(|instance| input.query.key(instance));
        let after = if repeat { token.after.or(last) } else { last };
        let next = Token {
            fingerprint,
            after,
            empty: 0,
        };
        next.encode()
    });
    let answer = to_json(&Page {
        notebook_instances: shown.iter().map(|instance| summary(instance)).collect(),
        next_token,
    })?;
    let names = shown.iter().map(|instance| instance.record.name.clone());
    let vanishing: Vec<String> = names
        .filter(|name| {
            let patterns = &mut context.plan.vanish.iter();
            patterns.any(|pattern| pattern.as_ref().is_none_or(|p| name_matches(p, name)))
        })
        .collect();
    for name in vanishing {
        holding.instances.remove(&name);
    }
    Ok(answer)
}

/// Returns the notebooks of one page, and true if more follow.
fn page<'a>(
    instances: &'a std::collections::BTreeMap<String, Instance>,
    query: &Query,
    after: Option<&(String, String)>,
    limit: usize,
) -> (Vec<&'a Instance>, bool) {
    let ascending = query.sort_order.unwrap_or_default() == SortOrder::Ascending;
    let mut shown: Vec<&Instance> =
        if query.sort_by.unwrap_or_default() == SortBy::Name && ascending {
            // The map is in this order, so the notebooks already shown are skipped directly.
            let from = after.map_or(Bound::Unbounded, |(_, name)| Bound::Excluded(name.as_str()));
            let rest = instances.range::<str, _>((from, Bound::Unbounded));
            let matching = rest
                .map(|(_, instance)| instance)
                .filter(|it| query.matches(it));
            matching.take(limit + 1).collect()
        } else {
            let all = instances
                .values()
                .filter(|instance| query.matches(instance));
            let mut keyed: Vec<_> = all
                .map(|instance| (query.key(instance), instance))
                .collect();
            keyed.sort_by(|(left, _), (right, _)| {
                if ascending {
                    left.cmp(right)
                } else {
                    right.cmp(left)
                }
            });
            let rest = keyed.into_iter().skip_while(|(key, _)| {
                after.is_some_and(|after| {
                    if ascending {
                        key <= after
                    } else {
                        key >= after
                    }
                })
            });
            rest.take(limit + 1).map(|(_, instance)| instance).collect()
        };
    let more = shown.len() > limit;
    shown.truncate(limit);
    (shown, more)
}

fn summary(instance: &Instance) -> Summary<'_> {
    let notebook = &instance.record;
    let (status, last_modified) = instance.seen();
    Summary {
        notebook_instance_name: &notebook.name,
        notebook_instance_arn: &instance.arn,
        notebook_instance_status: status.as_str(),
        url: format!(
            "{}.notebook.{}.sagemaker.aws",
            notebook.name, notebook.region
        ),
        instance_type: &notebook.instance_type,
        creation_time: seconds(notebook.created),
        last_modified_time: seconds(last_modified),
        notebook_instance_lifecycle_config_name: notebook.lifecycle_config.as_deref(),
    }
}

/// Returns the tags of a notebook, sorted by key. The ARN must be in the caller's account and
/// region.
pub(super) fn tags(world: &mut World, context: &Context<'_>) -> Result<Vec<u8>, ApiError> {
    let request = context.request;
    let arn = request.field("ResourceArn").unwrap_or_default();
    let max_results = request
        .json()
        .get("MaxResults")
        .and_then(serde_json::Value::as_u64);
    let max_results = max_results.and_then(|max| usize::try_from(max).ok());
    let limit = world
        .assumptions
        .tags_per_page
        .min(max_results.unwrap_or(usize::MAX))
        .max(1);
    let invalid_token = ApiError::validation(&world.assumptions.invalid_token_message);
    let name = request.notebook().unwrap_or_default();
    let instance = world.instance(&context.caller.account, &request.region, name, context.now);
    let instance = instance.filter(|instance| instance.arn == arn);
    let instance = instance.ok_or_else(ApiError::not_found)?;
    let from = match request.field("NextToken") {
        None => 0,
        Some(token) => token.parse::<usize>().map_err(|_| invalid_token)?,
    };
    let tags = &instance.record.tags;
    let shown = tags.iter().skip(from).take(limit);
    let shown: Vec<_> = shown
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    let next = from.saturating_add(limit);
    if next < tags.len() {
        to_json(&json!({"Tags": shown, "NextToken": next.to_string()}))
    } else {
        to_json(&json!({"Tags": shown}))
    }
}

fn out_of_range(value: usize, most: usize) -> ApiError {
    let bound = if value > most {
        format!("less than or equal to {most}")
    } else {
        "greater than or equal to 1".to_owned()
    };
    ApiError::validation(format!(
        "1 validation error detected: Value '{value}' at 'maxResults' failed to satisfy constraint: \
         Member must have value {bound}"
    ))
}
