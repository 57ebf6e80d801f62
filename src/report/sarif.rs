//! SARIF 2.1.0 (OASIS), for code scanning: a result for each violation, and for each notebook,
//! account or region that could not be read or judged.
//!
//! Exempt and compliant notebooks are not results: GitHub ignores `suppressions` and would show
//! every exempt notebook as an open alert. They are counted in the run's properties. Results are at
//! the policy's line, because code scanning needs a file. The notebook is their logical location.

mod location;

use serde_json::{Value, json};

use super::{
    Error,
    controls::{CONTROL, CONTROL_TITLE, SETTING_URL, requirements},
    identity::fingerprint,
    model::{BrokenOff, Notebook, Policy, Remedy, Report, Target},
    remedy,
    sparse::sparse,
    untrusted::visible,
};
use crate::api::Verdict;

/// Address of the published schema.
const SCHEMA: &str = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json";

/// The two kinds of results. Their ids are public, because alerts are identified by them.
#[derive(Clone, Copy)]
enum Rule {
    RootAccessEnabled,
    NotRead,
}

/// Renders the report as SARIF.
pub(super) fn sarif(report: &Report) -> Result<String, Error> {
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [run(report)?],
    });
    Ok(serde_json::to_string_pretty(&sparse(log))? + "\n")
}

fn run(report: &Report) -> Result<Value, Error> {
    let results: Vec<Value> = report.policies.iter().flat_map(results).collect();
    Ok(json!({
        "tool": {"driver": {
            "name": "sudoless",
            "version": report.version,
            "semanticVersion": report.version,
            "rules": [Rule::RootAccessEnabled.described(), Rule::NotRead.described()],
            "notifications": [
                {"id": "not-read", "shortDescription": {"text": "Something could not be read"}},
                {"id": "broken-off", "shortDescription": {"text": "The scan ended early"}},
            ],
        }},
        "automationDetails": {"id": "sudoless/scan/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{
            "executionSuccessful": report.complete,
            "startTimeUtc": report.started_at.to_string(),
            "endTimeUtc": report.finished_at.to_string(),
            "toolExecutionNotifications": notifications(report),
        }],
        "results": results,
        "properties": {"complete": report.complete, "summary": serde_json::to_value(report.summary)?},
    }))
}

/// Returns the results of a policy. Unreadable accounts and regions come first, as in every format.
fn results(policy: &Policy) -> Vec<Value> {
    let unread = policy
        .targets
        .iter()
        .filter(|target| target.is_unreadable());
    let found = policy.notebooks.iter().filter_map(|notebook| {
        let rule = match notebook.verdict {
            Verdict::NonCompliant => Rule::RootAccessEnabled,
            Verdict::Unknown => Rule::NotRead,
            Verdict::Exempt | Verdict::Compliant => return None,
        };
        Some(judged(policy, notebook, rule))
    });
    unread
        .map(|target| unseen(policy, target))
        .chain(found)
        .collect()
}

fn judged(policy: &Policy, notebook: &Notebook, rule: Rule) -> Value {
    let said = match rule {
        Rule::RootAccessEnabled => {
            format!("The users of {} have root and should not.", named(notebook))
        }
        Rule::NotRead => unclear(notebook),
    };
    let parts = [
        Some(said),
        notebook.why.clone(),
        notebook.remedy.as_ref().map(remedied),
    ];
    let mut result = rule.result(policy, &notebook.arn, &words(parts));
    if let Some(fields) = result.as_object_mut() {
        let place = json!({"name": visible(&notebook.name), "fullyQualifiedName": visible(&notebook.arn), "kind": "resource"});
        fields.insert(
            "locations".to_owned(),
            location::of(policy, &notebook_path(notebook), &place),
        );
        fields.insert(
            "properties".to_owned(),
            json!({
                "policy": visible(&policy.name),
                "account": notebook.account,
                "region": notebook.region,
                "status": visible(&notebook.status),
                "rootAccess": notebook.root_access,
                "verdict": notebook.verdict,
                "next": notebook.next,
                "reason": notebook.reason.as_deref().map(visible),
                "platform": notebook.platform.as_deref().map(visible),
                "lifecycleConfig": notebook.lifecycle_config.as_deref().map(visible),
            }),
        );
    }
    result
}

fn unseen(policy: &Policy, target: &Target) -> Value {
    let place = format!("{}/{}", target.account, target.region);
    let parts = [Some(unreadable(target)), target.advice.clone()];
    let mut result = Rule::NotRead.result(policy, &place, &words(parts));
    if let Some(fields) = result.as_object_mut() {
        let logical = json!({"name": place, "fullyQualifiedName": place, "kind": "namespace"});
        let path = ["aws", &target.account, &target.region].join("/");
        fields.insert(
            "locations".to_owned(),
            location::of(policy, &path, &logical),
        );
        fields.insert(
            "properties".to_owned(),
            json!({
                "policy": visible(&policy.name),
                "account": target.account,
                "region": target.region,
                "state": target.state,
            }),
        );
    }
    result
}

