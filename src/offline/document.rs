//! Parses a text into documents, as `kubectl` does. Each value has its position.

use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag, options};

use super::{
    location::{FieldPath, Position, Step},
    node::{Content, Entry, Node},
    problem::{Source, Violation},
    scalar::plain,
};

/// The deepest nesting. A policy has eight levels.
const MAX_DEPTH: usize = 100;

/// The most values in one document. The largest policy has 175,000. Without a limit, aliases could
/// multiply values without end.
const MAX_VALUES: usize = 1_000_000;

/// A document, and the problems of its text.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) root: Node,
    pub(super) violations: Vec<Violation>,
}

/// Error of an unreadable document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) at: Position,
    pub(super) message: String,
}

/// Returns the non-empty documents of a text, in their order. After an unreadable document the next
/// document is tried.
pub(super) fn documents(text: &str) -> Vec<Result<Document, Unreadable>> {
    let mut options = options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        // `kubectl` fails on them.
        disallow_directives: true,
    };
    options.set_emit_comments(false);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut documents = Vec::new();
    loop {
        let read = match parser.next_event() {
            None => break,
            Some(Ok((Event::DocumentStart(..), _))) => Builder::new(&mut parser).document(),
            Some(Ok(_)) => continue,
            Some(Err(error)) => Err(error.into()),
        };
        let failed = read.is_err();
        match read {
            Ok(document) if matches!(document.root.content, Content::Null) => {}
            read => documents.push(read),
        }
        if failed && !parser.proceed_next_document().unwrap_or(false) {
            break;
        }
    }
    documents
}

impl Unreadable {
    fn new(at: Position, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
        }
    }
}

impl From<ScanError> for Unreadable {
    fn from(error: ScanError) -> Self {
        Self::new(
            position(error.marker()),
            format!("this is not YAML: {}", error.info()),
        )
    }
}

fn position(marker: &Marker) -> Position {
    Position {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

/// Builds a document from the parser's events.
struct Builder<'p, 't> {
    parser: &'p mut Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    path: FieldPath,
    violations: Vec<Violation>,
    size: usize,
}

impl<'p, 't> Builder<'p, 't> {
    fn new(parser: &'p mut Parser<'t, StrInput<'t>>) -> Self {
        Self {
            parser,
            anchors: HashMap::new(),
            path: FieldPath::default(),
            violations: Vec::new(),
            size: 0,
        }
    }

    fn document(mut self) -> Result<Document, Unreadable> {
        let (event, span) = self.next()?;
        let root = match event {
            Event::DocumentEnd => {
                return Ok(Document {
                    root: empty(&span),
                    violations: self.violations,
                });
            }
            event => self.node(event, &span)?,
        };
        // The end of the document. If more follows, the parser returns an error.
        self.next()?;
        Ok(Document {
            root,
            violations: self.violations,
        })
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Unreadable> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(error.into()),
            None => Err(Unreadable::new(
                Position::START,
                "this is not YAML: the text ends too early",
            )),
        }
    }

    fn node(&mut self, event: Event<'t>, span: &Span) -> Result<Node, Unreadable> {
        let at = position(&span.start);
        self.count(1, at)?;
        let (anchor, node) = match event {
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(Unreadable::new(
                        at,
                        "this alias is part of the value that it refers to",
                    ));
                };
                self.count(node.size(), at)?;
                // Parts of an alias keep their own position. The alias itself has the position of
                // its use.
                (0, Node { at, ..node })
            }
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, scalar(&text, style, tag.as_deref(), at)?)
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.list(at)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.map(at)?),
            _ => return Err(Unreadable::new(at, "this is not YAML: a value is missing")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn count(&mut self, more: usize, at: Position) -> Result<(), Unreadable> {
        self.size += more;
        if self.size > MAX_VALUES {
            return Err(Unreadable::new(
                at,
                format!(
                    "the document has more than {MAX_VALUES} values: write them out instead of using aliases, or split the document"
                ),
            ));
        }
        Ok(())
    }

    /// Returns the value below `step`.
    fn below(&mut self, step: Step, event: Event<'t>, span: &Span) -> Result<Node, Unreadable> {
        let path = self.path.step(step);
        let above = std::mem::replace(&mut self.path, path);
        let node = self.node(event, span);
        self.path = above;
        node
    }

    fn list(&mut self, at: Position) -> Result<Node, Unreadable> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(collection(at, Content::List(items))),
                (event, span) => items.push(self.below(Step::Item(items.len()), event, &span)?),
            }
        }
    }

    /// Returns the fields in their order. If a field is written twice, the last value counts, as
    /// for `kubectl`.
    fn map(&mut self, at: Position) -> Result<Node, Unreadable> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut places: HashMap<String, (usize, bool)> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(collection(at, Content::Map(entries)));
            }
            let key_at = position(&span.start);
            let merges =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.node(event, &span)?;
            let name = name(&key, key_at)?;
            let (event, span) = self.next()?;
            if merges {
                let value = self.node(event, &span)?;
                for entry in merged(value)? {
                    insert(&mut entries, &mut places, entry, true);
                }
                continue;
            }
            let value = self.below(Step::Field(name.clone()), event, &span)?;
            let entry = Entry {
                name,
                at: key_at,
                value,
            };
            let path = self.path.field(&entry.name);
            if insert(&mut entries, &mut places, entry, false) {
                self.violations.push(
                    Violation::error(
                        Source::Reader,
                        path,
                        "is written twice in the same place: keep one of them",
                    )
                    .at_key(),
                );
            }
        }
    }
}

