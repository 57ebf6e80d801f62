//! What the rules are tried on.

/// A file, a text that breaks a rule there, and a part of what is said of it.
pub const VIOLATIONS: &[(&str, &str, &str)] = &[
    (
        "explain/judge.rs",
        "use crate::kubernetes::Reader;",
        "explain must not import kubernetes",
    ),
    (
        "explain/judge.rs",
        "let now = jiff::Timestamp::now();",
        "explain is pure",
    ),
    (
        "cli/explain.rs",
        "use crate::kubernetes::{Reader, Records};",
        "cli/explain reads",
    ),
    (
        "cli/explain.rs",
        "let client = kube::Client::try_from(config)?;",
        "cli/explain reads",
    ),
    (
        "cli/explain.rs",
        "use crate::aws::AwsReads;",
        "cli/explain reads",
    ),
    (
        "kubernetes/reader.rs",
        "use kube::api::{ListParams, PatchParams};",
        "kubernetes/reader reads",
    ),
    (
        "domain/finding.rs",
        "use crate::api::Verdict;",
        "domain must not import api",
    ),
    (
        "decide/evaluate.rs",
        "use crate::{domain::{Policy, Target}, aws::Aws};",
        "crate::aws::Aws: decide must not import aws",
    ),
    (
        "decide/evaluate.rs",
        "fn f() { let x = crate::fleet::Fleet::new(); }",
        "must not import fleet",
    ),
    (
        "decide.rs",
        "use super::kubernetes::publish;",
        "must not import kubernetes",
    ),
    (
        "aws/reader.rs",
        "use super::super::kubernetes;",
        "aws must not import kubernetes",
    ),
    (
        "kubernetes/events.rs",
        "use crate::{\n    // a comment\n    aws,\n};",
        "kubernetes/events.rs:3: crate::aws: kubernetes must not import aws",
    ),
    (
        "controller.rs",
        "fn f(client: aws_sdk_sagemaker::Client) {}",
        "only aws names the AWS SDK",
    ),
    (
        "fleet.rs",
        "use aws_smithy_types::DateTime as Time;",
        "only aws names the AWS SDK",
    ),
    (
        "fleet.rs",
        "use std::{env, io};",
        "only cli reads the environment",
    ),
    (
        "aws/session.rs",
        "let home = env::var(\"HOME\");",
        "only cli reads the environment",
    ),
    (
        "decide/evaluate.rs",
        "let now = jiff::Timestamp::now();",
        "decide is pure",
    ),
    (
        "decide/evaluate.rs",
        "let now = std::time::SystemTime::UNIX_EPOCH;",
        "decide is pure",
    ),
    (
        "decide/plan.rs",
        "let start = Instant::now();",
        "decide is pure",
    ),
    (
        "decide/plan.rs",
        "use kube::{Client, ResourceExt};",
        "decide is pure",
    ),
    (
        "decide/plan.rs",
        "let chance = fastrand::f64();",
        "decide is pure",
    ),
    (
        "domain/policy.rs",
        "async fn f() { tokio::time::sleep(D).await }",
        "domain is pure",
    ),
    (
        "aws/reader.rs",
        "self.client.stop_notebook_instance().send()",
        "stopnotebookinstance: only aws/writer.rs writes to AWS",
    ),
    (
        "aws/outcome/tests.rs",
        "Client::start_notebook_instance(&client)",
        "startnotebookinstance: only aws/writer.rs writes to AWS",
    ),
    (
        "aws/limit.rs",
        "use a::StopNotebookInstance; let target = \"SageMaker.UpdateNotebookInstance\";",
        "updatenotebookinstance: no write goes past the SDK",
    ),
    (
        "aws/reader.rs",
        "StopNotebookInstanceInput::builder().send_with(client)",
        "stopnotebookinstance: writes are sent by the client's methods",
    ),
    (
        "aws/writer.rs",
        "client.update_notebook_instance_lifecycle_config().send()",
        "updatenotebookinstance: writes are sent by the client's methods",
    ),
    (
        "aws/writer.rs",
        "client.delete_notebook_instance().send()",
        "deletenotebookinstance: nothing creates or deletes",
    ),
    (
        "aws/outcome.rs",
        "/// `sagemaker:CreateNotebookInstance`.",
        "createnotebookinstance: nothing creates or deletes",
    ),
    (
        "controller/remediation.rs",
        "// As StartNotebookInstance does.",
        "startnotebookinstance: only aws names what writes to AWS",
    ),
    (
        "fleet/scan.rs",
        "use crate::aws::{AwsReads, TargetWriter};",
        "must not even hold what could write",
    ),
    (
        "fleet.rs",
        "use crate::{aws::Aws, domain::Policy};",
        "must not even hold what could write",
    ),
    (
        "scan.rs",
        "fn f(aws: &crate::aws::Aws) {}",
        "scan reads: it must not even hold what could write",
    ),
    (
        "cli/scan/input.rs",
        "use crate::aws::Aws;",
        "cli/scan reads: it must not even hold what could write",
    ),
    (
        "cli/manifests.rs",
        "use crate::aws::Aws;",
        "cli/manifests reads: it must not even hold what could write",
    ),
    (
        "scan/progress.rs",
        "use crate::controller::Context;",
        "scan must not import controller",
    ),
    (
        "report/build.rs",
        "let now = Timestamp::now();",
        "report is pure",
    ),
    (
        "report/html.rs",
        "use crate::fleet::Observation;",
        "report must not import fleet",
    ),
    (
        "fleet.rs",
        "let answer = aws.writer(&key).send(call, name).await;",
        "must not even hold what could write",
    ),
    (
        "generate/permissions.rs",
        "use crate::{domain::Mode, decide::validate};",
        "generate must not import decide",
    ),
    (
        "generate/policy.rs",
        "let now = jiff::Timestamp::now();",
        "generate is pure",
    ),
    (
        "generate/permissions.rs",
        "client.stop_notebook_instance().send()",
        "stopnotebookinstance: only aws names what writes to AWS",
    ),
    (
        "generate/permissions.rs",
        "const A: &str = \"sagemaker:CreateNotebookInstance\"; // as CreateNotebookInstance does",
        "createnotebookinstance: nothing creates or deletes",
    ),
    (
        "cli/generate.rs",
        "const A: &str = \"sagemaker:StopNotebookInstance\";",
        "stopnotebookinstance: only aws names what writes to AWS",
    ),
    ("extra/thing.rs", "", "extra is no layer"),
];

