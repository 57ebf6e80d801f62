//! A value of a document, with its place in the text.

use serde_json::{Map, Number, Value};

use super::{
    place::{FieldPath, Position, Step},
    problem::Mark,
};

/// A value and where it is.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) content: Content,
    /// How a scalar without quotes is written.
    pub(super) written: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A field of a map.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) at: Position,
    pub(super) value: Node,
}

impl Node {
    /// A field's value, if this is a map that has it.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|entry| &entry.value)
    }

    /// The text of a field.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match &self.get(name)?.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        match &self.content {
            Content::Map(entries) => entries.iter().rfind(|entry| entry.name == name),
            _ => None,
        }
    }

    /// What is at a path.
    pub(super) fn find(&self, path: &FieldPath) -> Option<&Node> {
        path.steps().iter().try_fold(self, |node, step| match step {
            Step::Field(name) => node.get(name),
            Step::Item(index) => match &node.content {
                Content::List(items) => items.get(*index),
                _ => None,
            },
        })
    }

    /// Where to look for what is at a path; what is not there is looked for in what it would be in.
    pub(super) fn locate(&self, path: &FieldPath, mark: Mark) -> Position {
        let (mut node, mut at) = (self, self.at);
        for step in path.steps() {
            let next = match step {
                Step::Field(name) => node.entry(name).map(|entry| (&entry.value, entry.at)),
                Step::Item(index) => match &node.content {
                    Content::List(items) => items.get(*index).map(|item| (item, item.at)),
                    _ => None,
                },
            };
            let Some((found, found_at)) = next else {
                return at;
            };
            (node, at) = (found, found_at);
        }
        match &node.content {
            Content::List(_) | Content::Map(_) => at,
            _ if mark == Mark::Name => at,
            _ => node.at,
        }
    }

    /// The same without places.
    pub(super) fn json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(value) => Value::Number(value.clone()),
            Content::Text(value) => Value::String(value.clone()),
            Content::List(items) => items.iter().map(Node::json).collect(),
            Content::Map(entries) => entries
                .iter()
                .map(|entry| (entry.name.clone(), entry.value.json()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    /// How many values it is, itself included.
    pub(super) fn size(&self) -> usize {
        1 + match &self.content {
            Content::List(items) => items.iter().map(Node::size).sum(),
            Content::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
            _ => 0,
        }
    }
}
