//! validate *(pure)*: converts the resource to a [`Policy`] of checked values, or to a list of
//! errors with field paths.
//!
//! The API server rejects most errors at admission. This module repeats the checks that later steps
//! rely on, because an object may have been stored before a rule existed. Limits of size alone are
//! left to the API server.

mod remediation;
mod schedule;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, ops::RangeInclusive, str::FromStr, time::Duration};

use kube::ResourceExt;

use crate::{
    api::{
        self, EVERY_REGION, NotebookRootAccessPolicy, defaults,
        limits::{self, Span},
    },
    domain::{
        Access, Account, AccountId, Exemption, Globs, InvalidIdentifier, Matcher, Policy,
        PolicyName, Region, Regions, Warning,
    },
};

/// An error of a field: a sentence that says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct FieldError {
    /// The field's path, such as `spec.accounts[0].id`.
    pub path: String,
    /// The error, and what to write instead.
    pub problem: String,
}

/// Validates a resource and returns its policy.
///
/// # Errors
/// Every invalid field, in the order of the spec.
pub fn validate(resource: &NotebookRootAccessPolicy) -> Result<Policy, Vec<FieldError>> {
    let spec = &resource.spec;
    let mut errors = Errors::default();
    let scan_interval = errors.duration(
        "spec.scanInterval",
        spec.scan_interval,
        defaults::SCAN_INTERVAL,
        limits::SCAN_INTERVAL,
    );
    let accounts = accounts(spec, &mut errors);
    let selector = selector(spec.selector.as_ref(), &mut errors);
    let exemptions = exemptions(&spec.exemptions, &mut errors);
    let remediation = remediation::remediation(spec.remediation.as_ref(), &mut errors);
    errors.into_result()?;
    let mut warnings = warnings(spec, &accounts, &exemptions);
    warnings.extend(remediation::warnings(&remediation.windows));
    Ok(Policy {
        name: PolicyName::from(resource.name_any().as_str()),
        mode: spec.mode,
        suspended: spec.suspend.unwrap_or(false),
        scan_interval,
        accounts,
        selector,
        exemptions,
        remediation,
        warnings,
    })
}

fn accounts(spec: &api::NotebookRootAccessPolicySpec, errors: &mut Errors) -> Vec<Account> {
    let mut seen = BTreeSet::new();
    if !limits::ACCOUNTS.contains(&spec.accounts.len()) {
        let (fewest, most) = limits::ACCOUNTS.into_inner();
        errors.add("spec.accounts", format!("name {fewest} to {most} accounts"));
    }
    let default = regions("spec.regions", &spec.regions, errors);
    let mut accounts = Vec::with_capacity(spec.accounts.len());
    for (index, account) in spec.accounts.iter().enumerate() {
        let path = format!("spec.accounts[{index}]");
        let id = errors.parse::<AccountId>(&format!("{path}.id"), &account.id);
        if !seen.insert(account.id.as_str()) {
            errors.add(
                format!("{path}.id"),
                format!(
                    "account {} is listed twice: keep one entry, with all its regions",
                    account.id
                ),
            );
        }
        let access = Access {
            role: account
                .role
                .as_ref()
                .and_then(|role| errors.parse(&format!("{path}.role"), role)),
            external_id: account
                .external_id
                .as_ref()
                .and_then(|external_id| errors.parse(&format!("{path}.externalId"), external_id)),
        };
        if account.role.is_none() && account.external_id.is_some() {
            errors.add(
                format!("{path}.externalId"),
                "an external id is sent only when a role is assumed: add the role, or remove the external id",
            );
        }
        let own = regions(&format!("{path}.regions"), &account.regions, errors);
        match (id, own.or_else(|| default.clone())) {
            (Some(id), Some(regions)) => accounts.push(Account { id, access, regions }),
            (Some(_), None) if account.regions.is_empty() && spec.regions.is_empty() => errors.add(
                format!("{path}.regions"),
                "the account has no regions: list them here or in spec.regions, or write [\"*\"] for every enabled region",
            ),
            _ => {}
        }
    }
    accounts
}

/// Parses regions. Returns `None` if the list is empty or has an invalid item.
fn regions(path: &str, texts: &[String], errors: &mut Errors) -> Option<Regions> {
    match texts {
        [] => None,
        [only] if only == EVERY_REGION => Some(Regions::Enabled),
        _ if texts.iter().any(|text| text == EVERY_REGION) => {
            errors.add(
                path,
                "\"*\" already means every enabled region: write it alone, or list the regions",
            );
            None
        }
        _ => errors.parse_all(path, texts).map(Regions::Named),
    }
}

fn selector(selector: Option<&api::Selector>, errors: &mut Errors) -> Matcher {
    let Some(selector) = selector else {
        return Matcher::default();
    };
    if selector.names.is_empty() && selector.tags.is_empty() {
        errors.add(
            "spec.selector",
            "the selector is empty: give names or tags, or remove it to select every notebook",
        );
    }
    Matcher {
        names: globs("spec.selector.names", &selector.names, errors),
        tags: selector.tags.clone(),
        ..Matcher::default()
    }
}