/// Replaces the entry of the same name, or appends the entry. Returns true if the name was already
/// written, other than by a merge.
fn insert(
    entries: &mut Vec<Entry>,
    places: &mut HashMap<String, (usize, bool)>,
    entry: Entry,
    merged: bool,
) -> bool {
    let place = places.get(&entry.name).copied();
    let (index, was_merged) = place.unwrap_or((entries.len(), true));
    places.insert(entry.name.clone(), (index, merged));
    match entries.get_mut(index) {
        Some(old) => *old = entry,
        None => entries.push(entry),
    }
    !merged && !was_merged
}

/// Returns the fields that `<<` merges, of one map or of several. The first map takes precedence.
fn merged(value: Node) -> Result<Vec<Entry>, Unreadable> {
    let at = value.at;
    let wrong = || Unreadable::new(at, "<< takes a map, or a list of maps");
    match value.content {
        Content::Map(entries) => Ok(entries),
        Content::List(maps) => {
            let mut all = Vec::new();
            for map in maps.into_iter().rev() {
                match map.content {
                    Content::Map(entries) => all.extend(entries),
                    _ => return Err(wrong()),
                }
            }
            Ok(all)
        }
        _ => Err(wrong()),
    }
}

fn empty(span: &Span) -> Node {
    collection(position(&span.start), Content::Null)
}

fn collection(at: Position, content: Content) -> Node {
    Node {
        at,
        content,
        written: None,
    }
}

/// Returns a field's name. JSON has only strings as names, so `kubectl` converts numbers and
/// booleans to strings.
fn name(key: &Node, at: Position) -> Result<String, Unreadable> {
    match &key.content {
        Content::Text(text) => Ok(text.clone()),
        Content::Bool(value) => Ok(value.to_string()),
        Content::Number(value) => Ok(value.to_string()),
        Content::Null | Content::List(_) | Content::Map(_) => Err(Unreadable::new(
            at,
            "a field's name must be a string: put it in quotes",
        )),
    }
}

fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    at: Position,
) -> Result<Node, Unreadable> {
    let core = tag.and_then(Tag::core_suffix);
    let content = match (core, tag, style) {
        (Some("null" | "bool" | "int" | "float"), _, _) | (None, None, ScalarStyle::Plain) => {
            plain(text).ok_or_else(|| {
                let message = "cannot be sent to the API server: put it in quotes";
                Unreadable::new(at, format!("{text} {message}"))
            })?
        }
        (Some("binary"), _, _) => {
            return Err(Unreadable::new(
                at,
                "!!binary is not supported: write the text itself",
            ));
        }
        // `kubectl` reads a scalar with a custom tag as a string.
        _ => Content::Text(text.to_owned()),
    };
    let expected = match &content {
        Content::Null => "null",
        Content::Bool(_) => "bool",
        Content::Number(number) if number.is_f64() || core == Some("float") => "float",
        Content::Number(_) => "int",
        _ => "str",
    };
    if let Some(core @ ("null" | "bool" | "int" | "float")) = core
        && core != expected
    {
        return Err(Unreadable::new(
            at,
            format!("{text:?} does not match its tag !!{core}"),
        ));
    }
    Ok(Node {
        at,
        content,
        written: (style == ScalarStyle::Plain).then(|| text.to_owned()),
    })
}
