//! AWS Account Management: `ListRegions`.

use serde::Deserialize;
use serde_json::json;

use super::{
    Context,
    answer::{ApiError, Codes},
};
use crate::{Operation, Service, regions, world::World};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Input {
    account_id: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
    region_opt_status_contains: Option<Vec<String>>,
}

pub(super) fn perform(world: &World, context: &Context<'_>) -> Result<Vec<u8>, ApiError> {
    match context.request.operation {
        Operation::ListRegions => list_regions(world, context),
        _ => Err(Codes::of(Service::Account).unknown_operation(&context.request.operation_name)),
    }
}

/// Lists the regions. Another account may be named only from an organization's management account,
/// which is not simulated.
fn list_regions(world: &World, context: &Context<'_>) -> Result<Vec<u8>, ApiError> {
    let invalid = |message: &str| ApiError::new("ValidationException", 400, message);
    let input = Input::deserialize(context.request.json());
    let input = input.map_err(|error| invalid(&error.to_string()))?;
    let account = &context.caller.account;
    if input.account_id.as_ref().is_some_and(|id| id != account) {
        return Err(Codes::of(Service::Account).denied(context.caller, context.request));
    }
    let page = world
        .assumptions
        .regions_per_page
        .min(input.max_results.unwrap_or(usize::MAX));
    if page == 0 || input.max_results.is_some_and(|max| max > 50) {
        return Err(invalid("MaxResults must be from 1 to 50"));
    }
    // A token belongs to its filter, as in AWS.
    let wanted = input.region_opt_status_contains;
    let filter = wanted
        .as_ref()
        .map_or_else(String::new, |wanted| wanted.join("+"));
    let from = match &input.next_token {
        None => 0,
        Some(token) => token
            .strip_prefix(&filter)
            .and_then(|rest| rest.strip_prefix('@')?.parse().ok())
            .ok_or_else(|| invalid(&world.assumptions.invalid_token_message))?,
    };
    let mut names = regions::of_partition(&context.request.region);
    if let Some(enabled) = world
        .account(account)
        .and_then(|account| account.regions.as_ref())
    {
        names.extend(enabled.iter().map(String::as_str));
    }
    names.sort_unstable();
    names.dedup();
    let all: Vec<_> = names
        .into_iter()
        .map(|name| (name, opt_status(world, account, name)))
        .filter(|(_, status)| {
            wanted
                .as_ref()
                .is_none_or(|w| w.iter().any(|w| w == status))
        })
        .collect();
    let shown = all.iter().skip(from).take(page);
    let shown: Vec<_> = shown
        .map(|(name, status)| json!({"RegionName": name, "RegionOptStatus": status}))
        .collect();
    let mut answer = json!({"Regions": shown});
    let next = from.saturating_add(page);
    if next < all.len()
        && let Some(answer) = answer.as_object_mut()
    {
        answer.insert("NextToken".to_owned(), format!("{filter}@{next}").into());
    }
    Ok(answer.to_string().into_bytes())
}

fn opt_status(world: &World, account: &str, region: &str) -> &'static str {
    if !world.region_enabled(account, region) {
        "DISABLED"
    } else if regions::enabled_by_default(region) {
        "ENABLED_BY_DEFAULT"
    } else {
        "ENABLED"
    }
}
