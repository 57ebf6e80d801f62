//! Policies from manifests: text in, policies or problems out. Nothing is read here but text.

use std::{cell::RefCell, fmt, sync::Arc};

use serde::Deserialize;

use super::Subject;
use crate::{api::NotebookRootAccessPolicy, decide};

/// The group of the kinds that are ours, whatever the version.
const GROUP: &str = "sudoless.dev/";
const API_VERSION: &str = "sudoless.dev/v1alpha1";
const KIND: &str = "NotebookRootAccessPolicy";

/// The kinds of lists, as kubectl and the API server print them.
const LIST: &str = "List";
const OWN_LIST: &str = "NotebookRootAccessPolicyList";

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
    /// The column, counted from 1, where it is known.
    pub column: Option<u64>,
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

/// The items of a list.
#[derive(Debug, Deserialize)]
struct List {
    items: Vec<serde_json::Value>,
}

/// What is wrong with a document, by lines counted from 1 within it; 0: anywhere.
struct Fault {
    line: u64,
    column: Option<u64>,
    words: String,
}

/// One document of a file.
#[derive(Clone, Copy)]
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
        let at = |fault: Fault| document.problem(file, fault);
        let first = document.first_line();
        let header: Header = match serde_saphyr::from_str(document.text) {
            Ok(header) => header,
            Err(error) => {
                self.problems.push(at(Fault::of(&error, "not a manifest")));
                return;
            }
        };
        let version = header.api_version.as_deref().unwrap_or_default();
        let kind = header.kind.as_deref().unwrap_or_default();
        match (version, kind) {
            (API_VERSION, KIND) => match read(document.text) {
                Ok(resource) => {
                    self.add_policy(at(Fault::new(first, String::new())).place, &resource);
                }
                Err(faults) => self.problems.extend(faults.into_iter().map(|fault| {
                    at(Fault {
                        line: if fault.line == 0 { first } else { fault.line },
                        ..fault
                    })
                })),
            },
            ("", _) | (_, "") => {
                let words = format!(
                    "no manifest: it has no apiVersion or no kind; a policy has apiVersion: {API_VERSION} and kind: {KIND}"
                );
                self.problems.push(at(Fault::new(first, words)));
            }
            (_, LIST) | (API_VERSION, OWN_LIST) => {
                let line = document.line + first - 1;
                self.add_list(file, &Document { line, ..*document });
            }
            (version, KIND) if version.starts_with(GROUP) => {
                let words = format!("apiVersion: {version} is not known: write {API_VERSION}");
                self.problems.push(at(Fault::new(first, words)));
            }
            (_, kind) => {
                let name = header.metadata.name.unwrap_or_default();
                let words = format!("{kind} {name:?} is no {KIND}: ignored");
                self.ignored.push(at(Fault::new(first, words)));
            }
        }
    }

    /// What `kubectl get` prints of several. Its items have the place of the list.
    fn add_list(&mut self, file: &str, list: &Document<'_>) {
        let items = match serde_saphyr::from_str::<List>(list.text) {
            Ok(list) => list.items,
            Err(error) => {
                let fault = Fault::of(&error, "not a list of manifests");
                self.problems.push(list.problem(file, fault));
                return;
            }
        };
        for item in items {
            let document = Document {
                line: list.line,
                text: &item.to_string(),
            };
            self.add_document(file, &document);
        }
    }

    fn add_policy(&mut self, place: Place, resource: &NotebookRootAccessPolicy) {
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
        match decide::validate(resource) {
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

impl Fault {
    fn new(line: u64, words: String) -> Self {
        Self {
            line,
            column: None,
            words,
        }
    }

    /// What the parser says, without the extract of the file that it would show. `what` is in front, where it is not empty.
    fn of(error: &serde_saphyr::Error, what: &str) -> Self {
        let text = error.without_snippet().to_string();
        let text = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        // The place is told in front, as one in the file.
        let words = match (error.location(), text.rsplit_once(" at line ")) {
            (Some(_), Some((words, _))) => words,
            _ => text.as_str(),
        };
        Self {
            line: error.location().map_or(0, |location| location.line()),
            column: error.location().map(|location| location.column()),
            words: if what.is_empty() {
                words.to_owned()
            } else {
                format!("{what}: {words}")
            },
        }
    }
}

impl Document<'_> {
    /// A fault in it, by its place in the file.
    fn problem(&self, file: &str, fault: Fault) -> Problem {
        Problem {
            place: Place {
                file: file.to_owned(),
                line: self.line + fault.line.max(1) - 1,
                column: fault.column,
            },
            words: fault.words,
        }
    }

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

/// A policy, or what does not decode.
fn read(text: &str) -> Result<NotebookRootAccessPolicy, Vec<Fault>> {
    let unknown = RefCell::new(Vec::new());
    let mut path = String::new();
    let read = serde_saphyr::with_deserializer_from_str_with_options(
        text,
        serde_saphyr::Options::default(),
        |deserializer| {
            let mut note = |path: serde_ignored::Path<'_>| unknown.borrow_mut().push(dotted(&path));
            let deserializer = serde_ignored::Deserializer::new(deserializer, &mut note);
            let mut track = serde_path_to_error::Track::new();
            let deserializer = serde_path_to_error::Deserializer::new(deserializer, &mut track);
            NotebookRootAccessPolicy::deserialize(deserializer)
                .inspect_err(|_| path = track.path().to_string())
        },
    );
    let resource = read.map_err(|error| vec![Fault::of(&error, &path)])?;
    let unknown: Vec<Fault> = unknown
        .into_inner()
        .into_iter()
        .filter(|path| path == "spec" || path.starts_with("spec."))
        .map(|path| Fault::new(0, format!("{path}: unknown field")))
        .collect();
    if unknown.is_empty() {
        Ok(resource)
    } else {
        Err(unknown)
    }
}

/// A path as errors of fields have it: `spec.accounts[0].id`.
fn dotted(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", dotted(parent)),
        Path::Map { parent, key } => match dotted(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => dotted(parent),
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)?;
        match self.column {
            Some(column) => write!(formatter, ":{column}"),
            None => Ok(()),
        }
    }
}
