//! The layers of the source: who may import whom, and what only one of them may name.
//!
//! `cli → controller → {inventory, aws, kubernetes, observability} → decide → {domain, api}`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "layering/paths.rs"]
mod paths;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use paths::{Named, paths};

/// Each layer, and the layers that it may import. Both edges beside the arrows of the design are read-only glances: the
/// metrics take AWS's operations as their labels, and the inventory counts what it reads in the metrics.
const LAYERS: [(&str, &[&str]); 10] = [
    ("main", &["cli"]),
    (
        "cli",
        &[
            "controller",
            "inventory",
            "aws",
            "kubernetes",
            "observability",
            "decide",
            "domain",
            "api",
        ],
    ),
    (
        "controller",
        &[
            "inventory",
            "aws",
            "kubernetes",
            "observability",
            "decide",
            "domain",
            "api",
        ],
    ),
    (
        "inventory",
        &["aws", "observability", "decide", "domain", "api"],
    ),
    ("observability", &["aws", "decide", "domain", "api"]),
    ("aws", &["decide", "domain", "api"]),
    ("kubernetes", &["decide", "domain", "api"]),
    ("decide", &["domain", "api"]),
    ("domain", &[]),
    ("api", &[]),
];

/// What is pure: the same input gives the same output.
const PURE: [&str; 3] = ["decide", "domain", "api"];

/// Crates by which a clock, chance or the world would come in.
const IMPURE_CRATES: [&str; 8] = [
    "tokio",
    "tokio_util",
    "futures",
    "fastrand",
    "rand",
    "axum",
    "prometheus",
    "tracing",
];

/// What reads a clock or reaches the API server, by the last parts of its path.
const IMPURE_PATHS: [&[&str]; 6] = [
    &["Timestamp", "now"],
    &["Zoned", "now"],
    &["Instant", "now"],
    &["SystemTime"],
    &["kube", "Client"],
    &["kube", "Api"],
];

/// The crates of the AWS SDK.
const AWS_CRATES: [&str; 6] = [
    "aws_sdk_",
    "aws_config",
    "aws_smithy",
    "aws_credential_types",
    "aws_runtime",
    "aws_types",
];

/// The verbs of the operations that change a notebook instance (API reference of `SageMaker`).
const WRITES: [&str; 5] = ["stop", "start", "update", "delete", "create"];

/// A source file, by its path below `src`.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.into(),
            text: text.to_owned(),
        }
    }

    /// The parts of its module's path: `aws/wire.rs` is `aws::wire`.
    fn module(&self) -> Vec<String> {
        let path = self.path.with_extension("");
        path.iter()
            .map(|part| part.to_str().unwrap().to_owned())
            .collect()
    }

    fn layer(&self) -> String {
        self.module().remove(0)
    }

    /// What breaks the rules in it: one line each.
    fn violations(&self) -> Vec<String> {
        let (layer, module) = (self.layer(), self.module());
        if layer == "lib" {
            return Vec::new();
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            return vec![format!("{}: {layer} is no layer", self.path.display())];
        };
        let mut violations = Vec::new();
        for named in paths(&self.text) {
            let mut refuse = |why: String| {
                let (file, path) = (self.path.display(), named.parts.join("::"));
                violations.push(format!("{file}:{}: {path}: {why}", named.line));
            };
            if let Some(imported) = imported(&module, &named)
                && imported != layer
                && !allowed.contains(&imported.as_str())
            {
                refuse(format!("{layer} must not import {imported}"));
            }
            if layer != "aws"
                && AWS_CRATES
                    .iter()
                    .any(|name| named.parts[0].starts_with(name))
            {
                refuse("only aws names the AWS SDK".into());
            }
            if layer != "cli" && reads_environment(&named) {
                refuse("only cli reads the environment".into());
            }
            if PURE.contains(&layer.as_str()) {
                if IMPURE_CRATES.contains(&named.parts[0].as_str()) && named.parts.len() > 1 {
                    refuse(format!("{layer} is pure"));
                }
                if IMPURE_PATHS.iter().any(|path| within(&named, path)) {
                    refuse(format!("{layer} is pure"));
                }
            }
        }
        violations.extend(self.writes());
        violations
    }

    /// Where it names an operation of `SageMaker` that writes, in comments and texts too; its tests may, to show that nothing
    /// knows it.
    fn writes(&self) -> Vec<String> {
        let text = self.text.split("#[cfg(test)]").next().unwrap_or_default();
        let squeezed = text.to_lowercase().replace('_', "");
        WRITES
            .iter()
            .map(|verb| format!("{verb}notebookinstance"))
            .filter(|operation| squeezed.contains(operation))
            .map(|operation| {
                format!(
                    "{}: {operation}: nothing writes to AWS",
                    self.path.display()
                )
            })
            .collect()
    }
}

