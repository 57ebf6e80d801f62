//! The contract in `docs/design.md` and the decisions in `docs/adr` are complete: each promise that
//! is cited has a heading, and each link in the documentation leads to a file and a heading that
//! exist.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;
use walkdir::WalkDir;

/// The folders and files that cite promises or hold documentation.
const SOURCES: [&str; 11] = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benches",
    "charts",
    "config",
    "docs",
    "scripts",
    "src",
    "tests",
    ".github",
];

/// An ADR fits on one page.
const LONGEST_ADR: usize = 60;

const SECTIONS: [&str; 4] = ["## Status", "## Context", "## Decision", "## Consequences"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text files below [`SOURCES`] with one of these extensions.
fn files(extensions: &[&str]) -> Vec<PathBuf> {
    SOURCES
        .iter()
        .flat_map(|source| WalkDir::new(root().join(source)).sort_by_file_name())
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            let installed = path.iter().any(|part| part == "node_modules");
            extension.is_some_and(|extension| extensions.contains(&extension)) && !installed
        })
        .collect()
}

/// A Markdown text without its blocks of code.
fn prose(markdown: &str) -> String {
    let mut in_code = false;
    let mut prose = String::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// The anchors of the headings, as code hosts derive them.
fn anchors(markdown: &str) -> BTreeSet<String> {
    prose(markdown)
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .chars()
                .filter_map(|character| match character.to_ascii_lowercase() {
                    ' ' => Some('-'),
                    kept if kept.is_alphanumeric() || matches!(kept, '-' | '_') => Some(kept),
                    _ => None,
                })
                .collect()
        })
        .collect()
}

/// The numbers of the promises that a text cites, such as in "promises P2 to P4".
fn cited(text: &str) -> BTreeSet<u32> {
    let citation = Regex::new(r"(?i)\bpromises?\s+(P\d+(?:(?:,| and| to)+ P\d+)*)").unwrap();
    let number = Regex::new(r"P(\d+)").unwrap();
    citation
        .captures_iter(text)
        .flat_map(|found| {
            let numbers = number.captures_iter(found.get(1).unwrap().as_str());
            numbers
                .map(|found| found[1].parse().unwrap())
                .collect::<Vec<u32>>()
        })
        .collect()
}

#[test]
fn each_cited_promise_has_a_heading() {
    let heading = Regex::new(r"(?m)^### P(\d+): \S").unwrap();
    let design = text("docs/design.md");
    let headings: Vec<u32> = heading
        .captures_iter(&design)
        .map(|found| found[1].parse().unwrap())
        .collect();
    assert_eq!(headings, (1..=11).collect::<Vec<_>>());

    let mut all = BTreeSet::new();
    for path in files(&["rs", "md", "sh", "patch", "yaml"]) {
        let cited = cited(&text(&path));
        for number in &cited {
            assert!(
                headings.contains(number),
                "{}: P{number} is not in docs/design.md",
                path.display()
            );
        }
        all.extend(cited);
    }
    // A reader that finds no citations proves nothing.
    assert!(all.len() >= 10, "{all:?}");
    // This file is read too, so its example is of promises that there are.
    let example = "Promises P2, P3 and P11; P4 is no citation";
    assert_eq!(cited(example), BTreeSet::from([2, 3, 11]));
}

#[test]
fn each_link_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut checked = 0;
    let mut broken = Vec::new();
    // The pages below `src` are templates, whose links hold where the program writes them.
    let pages = files(&["md"]).into_iter();
    for path in pages.filter(|path| !path.starts_with(root().join("src"))) {
        let page = text(&path);
        for found in link.captures_iter(&prose(&page)) {
            let target = &found[1];
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            let (file, anchor) = target
                .split_once('#')
                .map_or((target, None), |(file, anchor)| (file, Some(anchor)));
            let linked = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(file)
            };
            let leads = match anchor {
                None => linked.exists(),
                Some(anchor) => linked.is_file() && anchors(&text(&linked)).contains(anchor),
            };
            if !leads {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(checked > 100, "{checked}");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn each_path_on_the_first_page_exists() {
    let page = text("src/lib.rs");
    let path = Regex::new(r"`((?:src|tests|docs|benches|scripts)/[\w./-]*)`").unwrap();
    let paths: Vec<_> = path
        .captures_iter(&page)
        .map(|found| found[1].to_owned())
        .collect();
    assert!(paths.len() > 10, "{paths:?}");
    for path in paths {
        assert!(root().join(&path).exists(), "src/lib.rs names {path}");
    }
}

#[test]
fn each_decision_is_listed_and_fits_on_a_page() {
    let index = text("docs/adr/README.md");
    let mut count = 0;
    for entry in fs::read_dir(root().join("docs/adr")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "README.md" {
            continue;
        }
        count += 1;
        let page = text(Path::new("docs/adr").join(&name));
        let number: u32 = name[..4].parse().unwrap();
        assert!(page.starts_with(&format!("# ADR {number}: ")), "{name}");
        assert!(index.contains(&format!("[{number}]({name})")), "{name}");
        let sections: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        assert_eq!(sections, SECTIONS, "{name}");
        let lines = page.lines().count();
        assert!(lines <= LONGEST_ADR, "{name} has {lines} lines");
    }
    assert!(count >= 7, "{count}");
}
