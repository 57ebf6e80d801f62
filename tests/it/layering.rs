//! The layers of the source: who may import whom, and what only one of them may name.
//!
//! `cli → controller → {fleet, aws, kubernetes, observability} → decide → api → domain`, and,
//! without a cluster, `cli → scan → {fleet, aws, report}`, `report → decide`, `cli → offline →
//! {decide, domain, api}` and `cli → generate → domain`; and `cli → explain → {report, decide,
//! domain, api}`.

mod examples;
mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use examples::{ALLOWED, VIOLATIONS};
use paths::{Named, paths};

/// Each layer, and the layers that it may import. Both edges beside the arrows of the design are
/// read-only glances: the metrics take AWS's operations as their labels, and the fleet counts what
/// it reads in the metrics.
const LAYERS: [(&str, &[&str]); 15] = [
    ("main", &["cli"]),
    (
        "cli",
        &[
            "controller",
            "scan",
            "explain",
            "report",
            "generate",
            "fleet",
            "aws",
            "kubernetes",
            "observability",
            "offline",
            "decide",
            "domain",
            "api",
        ],
    ),
    (
        "scan",
        &["fleet", "aws", "report", "decide", "domain", "api"],
    ),
    ("explain", &["report", "decide", "domain", "api"]),
    ("report", &["decide", "domain", "api"]),
    (
        "controller",
        &[
            "fleet",
            "aws",
            "kubernetes",
            "observability",
            "decide",
            "domain",
            "api",
        ],
    ),
    (
        "fleet",
        &["aws", "observability", "decide", "domain", "api"],
    ),
    ("observability", &["aws", "decide", "domain", "api"]),
    ("aws", &["decide", "domain", "api"]),
    ("kubernetes", &["decide", "domain", "api"]),
    ("offline", &["decide", "domain", "api"]),
    ("decide", &["domain", "api"]),
    ("generate", &["domain"]),
    ("domain", &[]),
    ("api", &["domain"]),
];

/// What is pure: the same input gives the same output.
const PURE: [&str; 7] = [
    "explain", "report", "offline", "decide", "generate", "domain", "api",
];

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

/// The operations that change a notebook instance (API reference of `SageMaker`), in lower case,
/// without underscores: those that sudoless sends, and those that nothing in it may name.
const WRITES: [&str; 3] = [
    "stopnotebookinstance",
    "updatenotebookinstance",
    "startnotebookinstance",
];
const FORBIDDEN_WRITES: [&str; 2] = ["deletenotebookinstance", "createnotebookinstance"];

/// The modules that read and cannot write, each with what leads to a write: they reach AWS by
/// `AwsReads`, and the API server by `kubernetes::Reader`, if at all.
const READERS: [(&str, &[&str]); 6] = [
    ("fleet", &WRITERS),
    ("scan", &WRITERS),
    ("cli/scan", &WRITERS),
    ("cli/manifests", &WRITERS),
    ("cli/explain", &KUBERNETES_WRITERS),
    ("kubernetes/reader", &KUBERNETES_REQUESTS),
];
const WRITERS: [&str; 3] = ["Aws", "TargetWriter", "writer"];
const KUBERNETES_WRITERS: [&str; 11] = [
    "aws",
    "fleet",
    "controller",
    "Client",
    "Api",
    "Records",
    "publish",
    "EventRecorder",
    "Lease",
    "list_policies",
    "Fence",
];
const KUBERNETES_REQUESTS: [&str; 8] = [
    "Records",
    "publish",
    "EventRecorder",
    "Lease",
    "Patch",
    "PatchParams",
    "PostParams",
    "DeleteParams",
];

/// The methods by which a client of Kubernetes sends more than reads. No reader of the cluster
/// calls one.
const KUBERNETES_WRITES: [&str; 9] = [
    ".create", ".replace", ".patch", ".delete", ".apply", ".evict", ".request", ".send", ".connect",
];

/// The one file that sends them.
const WRITER: &str = "aws/writer.rs";

