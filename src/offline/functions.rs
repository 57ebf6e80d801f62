//! CEL functions of the API server that differ from the interpreter's own.
//!
//! `kube-cel` 0.8 uses `cel` 0.13, and its `Validator` allows no other functions. Hence the rules
//! that `kube-cel` compiles are run here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use kube_cel::{
    KubeCelExt,
    cel::{Context, ExecutionError, FunctionContext, Value, extractors::This, functions},
};
use regex::Regex;

/// Returns a context with all functions that rules may use. The caller adds `self` for each value.
pub(super) fn context() -> Context<'static> {
    let mut context = Context::default().with_all();
    let patterns = Patterns::default();
    context.add_function(
        "matches",
        move |This(text): This<Arc<String>>, pattern: Arc<String>| {
            patterns.matches(&pattern, &text)
        },
    );
    context.add_function("size", size);
    context.add_function("timestamp", timestamp);
    context
}

/// Counts strings in characters. The interpreter counts bytes.
fn size(context: &FunctionContext, This(value): This<Value>) -> Result<i64, ExecutionError> {
    match &value {
        Value::String(text) => Ok(i64::try_from(text.chars().count()).unwrap_or(i64::MAX)),
        _ => functions::size(context, This(value)),
    }
}

/// Parses a timestamp without leap seconds and without hour 24, as Go does.
fn timestamp(text: Arc<String>) -> Result<Value, ExecutionError> {
    let time = text.split(['T', 't']).nth(1).unwrap_or_default();
    if time.get(6..8) == Some("60") || time.starts_with("24") {
        return Err(ExecutionError::function_error(
            "timestamp",
            "there is no such time",
        ));
    }
    functions::timestamp(text)
}

/// A cache of compiled regular expressions, because a rule may run on thousands of values.
#[derive(Clone, Default)]
struct Patterns(Arc<Mutex<HashMap<String, Regex>>>);

impl Patterns {
    fn matches(&self, pattern: &str, text: &str) -> Result<bool, ExecutionError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = known.get(pattern) {
            return Ok(regex.is_match(text));
        }
        let regex = Regex::new(&as_go_reads_it(pattern))
            .map_err(|error| ExecutionError::function_error("matches", error))?;
        let matches = regex.is_match(text);
        known.insert(pattern.to_owned(), regex);
        Ok(matches)
    }
}

/// Translates a regular expression of Go, in which `\w`, `\d`, `\s` and `\b` match ASCII only.
/// Rust's match every script. Source: <https://github.com/google/re2/wiki/Syntax>.
fn as_go_reads_it(pattern: &str) -> String {
    let mut read = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            read.push(character);
            continue;
        }
        match characters.next() {
            Some('w') => read.push_str("[0-9A-Za-z_]"),
            Some('W') => read.push_str("[^0-9A-Za-z_]"),
            Some('d') => read.push_str("[0-9]"),
            Some('D') => read.push_str("[^0-9]"),
            Some('s') => read.push_str(r"[\t\n\f\r ]"),
            Some('S') => read.push_str(r"[^\t\n\f\r ]"),
            Some('b') => read.push_str(r"(?-u:\b)"),
            Some(other) => read.extend(['\\', other]),
            None => read.push('\\'),
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use kube_cel::cel::Program;

    use super::*;

    fn says(rule: &str) -> Result<bool, String> {
        let program = Program::compile(rule).map_err(|error| error.to_string())?;
        match program.execute(&context()) {
            Ok(Value::Bool(value)) => Ok(value),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn functions_give_the_results_of_the_api_server() {
        for (rule, expected) in [
            (r"'role'.matches(r'^[\w+=,.@-]{1,64}$')", true),
            // In Go an umlaut is not a letter, and a no-break space is not a space.
            (r"'rôle'.matches(r'^[\w+=,.@-]{1,64}$')", false),
            ("'a\u{a0}b'.matches(r'^\\S+$')", true),
            (r"'a b'.matches(r'^\S+$')", false),
            (r"'٣'.matches(r'^\d$')", false),
            (r"'\\'.matches(r'^\\$')", true),
            ("'äöü'.size() == 3", true),
            ("size([1, 2]) == 2 && {'a': 1}.size() == 1", true),
            (
                "timestamp('2027-01-31T23:59:59Z') > timestamp('1970-01-01T00:00:00Z')",
                true,
            ),
            ("duration('1h30m') == duration('90m')", true),
            // From Kubernetes' own library.
            (
                "['a', 'b'].isSorted() && quantity('1Gi').isGreaterThan(quantity('1M'))",
                true,
            ),
        ] {
            assert_eq!(says(rule), Ok(expected), "{rule}");
        }
        for rule in [
            "timestamp('2027-01-31T23:59:60Z') > timestamp('1970-01-01T00:00:00Z')",
            "timestamp('2027-01-31T24:00:00Z') > timestamp('1970-01-01T00:00:00Z')",
            "timestamp('2027-02-30T00:00:00Z') > timestamp('1970-01-01T00:00:00Z')",
            "'a'.matches('(')",
        ] {
            assert!(says(rule).is_err(), "{rule}");
        }
    }
}
