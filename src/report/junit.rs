//! `JUnit` XML, for CI: one suite per policy, account and region. A violation is a failure, an
//! unknown notebook is an error, an exempt notebook is skipped. Each suite also has a test that the
//! account and region was read.

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use super::{
    Error,
    model::{Notebook, Policy, Report, Target},
};
use crate::api::{TargetState, Verdict};

/// Name of the test that a target was read.
const READ: &str = "(the account and region can be read)";

/// Renders the report as `JUnit` XML.
pub(super) fn junit(report: &Report) -> Result<String, Error> {
    let mut suites = quick_junit::Report::new("sudoless scan");
    for policy in &report.policies {
        suites.add_test_suites(
            policy
                .targets
                .iter()
                .map(|target| suite(report, policy, target)),
        );
    }
    Ok(suites.to_string()?)
}

fn suite(report: &Report, policy: &Policy, target: &Target) -> TestSuite {
    let name = format!("{}/{}/{}", policy.name, target.account, target.region);
    let mut suite = TestSuite::new(name.as_str());
    for (name, value) in [
        ("sudoless.version", report.version.clone()),
        ("complete", report.complete.to_string()),
        ("startedAt", report.started_at.to_string()),
    ] {
        suite.add_property(Property::new(name, value));
    }
    suite.add_test_case(case(READ, &name, read(target)));
    let here = policy
        .notebooks
        .iter()
        .filter(|notebook| notebook.account == target.account && notebook.region == target.region);
    suite.add_test_cases(here.map(|notebook| case(&notebook.name, &name, judged(notebook))));
    suite
}

fn case(name: &str, suite: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(suite);
    case
}

fn read(target: &Target) -> TestCaseStatus {
    let mut status = match target.state {
        TargetState::Scanned => return TestCaseStatus::success(),
        TargetState::RegionDisabled => TestCaseStatus::skipped(),
        _ => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let message = target.message.as_deref().unwrap_or_default();
    status.set_type(format!("{:?}", target.state));
    status.set_message(message);
    let advice = target.advice.as_deref().unwrap_or_default();
    status.set_description(format!("{message}\n{advice}"));
    status
}

fn judged(notebook: &Notebook) -> TestCaseStatus {
    let mut status = match notebook.verdict {
        Verdict::Compliant => return TestCaseStatus::success(),
        Verdict::Exempt => TestCaseStatus::skipped(),
        Verdict::NonCompliant => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Unknown => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (reason, message) = (text(&notebook.reason), text(&notebook.message));
    if notebook.verdict == Verdict::Exempt {
        status.set_message(format!("{reason} ({message})"));
        return status;
    }
    status.set_type(reason);
    let platform = notebook.platform.as_ref();
    let mut lines = vec![notebook.arn.clone()];
    lines.extend(platform.map(|platform| format!("platform: {platform}")));
    lines.extend([message.clone(), text(&notebook.why)]);
    if let Some(remedy) = &notebook.remedy {
        for step in &remedy.steps {
            lines.push(format!("- {}", step.what));
            lines.extend(step.command.iter().map(|command| format!("  {command}")));
        }
        lines.extend(remedy.note.clone());
    }
    status.set_message(message);
    status.set_description(lines.join("\n"));
    status
}
