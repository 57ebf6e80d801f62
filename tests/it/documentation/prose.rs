//! Comments fit the width of the code.

use std::{
    fs,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

/// Maximum width of a line of comment, as in `rustfmt.toml`.
const WIDTH: usize = 100;

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
