//! OCSF 1.6.0, class Compliance Finding (2003) with the profile `cloud`, for a SIEM or a data lake:
//! a JSON array with an event for each notebook, including compliant notebooks, and for each
//! unreadable account and region.
//!
//! Only compliant notebooks are `Pass`. Unknown notebooks are `Unknown`. Exempt notebooks are
//! `Other`, because their users may have root. Source:
//! <https://schema.ocsf.io/1.6.0/classes/compliance_finding>.

use serde_json::{Map, Value, json};

use super::{
    Error,
    controls::{CONTROL, CONTROL_TITLE, SETTING_URL, STANDARDS, requirements},
    identity::fingerprint,
    model::{Notebook, Policy, Remedy, Report, Target},
    remedy,
    sparse::sparse,
    untrusted::visible,
};
use crate::api::Verdict;

/// A value of an OCSF enum: number and caption.
type Id = (u8, &'static str);

/// A verdict in OCSF.
struct Sense {
    compliance: Id,
    severity: Id,
    /// The state of work on the finding. `None` if there is nothing to do.
    status: Option<Id>,
}

/// Renders the report as OCSF.
pub(super) fn ocsf(report: &Report) -> Result<String, Error> {
    let mut events = Vec::new();
    for policy in &report.policies {
        let unreadable = policy
            .targets
            .iter()
            .filter(|target| target.is_unreadable());
        events.extend(unreadable.map(|target| unread(report, policy, target)));
        events.extend(
            policy
                .notebooks
                .iter()
                .map(|notebook| judged(report, policy, notebook)),
        );
    }
    Ok(serde_json::to_string_pretty(&sparse(Value::Array(events)))? + "\n")
}

impl Sense {
    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Compliant => Self {
                compliance: (1, "Pass"),
                severity: (1, "Informational"),
                status: None,
            },
            Verdict::NonCompliant => Self {
                compliance: (3, "Fail"),
                severity: (4, "High"),
                status: Some((1, "New")),
            },
            Verdict::Exempt => Self {
                compliance: (99, "Exempt"),
                severity: (1, "Informational"),
                status: Some((3, "Suppressed")),
            },
            Verdict::Unknown => Self {
                compliance: (0, "Unknown"),
                severity: (3, "Medium"),
                status: Some((1, "New")),
            },
        }
    }
}

fn judged(report: &Report, policy: &Policy, notebook: &Notebook) -> Value {
    let partition = notebook.arn.split(':').nth(1).unwrap_or_default();
    let title = match notebook.verdict {
        Verdict::Compliant => "Users do not have root",
        Verdict::NonCompliant => "Users have root and should not",
        Verdict::Exempt => "An exemption lets users have root",
        Verdict::Unknown => "The root access of users is unknown",
    };
    let title = format!(
        "{title}: {} in {}/{}",
        notebook.name, notebook.account, notebook.region
    );
    let mut event = event(report, policy, notebook.verdict, &title, &notebook.arn);
    let details = [&notebook.reason, &notebook.message];
    let details: Vec<&str> = details.into_iter().flatten().map(String::as_str).collect();
    describe(&mut event, &details, notebook.why.as_deref());
    let mut resource = json!({
        "uid": visible(&notebook.arn),
        "name": visible(&notebook.name),
        "type": "AwsSageMakerNotebookInstance",
        "region": notebook.region,
        "data": {
            "NotebookInstanceStatus": visible(&notebook.status),
            "RootAccess": notebook.root_access,
            "PlatformIdentifier": notebook.platform.as_deref().map(visible),
            "NotebookInstanceLifecycleConfigName": notebook.lifecycle_config.as_deref().map(visible),
        },
    });
    let mut cloud = cloud(&notebook.account, &notebook.region);
    if !partition.is_empty() {
        set(&mut resource, "cloud_partition", json!(visible(partition)));
        set(&mut cloud, "cloud_partition", json!(visible(partition)));
    }
    event.insert("resources".to_owned(), json!([resource]));
    event.insert("cloud".to_owned(), cloud);
    if let Some(remedy) = &notebook.remedy {
        event.insert(
            "remediation".to_owned(),
            json!({"desc": remedied(remedy), "references": [SETTING_URL]}),
        );
    }
    if let Some(unmapped) = event.get_mut("unmapped") {
        set(unmapped, "next", json!(notebook.next));
    }
    Value::Object(event)
}

