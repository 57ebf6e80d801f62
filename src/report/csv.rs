//! CSV (RFC 4180): a line for each unreadable account and region, then a line for each notebook. A
//! count of lines thus includes unreadable places.

use csv::{Terminator, WriterBuilder};

use super::{
    Error,
    model::{Notebook, Policy, Report, Target},
    untrusted::visible,
};
use crate::api::Verdict;

const HEADER: [&str; 13] = [
    "policy",
    "account",
    "region",
    "notebook",
    "arn",
    "verdict",
    "status",
    "rootAccess",
    "next",
    "reason",
    "message",
    "lifecycleConfig",
    "platform",
];

/// Renders the report as CSV.
pub(super) fn csv(report: &Report) -> Result<String, Error> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for policy in &report.policies {
        let unreadable = policy
            .targets
            .iter()
            .filter(|target| target.is_unreadable());
        for target in unreadable {
            writer.write_record(unread(policy, target).map(|field| inert(&field)))?;
        }
        for notebook in &policy.notebooks {
            writer.write_record(listed(policy, notebook).map(|field| inert(&field)))?;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    // All fields were valid UTF-8.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unread(policy: &Policy, target: &Target) -> [String; 13] {
    [
        policy.name.clone(),
        target.account.clone(),
        target.region.clone(),
        String::new(),
        String::new(),
        name(Verdict::Unknown),
        String::new(),
        String::new(),
        String::new(),
        name(target.state),
        target.message.clone().unwrap_or_default(),
        String::new(),
        String::new(),
    ]
}

fn listed(policy: &Policy, notebook: &Notebook) -> [String; 13] {
    [
        policy.name.clone(),
        notebook.account.clone(),
        notebook.region.clone(),
        notebook.name.clone(),
        notebook.arn.clone(),
        name(notebook.verdict),
        notebook.status.clone(),
        name(notebook.root_access),
        name(notebook.next),
        notebook.reason.clone().unwrap_or_default(),
        notebook.message.clone().unwrap_or_default(),
        notebook.lifecycle_config.clone().unwrap_or_default(),
        notebook.platform.clone().unwrap_or_default(),
    ]
}

/// Returns the name of an enum's variant.
fn name(variant: impl std::fmt::Debug) -> String {
    format!("{variant:?}")
}

/// Returns a field that no spreadsheet evaluates as a formula. A field that begins like a formula
/// gets an apostrophe, which spreadsheets do not show. Source: OWASP, "CSV Injection".
fn inert(field: &str) -> String {
    let field = visible(field);
    if field.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        format!("'{field}")
    } else {
        field.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_a_formula() {
        for (field, written) in [
            ("churn-model", "churn-model"),
            ("", ""),
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1+1", "'＝1+1"),
            ("\t=1+1", "\\u{9}=1+1"),
            ("\r=1+1", "\\u{d}=1+1"),
        ] {
            assert_eq!(inert(field), written);
        }
    }
}