/// A source file, by its path below the `src` of its crate.
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

    /// The parts of its module's path: `aws/limit.rs` is `aws::limit`.
    fn module(&self) -> Vec<String> {
        let path = self.path.with_extension("");
        path.iter()
            .map(|part| part.to_str().unwrap().to_owned())
            .collect()
    }

    fn layer(&self) -> String {
        self.module().remove(0)
    }

    /// The module of [`READERS`] that it belongs to, if any, and what it must not name.
    fn reader(&self) -> Option<(&'static str, &'static [&'static str])> {
        let module = self.path.with_extension("");
        READERS
            .into_iter()
            .find(|(reader, _)| module.starts_with(reader))
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
            if let Some((reader, writers)) = self.reader()
                && named
                    .parts
                    .iter()
                    .any(|part| writers.contains(&part.as_str()))
            {
                refuse(format!(
                    "{reader} reads: it must not even hold what could write"
                ));
            }
            if PURE.contains(&layer.as_str()) && !self.is_test() {
                if IMPURE_CRATES.contains(&named.parts[0].as_str()) && named.parts.len() > 1 {
                    refuse(format!("{layer} is pure"));
                }
                if IMPURE_PATHS.iter().any(|path| within(&named, path)) {
                    refuse(format!("{layer} is pure"));
                }
            }
        }
        if !(self.is_test() && PURE.contains(&layer.as_str())) {
            violations.extend(self.writes());
        }
        violations
    }

    /// Whether it holds tests only: those of what is pure may try things at random, and name
    /// operations in what people read.
    fn is_test(&self) -> bool {
        self.module().iter().any(|part| part == "tests")
    }

    /// Where it names an operation of `SageMaker` that writes and must not, in comments and texts
    /// too; its tests may.
    fn writes(&self) -> Vec<String> {
        let text = self.text.split("#[cfg(test)]").next().unwrap_or_default();
        let squeezed = text.to_lowercase().replace('_', "");
        let mut violations = BTreeSet::new();
        let mut refuse = |operation: &str, why: &str| {
            violations.insert(format!("{}: {operation}: {why}", self.path.display()));
        };
        for operation in FORBIDDEN_WRITES {
            let mut places = squeezed.match_indices(operation);
            if places.any(|(at, _)| !self.is_of_a_policy(&squeezed[..at])) {
                refuse(operation, "nothing creates or deletes a notebook");
            }
        }
        for operation in WRITES {
            for (at, _) in squeezed.match_indices(operation) {
                if let Some(why) = self.refusal(&squeezed[..at], &squeezed[at + operation.len()..])
                {
                    refuse(operation, why);
                }
            }
        }
        violations.into_iter().collect()
    }

    /// Whether a name after this text is an action in an IAM policy: `generate` prints those, and
    /// has no way to send one.
    fn is_of_a_policy(&self, before: &str) -> bool {
        self.layer() == "generate" && before.ends_with("\"sagemaker:")
    }

    /// Why an operation that writes must not be named here, between these two parts of the text.
    fn refusal(&self, before: &str, after: &str) -> Option<&'static str> {
        let sent = after.starts_with('(');
        if self.is_of_a_policy(before) {
            None
        } else if self.layer() != "aws" {
            Some("only aws names what writes to AWS")
        } else if sent && self.path != Path::new(WRITER) {
            Some("only aws/writer.rs writes to AWS")
        } else if before.ends_with("sagemaker.") {
            Some("no write goes past the SDK's own methods")
        } else if after.starts_with(char::is_alphanumeric) && !after.starts_with("error") {
            // Its input and builder, by which it could be sent in another way; and what has a
            // longer name, such as the operations on lifecycle configurations.
            Some("writes are sent by the client's methods, and there are three")
        } else {
            None
        }
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
    } else if !["crate", "sudoless", "sudoless_core"].contains(&first.as_str()) {
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
    let mut sources = Vec::new();
    for root in [
        concat!(env!("CARGO_MANIFEST_DIR"), "/src"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/crates/core/src"),
    ] {
        collect(Path::new(root), Path::new(root), &mut sources);
    }
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
        ("offline", "decide"),
        ("fleet", "aws"),
        ("scan", "fleet"),
        ("report", "decide"),
        ("explain", "decide"),
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

/// The modules of a folder, each with the modules of the same folder that it imports. What the
/// folder's own file defines or re-exports counts as a module of the folder's name.
fn siblings(folder: &str, sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let inside = || {
        let modules = sources.iter().map(|source| (source.module(), source));
        modules.filter(|(module, _)| module.len() > 1 && module[0] == folder)
    };
    let names: BTreeSet<String> = inside().map(|(module, _)| module[1].clone()).collect();
    let mut imports = BTreeMap::from([(folder.to_owned(), names.clone())]);
    for (module, source) in inside().filter(|(_, source)| !source.is_test()) {
        let code = source.text.split("#[cfg(test)]").next().unwrap();
        let imported = imports.entry(module[1].clone()).or_default();
        for Named { parts, .. } in paths(code) {
            let up = parts.iter().take_while(|part| *part == "super").count();
            let below = match parts.as_slice() {
                [root, first, below, ..] if root == "crate" && first == folder => below,
                _ if up > 0 && up + 1 == module.len() => match parts.get(up) {
                    Some(below) => below,
                    None => continue,
                },
                _ => continue,
            };
            let sibling = names.get(below).map_or(folder, String::as_str);
            if sibling != module[1] {
                imported.insert(sibling.to_owned());
            }
        }
    }
    imports
}

/// The modules that import one another in a circle, and those that import these.
fn circle(mut imports: BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    loop {
        let left: BTreeSet<String> = imports.keys().cloned().collect();
        imports.retain(|_, imported| !imported.is_disjoint(&left));
        if imports.len() == left.len() {
            return left.into_iter().collect();
        }
    }
}

#[test]
fn api_aws_and_fleet_have_no_circles() {
    let sources = sources();
    for (folder, module, import) in [
        ("api", "policy", "schema"),
        ("aws", "session", "fault"),
        ("fleet", "target", "scan"),
    ] {
        let imports = siblings(folder, &sources);
        assert!(
            imports[module].contains(import),
            "{module} → {import} was not seen"
        );
        assert_eq!(circle(imports), Vec::<String>::new(), "{folder}");
    }
}

#[test]
fn a_circle_is_found() {
    let sources = [
        Source::new("aws/a.rs", "use super::{b::B, c};"),
        Source::new("aws/b.rs", "use crate::aws::c::C;"),
        Source::new("aws/c.rs", "fn f() { super::a::f() }"),
        Source::new("aws/d.rs", "use crate::domain::Region;"),
    ];
    assert_eq!(circle(siblings("aws", &sources)), ["a", "aws", "b", "c"]);
    let through_the_folder = [Source::new("aws/a.rs", "use super::Aws;")];
    assert_eq!(circle(siblings("aws", &through_the_folder)), ["a", "aws"]);
    assert_eq!(circle(siblings("aws", &sources[3..])), Vec::<String>::new());
}

#[test]
fn each_write_is_sent_in_one_place() {
    let sources = sources();
    let writer = sources.iter().find(|it| it.path == Path::new(WRITER));
    let squeezed = writer.unwrap().text.to_lowercase().replace('_', "");
    for operation in WRITES {
        // A second place in the writer would be one more body to look after.
        let sent = squeezed.matches(&format!(".{operation}(")).count();
        assert_eq!(sent, 1, "{operation}");
    }
}

/// `explain` reaches the API server by this file only.
#[test]
fn the_reader_of_the_cluster_only_lists() {
    let sources = sources();
    let module = |name: &str| {
        sources
            .iter()
            .find(|it| it.path == Path::new(name))
            .unwrap()
    };
    for file in [
        module("kubernetes/reader.rs"),
        module("kubernetes/pages.rs"),
    ] {
        for method in KUBERNETES_WRITES {
            assert!(
                !file.text.contains(method),
                "{}: {method}",
                file.path.display()
            );
        }
    }
    assert!(module("kubernetes/reader.rs").text.contains("list_all("));
    assert!(module("kubernetes/pages.rs").text.contains(".list("));
}

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
    for (path, text) in ALLOWED {
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
