//! The values under `flags` are the flags of `sudoless run`, each and no other, and the documented
//! defaults are the program's.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

const VALUES: &str = include_str!("../../../charts/sudoless/values.yaml");
const README: &str = include_str!("../../../charts/sudoless/README.md");

/// Each flag of `sudoless run` in camel case, and the default that its help names.
fn flags() -> BTreeMap<String, Option<String>> {
    let output = Command::new(env!("CARGO_BIN_EXE_sudoless"))
        .args(["run", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    // From one flag to the next: the lines are wrapped.
    let mut texts: Vec<(String, String)> = Vec::new();
    for line in help.lines().map(str::trim) {
        let begins = line.strip_prefix("--").and_then(|rest| {
            let (name, _) = rest.split_once(" <").or_else(|| rest.split_once(" ["))?;
            Some(camel(name))
        });
        match (begins, texts.last_mut()) {
            (Some(name), _) => texts.push((name, String::new())),
            (None, Some((_, text))) => text.extend([" ", line]),
            (None, None) => {}
        }
    }
    let flags: BTreeMap<_, _> = texts
        .into_iter()
        .map(|(name, text)| {
            let default = text
                .split_once("[default: ")
                .and_then(|(_, rest)| rest.split_once(']'));
            (name, default.map(|(default, _)| default.to_owned()))
        })
        .collect();
    assert!(flags.len() > 10, "{help}");
    flags
}

fn camel(name: &str) -> String {
    let mut words = name.split('-');
    let first = words.next().unwrap().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(1);
        name + &initial.to_uppercase() + rest
    })
}

/// The flags among the chart's values.
fn values() -> BTreeMap<String, Value> {
    let values: Value = serde_saphyr::from_str(VALUES).unwrap();
    serde_json::from_value(values["flags"].clone()).unwrap()
}

#[test]
fn every_flag_has_a_value_and_every_value_is_a_flag() {
    assert!(
        flags().keys().eq(values().keys()),
        "{:?}\n{:?}",
        flags().keys(),
        values().keys()
    );
}

#[test]
fn the_defaults_in_the_readme_are_the_programs() {
    let values = values();
    for (name, default) in flags() {
        let row = README
            .lines()
            .find_map(|line| line.strip_prefix(&format!("| flags.{name} | ")))
            .unwrap();
        let shown = row.split('|').nth(1).unwrap().trim();
        match (values[&name].as_str(), default) {
            // In a cluster logs are for machines, and the lease for sure.
            (Some(own), _) => assert_eq!(shown, format!("`\"{own}\"`"), "{name}"),
            (None, _) if !values[&name].is_null() => {
                assert_eq!(shown, format!("`{}`", values[&name]));
            }
            (None, Some(default)) if shown.starts_with('`') => {
                let first = shown.trim_start_matches('`').split('`').next().unwrap();
                let named = default.split([' ', ',']).next().unwrap();
                // A list is a default as a whole.
                let named = if first == default { first } else { named };
                assert_eq!(first, named, "{name}: {default}");
            }
            (None, _) => assert!(
                shown.starts_with("the release's") || shown == "every policy",
                "{name}: {shown}"
            ),
        }
    }
}