fn unread(report: &Report, policy: &Policy, target: &Target) -> Value {
    let place = format!("{}/{}", target.account, target.region);
    let title = format!("Notebook instances could not be read: {place}");
    let mut event = event(report, policy, Verdict::Unknown, &title, &place);
    let state = format!("{:?}", target.state);
    let mut details = vec![state.as_str()];
    details.extend(target.message.as_deref());
    describe(&mut event, &details, remedy::why(Verdict::Unknown));
    event.insert(
        "resources".to_owned(),
        json!([{"uid": place, "name": place, "type": "AwsAccount"}]),
    );
    event.insert("cloud".to_owned(), cloud(&target.account, &target.region));
    if let Some(advice) = &target.advice {
        event.insert("remediation".to_owned(), json!({"desc": advice}));
    }
    Value::Object(event)
}

/// Returns the common fields of every event. Times are milliseconds since 1970.
fn event(
    report: &Report,
    policy: &Policy,
    verdict: Verdict,
    title: &str,
    thing: &str,
) -> Map<String, Value> {
    let sense = Sense::of(verdict);
    let (started, finished) = (
        report.started_at.as_millisecond(),
        report.finished_at.as_millisecond(),
    );
    let mut event = Map::new();
    let fields = json!({
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        "type_uid": 200_301,
        "type_name": "Compliance Finding: Create",
        "time": finished,
        "start_time": started,
        "end_time": finished,
        "severity_id": sense.severity.0,
        "severity": sense.severity.1,
        "message": visible(title),
        "metadata": {
            "version": "1.6.0",
            "profiles": ["cloud"],
            "event_code": CONTROL,
            "product": {"name": "sudoless", "vendor_name": "sudoless", "version": report.version, "feature": {"name": "scan"}},
        },
        "finding_info": {
            "uid": fingerprint(&policy.name, CONTROL, thing),
            "title": visible(title),
            "product_uid": "sudoless",
            "data_sources": ["Amazon SageMaker"],
        },
        "compliance": {
            "control": format!("{CONTROL} - {CONTROL_TITLE}"),
            "standards": STANDARDS.map(|standard| standard.name),
            "requirements": requirements(),
            "status_id": sense.compliance.0,
            "status": sense.compliance.1,
        },
        "unmapped": {
            "policy": visible(&policy.name),
            "mode": policy.mode,
            "verdict": verdict,
            "complete": report.complete,
            "brokenOff": report.broken_off,
        },
    });
    if let Value::Object(fields) = fields {
        event.extend(fields);
    }
    if let Some((id, caption)) = sense.status {
        event.insert("status_id".to_owned(), json!(id));
        event.insert("status".to_owned(), json!(caption));
    }
    event
}

/// Adds the reasons of the verdict, and why they matter. The first reason is one word, or an
/// exemption's reason.
fn describe(event: &mut Map<String, Value>, details: &[&str], why: Option<&str>) {
    let details: Vec<_> = details.iter().map(|detail| visible(detail)).collect();
    if details.is_empty() {
        return;
    }
    event.insert("status_detail".to_owned(), json!(details.join(": ")));
    let description = details.join(": ")
        + why
            .map(|why| format!(". {why}"))
            .as_deref()
            .unwrap_or_default();
    for (object, field, value) in [
        ("compliance", "status_details", json!(details)),
        ("finding_info", "desc", json!(description)),
    ] {
        if let Some(object) = event.get_mut(object) {
            set(object, field, value);
        }
    }
}

/// Returns provider, account and region. `*` is omitted, because it means that the regions could
/// not be listed.
fn cloud(account: &str, region: &str) -> Value {
    let mut cloud = json!({
        "provider": "AWS",
        "account": {"uid": account, "type": "AWS Account", "type_id": 10},
    });
    if region != "*" {
        set(&mut cloud, "region", json!(region));
    }
    cloud
}

fn remedied(remedy: &Remedy) -> String {
    let steps = remedy.steps.iter().map(|step| match &step.command {
        Some(command) => format!("{}: {command}", step.what),
        None => step.what.clone(),
    });
    let lines: Vec<String> = steps.chain(remedy.note.clone()).collect();
    lines.join("\n")
}

fn set(object: &mut Value, field: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}