/// A file, and a text that breaks no rule there.
pub const ALLOWED: &[(&str, &str)] = &[
    (
        "decide/evaluate.rs",
        "use crate::{api::{self, Mode}, domain::*};",
    ),
    (
        "decide/evaluate.rs",
        "// use crate::aws::Aws;\n/* tokio::spawn */ const A: &str = \"crate::aws::Aws\";",
    ),
    (
        "decide/evaluate.rs",
        "const A: &str = r#\"say \"tokio::spawn\"\"#; const B: char = '\"'; fn f<'a>(x: &'a str) {}",
    ),
    (
        "decide/evaluate.rs",
        "fn f(now: Timestamp) { use kube::ResourceExt; super::validate(now) }",
    ),
    ("decide/evaluate/tests.rs", "use super::super::fixtures;"),
    (
        "observability/metrics.rs",
        "use crate::aws::Operation; const V: &str = env!(\"CARGO_PKG_VERSION\");",
    ),
    ("cli/run.rs", "use std::env; use crate::controller::run;"),
    ("aws/session.rs", "use aws_sdk_sts::Client;"),
    (
        "decide/step.rs",
        "#[cfg(test)]\nmod tests { const A: &str = \"StopNotebookInstance\"; }",
    ),
    (
        "aws/outcome.rs",
        "/// `sagemaker:StopNotebookInstance`.\nStopNotebookInstance => \"StopNotebookInstance\",",
    ),
    (
        "aws/attempts.rs",
        "use a::{update_notebook_instance::UpdateNotebookInstanceError}; of::<UpdateNotebookInstanceError>(error)",
    ),
    (
        "aws/writer.rs",
        "client.update_notebook_instance().notebook_instance_name(name).send().await",
    ),
    (
        "controller/remediation.rs",
        "let answer = aws.writer(&key).send(Call::Stop, name).await;",
    ),
    (
        "scan.rs",
        "use crate::{aws::AwsReads, fleet::Fleet, report::Report};",
    ),
    (
        "report/remedy.rs",
        "const A: &str = \"aws sagemaker stop-notebook-instance\";",
    ),
    (
        "generate/permissions.rs",
        "use crate::domain::Mode; const A: [&str; 2] = [\"sagemaker:StopNotebookInstance\", \"sagemaker:CreateNotebookInstance\"];",
    ),
    ("main.rs", "use sudoless::cli;"),
];
