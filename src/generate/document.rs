//! An IAM policy document, and its forms in JSON, in YAML for CloudFormation and in HCL for
//! Terraform.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use serde::Serialize;

use crate::domain::Partition;

/// The current version of the policy language; the older version is from 2008. Source: IAM User
/// Guide, "Version".
const VERSION: &str = "2012-10-17";

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    version: &'static str,
    statement: Vec<Statement>,
}

/// A statement of a policy document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// Letters and digits, unique in the document.
    pub(super) sid: String,
    pub(super) effect: Effect,
    /// Present only in trust policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) principal: Option<Principal>,
    pub(super) action: OneOrMany,
    /// Absent in trust policies, which belong to their role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<OneOrMany>,
    /// Values by operator, then by key. All conditions must hold.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) condition: BTreeMap<&'static str, BTreeMap<String, OneOrMany>>,
}

/// Effect of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
pub enum Effect {
    /// Allows the actions.
    Allow,
    /// Denies the actions, even if another statement allows them.
    Deny,
}

/// Principal that may assume a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Principal {
    /// A role, by its ARN.
    #[serde(rename = "AWS")]
    Aws(String),
    /// An identity provider, by its ARN.
    Federated(String),
    /// An AWS service, by its principal name.
    Service(&'static str),
}

/// One value or several. IAM reads a value and a list of one value alike. A single value is written
/// without a list, as people do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Partition in ARNs, or a placeholder for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionName {
    /// A fixed partition.
    Fixed(Partition),
    /// The partition of the CloudFormation stack.
    CloudFormation,
    /// The partition of Terraform's provider.
    Terraform,
}

impl Document {
    pub(super) fn new(statement: Vec<Statement>) -> Self {
        Self {
            version: VERSION,
            statement,
        }
    }

    /// Returns the document as JSON, with a newline at the end.
    ///
    /// # Errors
    /// None are known: all keys are strings.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Returns the statements as items of a YAML list, for CloudFormation. Texts with `${…}` go
    /// through `Fn::Sub`.
    pub(super) fn yaml(&self) -> String {
        self.statement.iter().map(Statement::yaml).collect()
    }

    /// Returns the statements as blocks of Terraform's `aws_iam_policy_document`, formatted as by
    /// `terraform fmt`.
    pub(super) fn hcl(&self) -> String {
        let blocks: Vec<_> = self.statement.iter().map(Statement::hcl).collect();
        blocks.join("\n")
    }
}

impl Statement {
    pub(super) fn allow(sid: impl Into<String>, actions: &[&str]) -> Self {
        Self::new(sid, Effect::Allow, actions)
    }

    pub(super) fn deny(sid: impl Into<String>, actions: &[&str]) -> Self {
        Self::new(sid, Effect::Deny, actions)
    }

    fn new(sid: impl Into<String>, effect: Effect, actions: &[&str]) -> Self {
        Self {
            sid: sid.into(),
            effect,
            principal: None,
            action: OneOrMany::of(actions.iter().copied()),
            resource: None,
            condition: BTreeMap::new(),
        }
    }

    pub(super) fn on<T: Into<String>>(mut self, resources: impl IntoIterator<Item = T>) -> Self {
        self.resource = Some(OneOrMany::of(resources));
        self
    }

