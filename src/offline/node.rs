//! Values of a document, with their position in the text.

use serde_json::{Map, Number, Value};

use super::{
    location::{FieldPath, Position, Step},
    problem::Label,
};

/// A value and its position.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) content: Content,
    /// The source text of a scalar without quotes.
    pub(super) written: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A field of a map.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) at: Position,
    pub(super) value: Node,
}

impl Node {
    /// Returns a field's value, if this is a map with the field.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|entry| &entry.value)
    }

    /// Returns the string in a field.
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

    /// Returns the value one step down, and the position of its key or item.
    fn child(&self, step: &Step) -> Option<(&Node, Position)> {
        match (step, &self.content) {
            (Step::Field(name), _) => self.entry(name).map(|entry| (&entry.value, entry.at)),
            (Step::Item(index), Content::List(items)) => items.get(*index).map(|it| (it, it.at)),
            (Step::Item(_), _) => None,
        }
    }

    /// Returns the value at a path.
    pub(super) fn find(&self, path: &FieldPath) -> Option<&Node> {
        let mut steps = path.steps().iter();
        steps.try_fold(self, |node, step| Some(node.child(step)?.0))
    }

    /// Returns the position of a path. If the value is missing, returns the position of the
    /// innermost existing value above it.
    pub(super) fn locate(&self, path: &FieldPath, label: Label) -> Position {
        let (mut node, mut at) = (self, self.at);
        for step in path.steps() {
            let Some(child) = node.child(step) else {
                return at;
            };
            (node, at) = child;
        }
        match &node.content {
            Content::List(_) | Content::Map(_) => at,
            _ if label == Label::Name => at,
            _ => node.at,
        }
    }

    /// Returns the value as JSON, without positions.
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

    /// Returns the number of values, including this one.
    pub(super) fn size(&self) -> usize {
        1 + match &self.content {
            Content::List(items) => items.iter().map(Node::size).sum(),
            Content::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
            _ => 0,
        }
    }
}
