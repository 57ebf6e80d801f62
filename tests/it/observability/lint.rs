//! What `promtool check metrics` would say of a metrics page, and a few rules of our own.

use std::collections::{BTreeMap, BTreeSet};

/// A family of series as a metrics page shows it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Family {
    /// Its `# HELP` text.
    pub help: Option<String>,
    /// Its `# TYPE`.
    pub kind: Option<String>,
    /// The label names seen, without a histogram's `le`.
    pub labels: BTreeSet<String>,
    /// Each series with its labels, as written.
    pub series: Vec<String>,
}

/// Words that are no base unit.
const UNITS: &[&str] = &[
    "milliseconds",
    "ms",
    "microseconds",
    "nanoseconds",
    "minutes",
    "hours",
    "days",
    "kilobytes",
    "kb",
    "megabytes",
    "mb",
    "gigabytes",
    "percent",
    "secs",
    "mins",
];

/// The families of a page, by name.
///
/// # Panics
/// Where a line is not in the text format.
pub fn families(page: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            let known = families
                .entry(name.into())
                .or_default()
                .help
                .replace(help.into());
            assert!(known.is_none(), "{name} has HELP twice");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            let known = families
                .entry(name.into())
                .or_default()
                .kind
                .replace(kind.into());
            assert!(known.is_none(), "{name} has TYPE twice");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            value.parse::<f64>().unwrap();
            let (name, labels) = parse_series(series);
            let family = families.entry(family_of(&name, page)).or_default();
            family
                .labels
                .extend(labels.into_keys().filter(|label| label != "le"));
            family.series.push(series.into());
        }
    }
    families
}

/// Name and labels of a series, unescaped.
///
/// # Panics
/// Where it is not in the text format.
pub fn parse_series(series: &str) -> (String, BTreeMap<String, String>) {
    let Some((name, rest)) = series.split_once('{') else {
        return (series.into(), BTreeMap::new());
    };
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    while rest != "}" {
        let (label, quoted) = rest.split_once("=\"").unwrap();
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        let end = loop {
            match characters.next().unwrap() {
                (_, '\\') => value.push(match characters.next().unwrap().1 {
                    'n' => '\n',
                    escaped @ ('\\' | '"') => escaped,
                    other => panic!("\\{other} in {series}"),
                }),
                (end, '"') => break end,
                (_, character) => value.push(character),
            }
        };
        assert!(
            labels.insert(label.into(), value).is_none(),
            "{label} twice in {series}"
        );
        rest = &quoted[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    (name.into(), labels)
}

/// What is wrong with a page.
pub fn lint(page: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, family) in families(page) {
        let mut rule = |holds: bool, problem: &str| {
            if !holds {
                problems.push(format!("{name}: {problem}"));
            }
        };
        let kind = family.kind.as_deref().unwrap_or_default();
        let words: Vec<_> = name.split('_').collect();
        rule(
            family.help.as_ref().is_some_and(|help| help.len() >= 10),
            "no HELP",
        );
        rule(family.kind.is_some(), "no TYPE");
        rule(is_snake(&name), "not snake case");
        rule(
            family.labels.iter().all(|label| is_snake(label)),
            "a label is not snake case",
        );
        rule(
            (kind == "counter") == name.ends_with("_total"),
            "_total is for counters, and for all of them",
        );
        rule(
            !words.iter().any(|word| UNITS.contains(word)),
            "not a base unit",
        );
        rule(!words.contains(&kind), "its type is in its name");
        rule(
            !["_count", "_sum", "_bucket"]
                .iter()
                .any(|suffix| name.ends_with(suffix)),
            "a suffix of histograms",
        );
        rule(
            !words.contains(&"duration") || name.ends_with("_seconds"),
            "a duration that is not in seconds",
        );
        rule(
            !words.contains(&"timestamp") || name.ends_with("_timestamp_seconds"),
            "a timestamp that is not in seconds",
        );
        rule(
            name.starts_with("sudoless_") || name.starts_with("process_"),
            "not ours",
        );
        let unique: BTreeSet<_> = family
            .series
            .iter()
            .map(|series| parse_series(series))
            .collect();
        rule(
            unique.len() == family.series.len(),
            "a series is there twice",
        );
        rule(!family.series.is_empty(), "no series");
    }
    problems
}

fn is_snake(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.contains("__")
}

/// A histogram's series have suffixes that its family has not.
fn family_of(series: &str, page: &str) -> String {
    ["_bucket", "_sum", "_count"]
        .iter()
        .filter_map(|suffix| series.strip_suffix(suffix))
        .find(|family| page.contains(&format!("# TYPE {family} histogram\n")))
        .unwrap_or(series)
        .into()
}
