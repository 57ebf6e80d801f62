//! Reads CloudFormation's YAML, and resolves what a stack resolves.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};
use serde_saphyr::Tagged;

/// A value, with `!Name x` as `{"!Name": x}`.
struct Node(Value);

struct Untagged(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Untagged(value), tag) = Tagged::deserialize(deserializer)?;
        Ok(Self(match tag.filter(|tag| tag.starts_with('!')) {
            Some(tag) => json!({tag: value}),
            None => value,
        }))
    }
}

impl<'de> Deserialize<'de> for Untagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("YAML")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(Node(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(list.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
                let mut map = Map::new();
                while let Some((key, Node(value))) = entries.next_entry::<String, _>()? {
                    assert!(map.insert(key, value).is_none(), "a key stands twice");
                }
                Ok(map.into())
            }
        }
        deserializer.deserialize_any(Any).map(Self)
    }
}

/// The resources of a stack that is made of a template in the partition `aws-cn`, with some
/// parameters; the others have their defaults.
pub fn stack(template: &str, parameters: &[(&str, &str)]) -> Value {
    let Node(template) = serde_saphyr::from_str(template).unwrap();
    let mut known = Map::new();
    for (name, parameter) in template["Parameters"].as_object().unwrap() {
        let given = parameters.iter().find(|(each, _)| each == name);
        let value = given.map_or_else(|| parameter["Default"].clone(), |(_, value)| json!(value));
        assert!(!value.is_null(), "{name} needs a value");
        known.insert(name.clone(), value);
    }
    known.insert("AWS::Partition".into(), "aws-cn".into());
    known.insert("AWS::Region".into(), "cn-north-1".into());
    known.insert("AWS::AccountId".into(), "111122223333".into());
    let conditions = template["Conditions"].as_object().unwrap().clone();
    Stack { known, conditions }
        .resolve(&template["Resources"])
        .unwrap()
}

struct Stack {
    known: Map<String, Value>,
    conditions: Map<String, Value>,
}

impl Stack {
    /// `None`: there is no such value.
    fn resolve(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(items) => Some(items.iter().filter_map(|it| self.resolve(it)).collect()),
            Value::Object(map) => {
                let mut entries = map.iter();
                if let (Some((tag, of)), None) = (entries.next(), entries.next())
                    && tag.starts_with('!')
                {
                    return self.call(tag, of);
                }
                let resolved = map
                    .iter()
                    .filter_map(|(key, value)| Some((key.clone(), self.resolve(value)?)));
                Some(Value::Object(resolved.collect()))
            }
            plain => Some(plain.clone()),
        }
    }

    fn call(&self, function: &str, of: &Value) -> Option<Value> {
        match function {
            "!Ref" if of == "AWS::NoValue" => None,
            "!Ref" => Some(self.known[of.as_str().unwrap()].clone()),
            "!Sub" => {
                let mut text = of.as_str().unwrap().to_owned();
                for (name, value) in &self.known {
                    text = text.replace(&format!("${{{name}}}"), value.as_str().unwrap_or("?"));
                }
                assert!(!text.contains("${"), "{text}");
                Some(text.into())
            }
            "!If" => {
                let holds = self.holds(&self.conditions[of[0].as_str().unwrap()]);
                self.resolve(&of[if holds { 1 } else { 2 }])
            }
            "!GetAtt" => Some(json!({"GetAtt": of})),
            other => panic!("{other} is not known"),
        }
    }

    fn holds(&self, condition: &Value) -> bool {
        let (function, of) = condition.as_object().unwrap().iter().next().unwrap();
        match &**function {
            "!Not" => !self.holds(&of[0]),
            "!Equals" => self.resolve(&of[0]) == self.resolve(&of[1]),
            other => panic!("{other} is not known"),
        }
    }
}
