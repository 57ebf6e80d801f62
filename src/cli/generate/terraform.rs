//! `sudoless generate terraform`: prints or writes the files of a module.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use crate::generate::{self, File};

/// Print the files of a Terraform module, or write them to a folder
///
/// Without an option all files are printed, each with its name above it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless generate terraform role
  sudoless generate terraform role --directory modules/sudoless-role
  sudoless generate terraform many-accounts --directory modules/sudoless-accounts
  sudoless generate terraform notebook --only main.tf")]
pub struct Arguments {
    /// Module to print
    #[arg(value_enum)]
    module: Module,

    /// Name of the only file to print [default: all files]
    #[arg(long, value_name = "FILE", conflicts_with = "directory")]
    only: Option<String>,

    /// Folder to write the files to. An existing file that differs is never overwritten
    #[arg(long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Module {
    /// The role that the operator assumes in an account
    Role,
    /// The role in all accounts of organizational units, and the service control policy
    ManyAccounts,
    /// A notebook instance whose users have no root
    Notebook,
}

/// Error of `sudoless generate terraform`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A document has no JSON form; a bug.
    #[error("cannot write the document as JSON: {0}")]
    Serialize(#[from] serde_json::Error),
    /// `--only` names no file of the module.
    #[error("the module has no file {name:?}: write one of {known}")]
    UnknownFile {
        /// The unknown name.
        name: String,
        /// The names of the module's files.
        known: String,
    },
    /// A file of that name exists with other content.
    #[error("{} already exists and differs: move it away, or choose another --directory", .0.display())]
    Differs(PathBuf),
    /// The folder or a file is not writable.
    #[error("cannot write {}: {error}", .path.display())]
    Write {
        /// The path of the file or folder.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
}

impl Error {
    /// Returns the exit code: 2 for wrong usage, else 1.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownFile { .. } => 2,
            Self::Serialize(_) | Self::Differs(_) | Self::Write { .. } => 1,
        }
    }
}

impl Arguments {
    /// Returns the text to print. With `--directory` the files are written, and the text lists
    /// their paths.
    pub(super) fn text(&self) -> Result<String, Error> {
        let files = match self.module {
            Module::Role => generate::member_role_module(),
            Module::ManyAccounts => generate::many_accounts_module()?,
            Module::Notebook => generate::notebook_module(),
        };
        if let Some(folder) = &self.directory {
            return write(folder, &files);
        }
        let Some(name) = &self.only else {
            let parts: Vec<_> = files
                .iter()
                .map(|file| format!("# ---- {} ----\n{}", file.name, file.text))
                .collect();
            return Ok(parts.join("\n"));
        };
        match files.iter().find(|file| file.name == name.as_str()) {
            Some(file) => Ok(file.text.clone()),
            None => Err(Error::UnknownFile {
                name: name.clone(),
                known: files
                    .iter()
                    .map(|it| it.name)
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }
}

/// Checks all files before it writes the first. An existing file that differs is an error.
fn write(folder: &Path, files: &[File]) -> Result<String, Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| Error::Write { path, error }
    };
    for file in files {
        let path = folder.join(file.name);
        match fs::read(&path) {
            Ok(there) if there != file.text.as_bytes() => return Err(Error::Differs(path)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path)(error)),
        }
    }
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let mut text = String::new();
    for file in files {
        let path = folder.join(file.name);
        fs::write(&path, &file.text).map_err(failed(&path))?;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "wrote {}", path.display());
    }
    Ok(text)
}
