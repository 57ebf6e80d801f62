//! Policies from manifests: text in, policies or problems out. Nothing is read here but text.

use std::{cell::RefCell, fmt, sync::Arc};

use serde::Deserialize;

use super::Subject;
use crate::{api::NotebookRootAccessPolicy, decide};

/// The group of the kinds that are ours, whatever the version.
const GROUP: &str = "sudoless.dev/";
const API_VERSION: &str = "sudoless.dev/v1alpha1";
const KIND: &str = "NotebookRootAccessPolicy";

/// What is wrong with a manifest, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {words}")]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What, and what to write instead, with the field's path in front where it is one field.
    pub words: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name, as it was given.
    pub file: String,
    /// The line, counted from 1.
    pub line: u64,
}

/// What is in manifests.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The policies.
    pub subjects: Vec<Subject>,
    /// Documents of other kinds, which say nothing about a scan.
    pub ignored: Vec<Problem>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// What every manifest has.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    api_version: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    name: Option<String>,
}

/// One document of a file.
struct Document<'a> {
    /// The line that it begins in, counted from 1.
    line: u64,
    text: &'a str,
}

impl Manifests {
    /// Adds what is in a file.
    pub fn add(&mut self, file: &str, text: &str) {
        for document in documents(text) {
            self.add_document(file, &document);
        }
    }

    fn add_document(&mut self, file: &str, document: &Document<'_>) {
        if document.is_empty() {
            return;
        }
        let problem = |line: u64, words: String| Problem {
            place: Place {
                file: file.to_owned(),
                line: document.line + line.max(1) - 1,
            },
            words,
        };
        let first = document.first_line();
        let header: Header = match serde_saphyr::from_str(document.text) {
            Ok(header) => header,
            Err(error) => {
                let words = format!("not a manifest: {}", words(&error));
                self.problems.push(problem(line_of(&error), words));
                return;
            }
        };
        match (header.api_version.as_deref(), header.kind.as_deref()) {
            (Some(API_VERSION), Some(KIND)) => {}
            (Some(version), Some(kind)) if !version.starts_with(GROUP) || kind != KIND => {
                let name = header.metadata.name.unwrap_or_default();
                let words = format!("{kind} {name:?} is no {KIND}: ignored");
                self.ignored.push(problem(first, words));
                return;
            }
            (Some(version), Some(_)) => {
                let words = format!("apiVersion: {version} is not known: write {API_VERSION}");
                self.problems.push(problem(first, words));
                return;
            }
            _ => {
                let words = format!(
                    "no manifest: it has no apiVersion or no kind; a policy has apiVersion: {API_VERSION} and kind: {KIND}"
                );
                self.problems.push(problem(first, words));
                return;
            }
        }
        match read(document.text) {
            Ok(subject) => {
                let place = problem(first, String::new()).place;
                self.add_policy(place, subject);
            }
            Err(errors) => self.problems.extend(
                errors
                    .into_iter()
                    .map(|(line, words)| problem(if line == 0 { first } else { line }, words)),
            ),
        }
    }

    fn add_policy(&mut self, place: Place, resource: NotebookRootAccessPolicy) {
        let name = resource.metadata.name.clone().unwrap_or_default();
        if name.is_empty() {
            let words = "metadata.name: give the policy a name".to_owned();
            self.problems.push(Problem { place, words });
            return;
        }
        let same = self
            .subjects
            .iter()
            .find(|subject| subject.policy.name.as_str() == name);
        if let Some(same) = same {
            let first = same.source.clone().unwrap_or_default();
            let words = format!(
                "metadata.name: a policy of the name {name} is in {first} already: a cluster has one of a name"
            );
            self.problems.push(Problem { place, words });
            return;
        }
        match decide::validate(&resource) {
            Ok(policy) => self.subjects.push(Subject {
                source: Some(place.to_string()),
                policy: Arc::new(policy),
            }),
            Err(errors) => self
                .problems
                .extend(errors.into_iter().map(|error| Problem {
                    place: place.clone(),
                    words: error.to_string(),
                })),
        }
    }
}

impl Document<'_> {
    /// Whether there is nothing in it but comments.
    fn is_empty(&self) -> bool {
        self.text.lines().all(is_blank)
    }

    /// The line that its content begins in, counted from 1 within the document.
    fn first_line(&self) -> u64 {
        let blank = self.text.lines().take_while(|line| is_blank(line)).count();
        blank as u64 + 1
    }
}

fn is_blank(line: &str) -> bool {
    let line = line.trim_start_matches('\u{feff}').trim();
    line.is_empty()
        || line.starts_with('#')
        || line == "---"
        || line == "..."
        || line.starts_with('%')
}

/// The documents of a file: a line that begins with `---` begins the next, as kubectl has it.
fn documents(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let (mut start, mut at, mut first, mut line) = (0, 0, 1, 1);
    for text_line in text.split_inclusive('\n') {
        let marker = text_line.trim_end();
        let is_marker = marker == "---" || marker.starts_with("--- ");
        if is_marker && at > start {
            documents.push((first, start..at));
            (start, first) = (at, line);
        }
        at += text_line.len();
        line += 1;
    }
    documents.push((first, start..at));
    documents
        .into_iter()
        .filter_map(|(line, range)| {
            Some(Document {
                line,
                text: text.get(range)?,
            })
        })
        .collect()
}

/// A policy, or what does not decode, each with its line within the document (0: not known).
fn read(text: &str) -> Result<NotebookRootAccessPolicy, Vec<(u64, String)>> {
    let unknown = RefCell::new(Vec::new());
    let mut path = String::new();
    let read = serde_saphyr::with_deserializer_from_str_with_options(
        text,
        serde_saphyr::Options::default(),
        |deserializer| {
            let mut note =
                |path: serde_ignored::Path<'_>| unknown.borrow_mut().push(path.to_string());
            let deserializer = serde_ignored::Deserializer::new(deserializer, &mut note);
            let mut track = serde_path_to_error::Track::new();
            let deserializer = serde_path_to_error::Deserializer::new(deserializer, &mut track);
            NotebookRootAccessPolicy::deserialize(deserializer)
                .inspect_err(|_| path = track.path().to_string())
        },
    );
    let resource = match read {
        Ok(resource) => resource,
        Err(error) if path.is_empty() => return Err(vec![(line_of(&error), words(&error))]),
        Err(error) => {
            return Err(vec![(
                line_of(&error),
                format!("{path}: {}", words(&error)),
            )]);
        }
    };
    let unknown: Vec<(u64, String)> = unknown
        .into_inner()
        .into_iter()
        .filter(|path| path == "spec" || path.starts_with("spec."))
        .map(|path| (0, format!("{path}: unknown field")))
        .collect();
    if unknown.is_empty() {
        Ok(resource)
    } else {
        Err(unknown)
    }
}

fn line_of(error: &serde_saphyr::Error) -> u64 {
    error.location().map_or(0, |location| location.line())
}

/// What the parser says, without the extract of the file that it would show.
fn words(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}
