//! The files that are named, and those in the folders that are named.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use walkdir::{DirEntry, WalkDir};

use super::report::Unread;

/// What a manifest's name ends with.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// A file that was read.
pub(super) struct Source {
    /// As it is shown.
    pub(super) name: String,
    /// What is in it.
    pub(super) bytes: Vec<u8>,
}

/// What a path of the command line stands for, one file after the other, in the order of their names. Hidden files and folders
/// below a folder are left out, such as `.git`.
pub(super) fn sources(path: &Path) -> Box<dyn Iterator<Item = Result<Source, Unread>> + '_> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes);
        return Box::new(std::iter::once(source("-", read)));
    }
    if !path.is_dir() {
        let name = path.display().to_string();
        return Box::new(std::iter::once(source(&name, fs::read(path))));
    }
    let walk = WalkDir::new(path).follow_links(true).sort_by_file_name();
    let seen = walk
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry));
    Box::new(seen.filter_map(|entry| match entry {
        Ok(entry) if entry.file_type().is_file() && is_manifest(entry.path()) => {
            let name = entry.path().display().to_string();
            Some(source(&name, fs::read(entry.path())))
        }
        Ok(_) => None,
        Err(error) => Some(Err(Unread {
            file: error.path().unwrap_or(path).display().to_string(),
            error: error.to_string(),
        })),
    }))
}

fn source(name: &str, read: io::Result<Vec<u8>>) -> Result<Source, Unread> {
    match read {
        Ok(bytes) => Ok(Source {
            name: name.to_owned(),
            bytes,
        }),
        Err(error) => Err(Unread {
            file: name.to_owned(),
            error: error.to_string(),
        }),
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with('.')
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        EXTENSIONS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(extension))
    })
}