/// The layer that a path leads to, if it is one of ours.
fn imported(module: &[String], named: &Named) -> Option<String> {
    let (first, mut rest) = named.parts.split_first()?;
    if first == "super" {
        let up = 1 + rest.iter().take_while(|part| *part == "super").count();
        if up != module.len() {
            return None;
        }
        rest = &rest[up - 1..];
    } else if first != "crate" && first != "sudoless" {
        return None;
    }
    rest.first()
        .filter(|layer| LAYERS.iter().any(|(name, _)| name == layer))
        .cloned()
}

/// A bare `env` with nothing after it is a name like any other.
fn reads_environment(named: &Named) -> bool {
    within(named, &["std", "env"]) || (named.parts[0] == "env" && named.parts.len() > 1)
}

fn within(named: &Named, path: &[&str]) -> bool {
    named.parts.windows(path.len()).any(|parts| parts == path)
}

fn sources() -> Vec<Source> {
    fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push(Source {
                    path: path.strip_prefix(root).unwrap().to_owned(),
                    text,
                });
            }
        }
    }
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut sources = Vec::new();
    collect(root, root, &mut sources);
    sources
}

#[test]
fn imports_point_one_way() {
    let violations: Vec<String> = sources().iter().flat_map(Source::violations).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn every_layer_is_there_and_was_read() {
    let sources = sources();
    let layers: BTreeSet<String> = sources
        .iter()
        .map(Source::layer)
        .filter(|layer| layer != "lib")
        .collect();
    assert_eq!(
        layers,
        LAYERS.iter().map(|(name, _)| (*name).to_owned()).collect()
    );
    // Each of these edges is there, so a reader that finds no paths at all is found out.
    for (layer, imports) in [
        ("decide", "domain"),
        ("decide", "api"),
        ("controller", "decide"),
        ("inventory", "aws"),
    ] {
        let found = sources
            .iter()
            .filter(|source| source.layer() == layer)
            .any(|source| {
                paths(&source.text)
                    .iter()
                    .any(|named| imported(&source.module(), named).as_deref() == Some(imports))
            });
        assert!(found, "{layer} → {imports} was not seen");
    }
}

/// A file, a text that breaks a rule there, and a part of what is said of it.
const VIOLATIONS: &[(&str, &str, &str)] = &[
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
        "fn f() { let x = crate::inventory::Inventory::new(); }",
        "must not import inventory",
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
        "inventory.rs",
        "use aws_smithy_types::DateTime as Time;",
        "only aws names the AWS SDK",
    ),
    (
        "inventory.rs",
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
        "stopnotebookinstance: nothing writes to AWS",
    ),
    (
        "aws/reader.rs",
        "let target = \"SageMaker.UpdateNotebookInstance\";",
        "nothing writes to AWS",
    ),
    ("extra/thing.rs", "", "extra is no layer"),
];

#[test]
fn a_violation_is_found() {
    for (path, text, expected) in VIOLATIONS {
        let violations = Source::new(path, text).violations();
        assert!(
            violations
                .iter()
                .any(|violation| violation.contains(expected)),
            "{path}: {text}: {violations:?}"
        );
    }
}

#[test]
fn what_is_allowed_is_let_through() {
    for (path, text) in [
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
            "aws/outcome.rs",
            "#[cfg(test)]\nmod tests { const A: &str = \"StopNotebookInstance\"; }",
        ),
        ("main.rs", "use sudoless::cli;"),
    ] {
        assert_eq!(
            Source::new(path, text).violations(),
            Vec::<String>::new(),
            "{path}: {text}"
        );
    }
}

#[test]
fn use_trees_are_taken_apart() {
    let source = "use a::{b, c::{self, d as e}, f::*};\nlet x = g::h::<i::J>();";
    let found: Vec<String> = paths(source)
        .iter()
        .map(|named| format!("{}:{}", named.line, named.parts.join("::")))
        .collect();
    for expected in [
        "1:a::b",
        "1:a::c::self",
        "1:a::c::d",
        "1:a::f",
        "2:g::h",
        "2:i::J",
    ] {
        assert!(
            found.iter().any(|path| path == expected),
            "{expected} in {found:?}"
        );
    }
}
