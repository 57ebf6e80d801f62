//! Locations of results. Code scanning shows a result in a file of the repository, and rejects
//! results without a location.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::Policy;

/// Characters to escape in a path: all except RFC 3986's unreserved characters and the slash
/// between parts.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Returns the locations of a result: the policy's file and line, and the object `about`. A policy
/// from flags or from standard input has no file. Then `otherwise` is used, a path of no existing
/// file.
pub(super) fn of(policy: &Policy, otherwise: &str, about: &Value) -> Value {
    let (artifact, line) = match file(policy) {
        Some((file, line)) => (artifact(file), line),
        None => (json!({"uri": encoded(otherwise)}), 1),
    };
    json!([{
        "physicalLocation": {"artifactLocation": artifact, "region": {"startLine": line}},
        "logicalLocations": [about],
    }])
}

/// Returns the policy's file and line, if it has a file.
fn file(policy: &Policy) -> Option<(&str, u64)> {
    let (file, line) = policy.source.as_deref()?.rsplit_once(':')?;
    let line = line.parse().ok().filter(|line| *line > 0)?;
    (file != "standard input").then_some((file, line))
}

/// Returns the file's location as given on the command line. In CI that is relative to the
/// repository's root.
fn artifact(file: &str) -> Value {
    if file.starts_with('/') {
        return json!({"uri": format!("file://{}", encoded(file))});
    }
    let file = file.trim_start_matches("./");
    json!({"uri": encoded(file), "uriBaseId": "%SRCROOT%"})
}

fn encoded(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;
    use crate::{api::Mode, report::model::Summary};

    #[test]
    fn a_policy_is_where_its_file_is() {
        for (source, uri, line) in [
            (Some("policies/a.yaml:12"), "policies/a.yaml", 12),
            (Some("./a b#1.yaml:3"), "a%20b%231.yaml", 3),
            (Some("c:d.yaml:3"), "c%3Ad.yaml", 3),
            (Some("/srv/ä.yaml:1"), "file:///srv/%C3%A4.yaml", 1),
            (Some("standard input:7"), "aws/x%20y", 1),
            (None, "aws/x%20y", 1),
        ] {
            let policy = Policy {
                name: "no-root".to_owned(),
                source: source.map(str::to_owned),
                mode: Mode::Audit,
                summary: Summary::default(),
                warnings: Vec::new(),
                targets: Vec::new(),
                notebooks: Vec::new(),
            };
            let locations = of(&policy, "aws/x y", &json!({}));
            let physical = &locations[0]["physicalLocation"];
            assert_eq!(physical["artifactLocation"]["uri"], uri, "{source:?}");
            assert_eq!(physical["region"]["startLine"], line, "{source:?}");
        }
    }
}
