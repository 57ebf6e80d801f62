//! What makes a text readable, whatever it says.

use serde_json::Value;

use super::shown::Shown;

/// Reasons of events that need nobody.
const GOOD_NEWS: [&str; 6] = [
    "Pending",
    "Stopping",
    "Updating",
    "Starting",
    "Succeeded",
    "Cancelled",
];

/// Looks at every message of a resource and its events.
///
/// # Panics
/// If one is not readable.
pub fn holds(resource: &str, shown: &Shown) {
    let mut texts = Vec::new();
    messages(&shown.object["status"], &mut texts);
    assert!(!texts.is_empty(), "{resource} says nothing");
    for (kind, reason, note) in &shown.events {
        texts.push(note.clone());
        let wanted = if GOOD_NEWS.contains(&reason.as_str()) {
            "Normal"
        } else {
            "Warning"
        };
        assert_eq!(kind, wanted, "{resource}: {reason}: {note}");
        assert!(is_word(reason), "{resource}: {reason}");
        // kubectl breaks no lines here, so the description contains the event's note.
        assert!(shown.description.contains(note.as_str()), "{note}");
    }
    for text in texts {
        let wrong = complaints(&text);
        assert!(
            wrong.is_empty(),
            "{resource}: {text:?} {}",
            wrong.join(", ")
        );
    }
}

/// The values of `message`, wherever they are.
fn messages(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if name == "message" => found.push(text.clone()),
                    other => messages(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| messages(item, found)),
        _ => {}
    }
}

fn is_word(reason: &str) -> bool {
    reason.starts_with(|first: char| first.is_ascii_uppercase())
        && reason.chars().all(|letter| letter.is_ascii_alphabetic())
}

/// What is wrong with a text.
pub fn complaints(text: &str) -> Vec<&'static str> {
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    let last = text.chars().next_back().unwrap_or_default();
    let rules = [
        (text.is_empty(), "is empty"),
        (text.trim() != text, "begins or ends with a blank"),
        (has(&["  ", "\n", "\t"]), "has gaps"),
        (
            text.starts_with(|first: char| first.is_uppercase()) && !begins_with_a_name(text),
            "begins with a capital",
        ),
        (
            ".,:;(".contains(last),
            "ends in the middle, or with a full stop",
        ),
        (
            has(&["Some(", "None", "Err(", "Ok(", "Error {", "\\"]),
            "shows the program's insides",
        ),
        (
            has(&[
                "()", "``", "''", "\"\"", ": ;", ": ,", ", ,", " ;", " ,", " .", ";;", ";.", ".;",
                "(: ",
            ]),
            "has a hole",
        ),
        (has(&["RequestId", "request id"]), "names a request"),
        (has_wrong_number(text), "counts wrongly"),
    ];
    let wrong = rules.into_iter().filter(|(holds, _)| *holds);
    wrong.map(|(_, complaint)| complaint).collect()
}

/// AWS and its operations are written as AWS writes them.
fn begins_with_a_name(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    first == "AWS" || first.chars().filter(|letter| letter.is_uppercase()).count() > 1
}

/// `1 notebooks`, `2 notebook`.
fn has_wrong_number(text: &str) -> bool {
    let words: Vec<&str> = text.split([' ', ',', ';', ':', '.', '(', ')']).collect();
    words.windows(2).any(|pair| {
        let Ok(count) = pair[0].parse::<u64>() else {
            return false;
        };
        let noun = pair[1];
        let singular = ["notebook", "account", "remediation", "policy", "region"].contains(&noun);
        let plural = [
            "notebooks",
            "accounts",
            "remediations",
            "policies",
            "regions",
        ]
        .contains(&noun);
        (singular && count != 1) || (plural && count == 1)
    })
}

#[test]
fn what_is_not_readable_is_found() {
    for (text, wanted) in [
        ("", "is empty"),
        ("it is read ", "begins or ends with a blank"),
        ("it is  read", "has gaps"),
        ("It is read", "begins with a capital"),
        ("it is read.", "ends in the middle, or with a full stop"),
        ("not read:", "ends in the middle, or with a full stop"),
        ("the reason is Some(Denied)", "shows the program's insides"),
        ("not read:  (AccessDenied)", "has gaps"),
        ("the role ``", "has a hole"),
        ("1 notebooks give root", "counts wrongly"),
        ("2 notebook gives root", "counts wrongly"),
        ("0 account and region read", "counts wrongly"),
    ] {
        let found = complaints(text);
        assert!(found.contains(&wanted), "{text:?}: {found:?}");
    }
    for text in [
        "AWS said: no",
        "AssumeRole: it is refused",
        "1 notebook gives root, 2 notebooks do not",
    ] {
        assert_eq!(complaints(text), Vec::<&str>::new(), "{text:?}");
    }
}