    pub(super) fn by(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    pub(super) fn when<T: Into<String>>(
        mut self,
        operator: &'static str,
        key: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let keys = self.condition.entry(operator).or_default();
        keys.insert(key.into(), OneOrMany::of(values));
        self
    }

    fn yaml(&self) -> String {
        let mut text = format!("- Sid: {}\n  Effect: {}\n", self.sid, self.effect);
        for (name, values) in [
            ("Action", Some(&self.action)),
            ("Resource", self.resource.as_ref()),
        ] {
            if let Some(values) = values {
                text.push_str(&values.yaml(name, 2));
            }
        }
        if !self.condition.is_empty() {
            text.push_str("  Condition:\n");
        }
        for (operator, keys) in &self.condition {
            _ = writeln!(text, "    {}:", yaml_scalar(operator));
            for (key, values) in keys {
                text.push_str(&values.yaml(&yaml_scalar(key), 6));
            }
        }
        text
    }

    fn hcl(&self) -> String {
        let mut text = format!(
            "statement {{\n  sid       = {}\n  effect    = {}\n  actions   = {}\n",
            quoted(&self.sid),
            quoted(&self.effect.to_string()),
            self.action.hcl(),
        );
        if let Some(resources) = &self.resource {
            _ = writeln!(text, "  resources = {}", resources.hcl());
        }
        for (operator, keys) in &self.condition {
            for (key, values) in keys {
                _ = write!(
                    text,
                    "\n  condition {{\n    test     = {}\n    variable = {}\n    values   = {}\n  }}\n",
                    quoted(operator),
                    quoted(key),
                    values.hcl(),
                );
            }
        }
        text + "}\n"
    }
}

impl OneOrMany {
    fn of<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        let mut values: Vec<String> = values.into_iter().map(Into::into).collect();
        match (values.pop(), values.is_empty()) {
            (Some(only), true) => Self::One(only),
            (last, _) => {
                values.extend(last);
                Self::Many(values)
            }
        }
    }

    fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }

    fn yaml(&self, name: &str, indent: usize) -> String {
        let mut text = format!("{:indent$}{name}:", "");
        match self {
            Self::One(value) => _ = writeln!(text, " {}", yaml_value(value)),
            Self::Many(values) => {
                text.push('\n');
                for value in values {
                    _ = writeln!(text, "{:indent$}  - {}", "", yaml_value(value));
                }
            }
        }
        text
    }

    fn hcl(&self) -> String {
        let values: Vec<_> = self.values().iter().map(|value| quoted(value)).collect();
        format!("[{}]", values.join(", "))
    }
}

impl PartitionName {
    /// Returns the ARN pattern of all notebook instances.
    pub(super) fn notebooks(self) -> String {
        format!("arn:{self}:sagemaker:*:*:notebook-instance/*")
    }
}

impl fmt::Display for PartitionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Fixed(partition) => partition.as_str(),
            Self::CloudFormation => "${AWS::Partition}",
            Self::Terraform => "${data.aws_partition.current.partition}",
        })
    }
}

/// Returns a value for a CloudFormation template.
fn yaml_value(text: &str) -> String {
    if text.contains("${") {
        return format!("!Sub {}", quoted(text));
    }
    yaml_scalar(text)
}

/// Returns a text in YAML: plain if every reader takes it for a text, else in quotes.
pub(super) fn yaml_scalar(text: &str) -> String {
    let mut bytes = text.bytes();
    let plain = bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b":/.-_".contains(&byte))
        && !text.ends_with(':')
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { quoted(text) }
}

/// Returns a text in double quotes, which JSON, YAML and HCL read alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_stands_alone_and_several_in_a_list() {
        assert_eq!(OneOrMany::of(["a"]), OneOrMany::One("a".into()));
        let several = OneOrMany::of(["a", "b"]);
        assert_eq!(several, OneOrMany::Many(vec!["a".into(), "b".into()]));
    }

    #[test]
    fn yaml_readers_see_texts() {
        for (text, expected) in [
            ("sts:AssumeRole", "sts:AssumeRole"),
            ("*", "\"*\""),
            ("no", "\"no\""),
            ("Null", "\"Null\""),
            ("", "\"\""),
            ("111122223333", "\"111122223333\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("a\"b", "\"a\\\"b\""),
        ] {
            assert_eq!(yaml_scalar(text), expected);
        }
        let arn = "arn:${AWS::Partition}:x";
        assert_eq!(yaml_value(arn), format!("!Sub \"{arn}\""));
    }
}