/// Returns a notification for each unreadable target and notebook, so that a reader of the
/// invocation alone sees that the results are incomplete.
fn notifications(report: &Report) -> Vec<Value> {
    let broken_off = report.broken_off.map(|why| match why {
        BrokenOff::Interrupted => "The scan was interrupted: these are the results so far.",
        BrokenOff::TimedOut => "The scan timed out: these are the results so far.",
    });
    let broken_off = broken_off.map(|text| notification("broken-off", text));
    let unread = report.policies.iter().flat_map(|policy| {
        let targets = policy
            .targets
            .iter()
            .filter(|target| target.is_unreadable());
        let notebooks = policy
            .notebooks
            .iter()
            .filter(|notebook| notebook.verdict == Verdict::Unknown);
        targets.map(unreadable).chain(notebooks.map(unclear))
    });
    broken_off
        .into_iter()
        .chain(unread.map(|text| notification("not-read", &text)))
        .collect()
}

fn notification(id: &str, text: &str) -> Value {
    json!({"descriptor": {"id": id}, "level": "error", "message": {"text": inert(text)}})
}

fn unreadable(target: &Target) -> String {
    let (account, region) = (&target.account, &target.region);
    let message = target.message.as_deref().unwrap_or_default();
    format!(
        "{account}/{region} could not be read ({:?}): {message}",
        target.state
    )
}

fn unclear(notebook: &Notebook) -> String {
    let reason = notebook.reason.as_deref().unwrap_or_default();
    let message = notebook.message.as_deref().unwrap_or_default();
    format!(
        "The root access of the users of {} is unknown ({reason}): {message}",
        named(notebook)
    )
}

fn named(notebook: &Notebook) -> String {
    format!(
        "{} in {}/{}",
        notebook.name, notebook.account, notebook.region
    )
}

fn remedied(remedy: &Remedy) -> String {
    let steps = remedy.steps.iter().map(|step| match &step.command {
        Some(command) => format!("- {}: {command}", step.what),
        None => format!("- {}", step.what),
    });
    let lines: Vec<String> = steps.chain(remedy.note.clone()).collect();
    lines.join("\n")
}

fn words<const N: usize>(parts: [Option<String>; N]) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("\n")
}

/// Escapes text that a viewer would obey: control characters, and SARIF's links in messages
/// (3.11.6).
fn inert(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(visible).collect();
    lines.join("\n").replace("](", "] (")
}

/// Returns a path for a notebook without a policy file. The path is the same in every scan.
fn notebook_path(notebook: &Notebook) -> String {
    [
        "aws",
        &notebook.account,
        &notebook.region,
        "notebook-instance",
        &notebook.name,
    ]
    .join("/")
}

impl Rule {
    fn id(self) -> &'static str {
        match self {
            Self::RootAccessEnabled => "root-access-enabled",
            Self::NotRead => "root-access-unknown",
        }
    }

    fn level(self) -> &'static str {
        match self {
            Self::RootAccessEnabled => "error",
            Self::NotRead => "warning",
        }
    }

    /// Returns a result without its location.
    fn result(self, policy: &Policy, thing: &str, text: &str) -> Value {
        let print = fingerprint(&policy.name, self.id(), thing);
        // GitHub identifies alerts only by `primaryLocationLineHash`. If it is missing, the upload
        // computes it from the line in the file, and all results of one policy would be the same.
        json!({
            "ruleId": self.id(),
            "ruleIndex": self as usize,
            "level": self.level(),
            "message": {"text": inert(text)},
            "partialFingerprints": {"sudoless/v1": print, "primaryLocationLineHash": print},
        })
    }

    fn described(self) -> Value {
        // On CVSS's scale, as GitHub reads it: from 7 high, from 4 medium. AWS rates the control's
        // severity as high.
        let (name, short, severity, verdict, help) = match self {
            Self::RootAccessEnabled => (
                "RootAccessEnabled",
                CONTROL_TITLE,
                "8.0",
                Verdict::NonCompliant,
                "SageMaker notebook instances give their users root access by default. Root access changes only while the notebook is \
                 stopped: stop the notebook, wait, update it with root access Disabled, wait, and start it again only if it was running. \
                 The same update migrates a notebook on a platform that AWS has retired, because AWS does not start it otherwise. The \
                 result has the commands. Lifecycle configurations run as root even if root access is Disabled.",
            ),
            Self::NotRead => (
                "RootAccessUnknown",
                "The root access of users is unknown",
                "5.0",
                Verdict::Unknown,
                "An account and region, or a notebook, could not be read: AWS denied access, did not answer, or answered without RootAccess. \
                 The result names the cause and what would help. Unknown notebooks are never compliant.",
            ),
        };
        let why = remedy::why(verdict).unwrap_or_default();
        json!({
            "id": self.id(),
            "name": name,
            "shortDescription": {"text": short},
            "fullDescription": {"text": why},
            "help": {"text": format!("{help}\n\nSupports {CONTROL} of AWS Security Hub; {}.", requirements().join("; "))},
            "helpUri": SETTING_URL,
            "defaultConfiguration": {"level": self.level()},
            "properties": {"tags": ["security", "aws", "sagemaker"], "precision": "very-high", "security-severity": severity},
        })
    }
}