fn exemptions(exemptions: &[api::Exemption], errors: &mut Errors) -> Vec<Exemption> {
    let mut read = Vec::with_capacity(exemptions.len());
    for (index, exemption) in exemptions.iter().enumerate() {
        let path = format!("spec.exemptions[{index}]");
        if exemption.reason.trim().is_empty() {
            errors.add(
                format!("{path}.reason"),
                "say why these notebooks may keep root",
            );
        }
        let api::Exemption {
            names,
            tags,
            accounts,
            regions,
            ..
        } = exemption;
        if names.is_empty() && tags.is_empty() && accounts.is_empty() && regions.is_empty() {
            errors.add(
                path.as_str(),
                "the exemption is empty: give names, tags, accounts or regions",
            );
        }
        read.push(Exemption {
            reason: exemption.reason.trim().to_owned(),
            matcher: Matcher {
                names: globs(&format!("{path}.names"), names, errors),
                tags: tags.clone(),
                accounts: errors
                    .parse_all(&format!("{path}.accounts"), accounts)
                    .unwrap_or_default(),
                regions: errors
                    .parse_all(&format!("{path}.regions"), regions)
                    .unwrap_or_default(),
            },
            expires_at: exemption.expires_at.as_ref().map(|time| time.0),
        });
    }
    read
}

fn globs(path: &str, patterns: &[String], errors: &mut Errors) -> Option<Globs> {
    if patterns.is_empty() {
        return None;
    }
    match Globs::new(patterns) {
        Ok(globs) => Some(globs),
        Err(invalid) => {
            for glob in invalid {
                errors.add(
                    format!("{path}[{}]", glob.index),
                    format!("{glob}; write * for any characters, ? for one, [ab] or {{one,two}} for a choice"),
                );
            }
            None
        }
    }
}

/// Returns warnings about settings that are valid but probably unintended, and that no schema can
/// detect.
fn warnings(
    spec: &api::NotebookRootAccessPolicySpec,
    accounts: &[Account],
    exemptions: &[Exemption],
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if !spec.regions.is_empty()
        && spec
            .accounts
            .iter()
            .all(|account| !account.regions.is_empty())
    {
        warnings.push(Warning::new(
            "spec.regions",
            "is used by no account: each has regions of its own",
        ));
    }
    let ids: BTreeSet<_> = accounts.iter().map(|account| &account.id).collect();
    let everywhere = accounts
        .iter()
        .any(|account| account.regions == Regions::Enabled);
    let named: BTreeSet<&Region> = accounts
        .iter()
        .filter_map(|account| match &account.regions {
            Regions::Named(regions) => Some(regions),
            Regions::Enabled => None,
        })
        .flatten()
        .collect();
    for (index, exemption) in exemptions.iter().enumerate() {
        let path = format!("spec.exemptions[{index}]");
        for account in exemption
            .matcher
            .accounts
            .iter()
            .filter(|id| !ids.contains(id))
        {
            warnings.push(Warning::new(
                format!("{path}.accounts"),
                format!("names {account}, which is not in spec.accounts"),
            ));
        }
        for region in exemption
            .matcher
            .regions
            .iter()
            .filter(|region| !everywhere && !named.contains(region))
        {
            warnings.push(Warning::new(
                format!("{path}.regions"),
                format!("names {region}, which no account has"),
            ));
        }
    }
    warnings
}

/// A collector of errors, so that a person sees all errors at once.
#[derive(Default)]
struct Errors(Vec<FieldError>);

impl Errors {
    fn add(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.0.push(FieldError {
            path: path.into(),
            problem: problem.into(),
        });
    }

    fn into_result(self) -> Result<(), Vec<FieldError>> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.0)
        }
    }

    fn parse<T: FromStr<Err = InvalidIdentifier>>(&mut self, path: &str, text: &str) -> Option<T> {
        text.parse()
            .map_err(|error: InvalidIdentifier| self.add(path, error.to_string()))
            .ok()
    }

    /// Parses every text. Returns `None` if any text is invalid.
    fn parse_all<T: FromStr<Err = InvalidIdentifier> + Ord>(
        &mut self,
        path: &str,
        texts: &[String],
    ) -> Option<BTreeSet<T>> {
        let parsed: Vec<Option<T>> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| self.parse(&format!("{path}[{index}]"), text))
            .collect();
        parsed.into_iter().collect()
    }

    fn duration(
        &mut self,
        path: impl Into<String>,
        given: Option<kube::core::Duration>,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let Some(given) = given else { return default };
        let duration = Duration::from(given);
        if given.is_negative() || !range.contains(&duration) {
            let (shortest, longest) = (Span(*range.start()), Span(*range.end()));
            self.add(
                path,
                format!(
                    "write a duration from {shortest} to {longest}, such as {}",
                    Span(default)
                ),
            );
        }
        duration
    }

    fn count(&mut self, path: &str, given: Option<u32>, default: u32) -> u32 {
        let count = given.unwrap_or(default);
        if !limits::COUNT.contains(&count) {
            let (least, most) = limits::COUNT.into_inner();
            self.add(path, format!("write a number from {least} to {most}"));
        }
        count
    }
}
