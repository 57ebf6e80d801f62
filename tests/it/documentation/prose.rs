//! Comments fit the width of the code, and prose uses plain words.

use std::{
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;
use walkdir::WalkDir;

/// Maximum width of a line of comment, as in `rustfmt.toml`.
const WIDTH: usize = 100;

/// Words to avoid, and the words to write instead.
const AVOIDED: [(&str, &str); 11] = [
    ("anew", "again"),
    ("for want of", "because it lacks, without"),
    ("speaks of", "uses, mentions, matches"),
    ("speak of", "use, mention, match"),
    ("stands in", "is in"),
    ("somebody", "a person, a user, another writer"),
    ("goes on by itself", "continues, recovers"),
    ("heeds", "respects"),
    ("ridden out", "tolerated"),
    ("of one's own", "own, separate"),
    ("as ever", "as before, as usual"),
];

/// Returns the files below `sources` that have the extension, relative to the repository.
fn files(sources: &[&str], extension: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    sources
        .iter()
        .flat_map(|source| WalkDir::new(root.join(source)).sort_by_file_name())
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.strip_prefix(root).unwrap().to_owned())
        .filter(|path| {
            !path
                .iter()
                .any(|part| part == "node_modules" || part == "target")
        })
        .collect()
}

fn read(path: &Path) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the text of a line that is a comment in Rust.
fn rust_comment(line: &str) -> Option<&str> {
    let text = line.trim().strip_prefix("//")?;
    Some(text.strip_prefix(['/', '!']).unwrap_or(text).trim())
}

/// `rustfmt` does not wrap comments. Tables and single long words, such as URLs, cannot be wrapped.
#[test]
fn comments_are_at_most_100_columns_wide() {
    let mut wide = Vec::new();
    let files = files(&["src", "crates", "tests", "benches"], "rs");
    assert!(files.len() > 100, "{files:?}");
    for path in files {
        for (index, line) in read(&path).lines().enumerate() {
            let Some(text) = rust_comment(line) else {
                continue;
            };
            let can_be_wrapped = !text.starts_with('|') && text.contains(char::is_whitespace);
            let columns = line.chars().count();
            if columns > WIDTH && can_be_wrapped {
                wide.push(format!("{}:{}: {columns}", path.display(), index + 1));
            }
        }
    }
    assert!(wide.is_empty(), "comments to wrap: {wide:#?}");
}

/// Returns the paragraphs of a text, each with its line number. `prose_of` returns the prose of a
/// line. A line without prose ends a paragraph.
fn paragraphs<'a>(
    text: &'a str,
    mut prose_of: impl FnMut(&'a str) -> Option<&'a str>,
) -> Vec<(usize, String)> {
    let mut paragraphs: Vec<(usize, String)> = Vec::new();
    let mut continues = false;
    for (index, line) in text.lines().enumerate() {
        let prose = prose_of(line).filter(|prose| !prose.is_empty());
        match (prose, paragraphs.last_mut()) {
            (Some(prose), Some((_, paragraph))) if continues => {
                paragraph.push(' ');
                paragraph.push_str(prose);
            }
            (Some(prose), _) => paragraphs.push((index + 1, prose.to_owned())),
            (None, _) => {}
        }
        continues = prose.is_some();
    }
    paragraphs
}

/// Returns the paragraphs of a file: comments in Rust and YAML, and everything outside blocks of
/// code in Markdown.
fn prose(path: &Path) -> Vec<(usize, String)> {
    let text = read(path);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("rs") => paragraphs(&text, rust_comment),
        Some("yaml") => paragraphs(&text, |line| {
            line.trim().strip_prefix('#').map(str::trim_start)
        }),
        Some("md") => {
            let mut is_code = false;
            paragraphs(&text, |line| {
                let line = line.trim();
                let is_fence = line.starts_with("```");
                is_code ^= is_fence;
                (!is_code && !is_fence).then_some(line)
            })
        }
        other => panic!("{}: {other:?}", path.display()),
    }
}

#[test]
fn prose_avoids_the_listed_words() {
    let avoided = AVOIDED.map(|(word, better)| {
        let pattern = Regex::new(&format!(r"(?i)\b{word}\b")).unwrap();
        (pattern, word, better)
    });
    let markdown = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs"];
    let sources = [
        files(&["src", "crates", "benches", "tests"], "rs"),
        files(&markdown, "md"),
        files(&["charts/sudoless/values.yaml", "config"], "yaml"),
    ];
    let mut found = Vec::new();
    for paths in &sources {
        assert!(paths.len() > 3, "{paths:?}");
        for path in paths {
            for (line, paragraph) in prose(path) {
                for (pattern, word, better) in &avoided {
                    if pattern.is_match(&paragraph) {
                        let path = path.display();
                        found.push(format!("{path}:{line}: \"{word}\"; write: {better}"));
                    }
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
