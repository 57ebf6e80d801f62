//! Decides as IAM does, for what our documents use: an explicit denial wins, then what is allowed,
//! else nothing is.
//!
//! After the IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements". An element
//! or operator that is not known here ends the test, so that nothing is passed over.

use serde_json::Value;

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement matches the action.
    NotAllowed,
}

/// A request as the policies see it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Kind and name of who asks, such as `AWS` and an ARN; read only by trust policies.
    pub principal: (&'a str, &'a str),
    pub action: &'a str,
    pub resource: &'a str,
    /// The condition keys that the request has; what is not here is not there.
    pub context: &'a [(&'a str, &'a str)],
}

/// Decides by all the statements of some documents.
pub fn decide(documents: &[&Value], request: Request<'_>) -> Decision {
    let matching: Vec<&str> = documents
        .iter()
        .flat_map(|document| {
            assert_eq!(document["Version"], "2012-10-17", "{document}");
            document["Statement"].as_array().unwrap()
        })
        .filter(|statement| applies(statement, request))
        .map(|statement| statement["Effect"].as_str().unwrap())
        .collect();
    if matching.contains(&"Deny") {
        Decision::Denied
    } else if matching.contains(&"Allow") {
        Decision::Allowed
    } else {
        Decision::NotAllowed
    }
}

fn applies(statement: &Value, request: Request<'_>) -> bool {
    let elements = statement.as_object().unwrap();
    assert!(matches!(
        statement["Effect"].as_str(),
        Some("Allow" | "Deny")
    ));
    elements.iter().all(|(element, value)| match &**element {
        "Sid" | "Effect" => true,
        "Principal" => {
            let (kind, name) = request.principal;
            texts(&value[kind]).any(|each| each == name)
        }
        "Action" => texts(value).any(|each| action_matches(each, request.action)),
        "NotAction" => !texts(value).any(|each| action_matches(each, request.action)),
        "Resource" => texts(value).any(|each| glob(each, request.resource)),
        "Condition" => value
            .as_object()
            .unwrap()
            .iter()
            .all(|(operator, keys)| holds(operator, keys, request)),
        other => panic!("the element {other} is not known: {statement}"),
    })
}

/// One operator with all its keys.
fn holds(operator: &str, keys: &Value, request: Request<'_>) -> bool {
    keys.as_object().unwrap().iter().all(|(key, values)| {
        let present = request
            .context
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| *value);
        let (operator, if_exists) = match operator.strip_suffix("IfExists") {
            Some(operator) => (operator, true),
            None => (operator, false),
        };
        let Some(present) = present else {
            return match operator {
                "Null" => texts(values).any(|each| each == "true"),
                _ => if_exists || operator.contains("Not"),
            };
        };
        let any =
            |matches: fn(&str, &str) -> bool| texts(values).any(|each| matches(each, present));
        match operator {
            "StringEquals" => any(|each, present| each == present),
            "StringNotEquals" => !any(|each, present| each == present),
            "StringLike" | "ArnLike" => any(glob),
            "StringNotLike" | "ArnNotLike" => !any(glob),
            "Null" => texts(values).any(|each| each == "false"),
            other => panic!("the operator {other} is not known"),
        }
    })
}

/// A text, or the texts of a list; of nothing, none.
pub fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let one = value.as_str();
    let several = value.as_array().into_iter().flatten();
    one.into_iter()
        .chain(several.map(|each| each.as_str().unwrap()))
}

/// Actions are matched without regard to case.
fn action_matches(pattern: &str, action: &str) -> bool {
    glob(&pattern.to_lowercase(), &action.to_lowercase())
}

/// `*` stands for any text, `?` for one character.
fn glob(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return text.is_empty();
    };
    let rest = &pattern[first.len_utf8()..];
    let next = text.chars().next();
    let after = || &text[next.map_or(0, char::len_utf8)..];
    match first {
        '*' => glob(rest, text) || (next.is_some() && glob(pattern, after())),
        '?' => next.is_some() && glob(rest, after()),
        _ => next == Some(first) && glob(rest, after()),
    }
}

mod tests {
    use serde_json::json;

    use super::*;

    #[expect(
        clippy::needless_pass_by_value,
        reason = "cases write it where they are"
    )]
    fn holds_for(condition: Value, context: &[(&str, &str)]) -> bool {
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s:A", "Resource": "*", "Condition": condition}
        ]});
        let request = Request {
            principal: ("AWS", "x"),
            action: "s:a",
            resource: "r",
            context,
        };
        decide(&[&document], request) == Decision::Allowed
    }

    /// The IAM User Guide's own words: a key that is not there matches nothing, but for negated
    /// operators, `IfExists` and `Null`.
    #[test]
    fn a_key_that_is_not_there() {
        for (operator, value, expected) in [
            ("StringEquals", "v", false),
            ("StringLike", "*", false),
            ("ArnLike", "*", false),
            ("StringNotEquals", "v", true),
            ("StringNotLike", "*", true),
            ("ArnNotLike", "*", true),
            ("StringEqualsIfExists", "v", true),
            ("StringNotEqualsIfExists", "v", true),
            ("Null", "true", true),
            ("Null", "false", false),
        ] {
            assert_eq!(
                holds_for(json!({operator: {"k": value}}), &[]),
                expected,
                "{operator}"
            );
        }
    }

    #[test]
    fn a_key_that_is_there() {
        for (operator, value, expected) in [
            ("StringEquals", "v", true),
            ("StringEquals", "V", false),
            ("StringEquals", "*", false),
            ("StringLike", "?", true),
            ("StringNotEquals", "v", false),
            ("StringNotEquals", "w", true),
            ("ArnNotLike", "v*", false),
            ("StringEqualsIfExists", "w", false),
            ("Null", "true", false),
            ("Null", "false", true),
        ] {
            assert_eq!(
                holds_for(json!({operator: {"K": value}}), &[("k", "v")]),
                expected,
                "{operator} {value}"
            );
        }
        // All keys and operators must hold, of the values any.
        let two = json!({"StringEquals": {"k": ["v", "w"], "l": "v"}});
        assert!(!holds_for(two.clone(), &[("k", "w")]));
        assert!(holds_for(two, &[("k", "w"), ("l", "v")]));
    }

    #[test]
    fn patterns() {
        assert!(glob("a*c?", "abbcd") && glob("*", "") && glob("a**", "a"));
        assert!(!glob("a*c?", "abbc") && !glob("", "a") && !glob("a", "ab"));
    }

    #[test]
    fn a_denial_wins_wherever_it_stands() {
        let allow = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        let deny = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "NotAction": "s:B", "Resource": "*"}]});
        let request = |action| Request {
            principal: ("AWS", "x"),
            action,
            resource: "r",
            context: &[],
        };
        assert_eq!(decide(&[&deny, &allow], request("s:A")), Decision::Denied);
        assert_eq!(decide(&[&allow, &deny], request("s:B")), Decision::Allowed);
        assert_eq!(decide(&[&deny], request("s:B")), Decision::NotAllowed);
    }
}
