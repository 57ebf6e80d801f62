//! The files of a command line, including those in its folders.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Read},
    path::Path,
};

use walkdir::{DirEntry, WalkDir};

use super::Unread;

/// Extensions of manifests.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// The path that means standard input.
pub(super) const STDIN: &str = "-";

/// A file and its content.
pub(super) struct ManifestFile {
    /// The name to show.
    pub(super) name: String,
    /// The content.
    pub(super) bytes: Vec<u8>,
}

/// Returns the files of a path of the command line, sorted by name. Hidden files and folders below
/// a folder, such as `.git`, are skipped.
pub(super) fn manifest_files(
    path: &Path,
) -> Box<dyn Iterator<Item = Result<ManifestFile, Unread>> + '_> {
    if path == Path::new(STDIN) {
        let mut bytes = Vec::new();
        let content = io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes);
        return Box::new(std::iter::once(read(STDIN, content)));
    }
    if !path.is_dir() {
        let name = path.display().to_string();
        return Box::new(std::iter::once(read(&name, fs::read(path))));
    }
    let walk = WalkDir::new(path).follow_links(true).sort_by_file_name();
    let seen = walk
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry));
    Box::new(seen.filter_map(|entry| match entry {
        Ok(entry) if entry.file_type().is_file() && is_manifest(entry.path()) => {
            let name = entry.path().display().to_string();
            Some(read(&name, fs::read(entry.path())))
        }
        Ok(_) => None,
        Err(error) if is_beside_the_point(&error) => None,
        Err(error) => Some(Err(Unread {
            file: error.path().unwrap_or(path).display().to_string(),
            error: error.to_string(),
        })),
    }))
}

fn read(name: &str, content: io::Result<Vec<u8>>) -> Result<ManifestFile, Unread> {
    match content {
        Ok(bytes) => Ok(ManifestFile {
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

/// Returns true for a broken link that is hidden or not named like a manifest, such as an editor's
/// lock.
fn is_beside_the_point(error: &walkdir::Error) -> bool {
    let nothing_there = error
        .io_error()
        .is_some_and(|error| error.kind() == io::ErrorKind::NotFound);
    let called = error.path().filter(|_| error.depth() > 0);
    let name = called.and_then(Path::file_name).map(OsStr::to_string_lossy);
    nothing_there
        && name.is_some_and(|name| name.starts_with('.') || !is_manifest(Path::new(&*name)))
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        EXTENSIONS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(extension))
    })
}
