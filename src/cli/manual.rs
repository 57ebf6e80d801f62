//! `sudoless manual`: the manual pages, and the command reference of the documentation.

mod markdown;

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, Command};

/// Write the manual pages, one for each command
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless manual --dir ~/.local/share/man/man1
  sudoless manual --markdown > commands.md")]
pub struct Arguments {
    /// Folder for the pages, created if it does not exist
    #[arg(
        long,
        value_name = "FOLDER",
        required_unless_present = "markdown",
        conflicts_with = "markdown"
    )]
    dir: Option<PathBuf>,

    /// Print one Markdown page about all commands instead
    #[arg(long)]
    markdown: bool,
}

/// Writes the manual pages of `command` to the folder, or one Markdown page to `output`.
pub fn run(arguments: &Arguments, mut command: Command, mut output: impl Write) -> io::Result<()> {
    if let Some(dir) = &arguments.dir {
        fs::create_dir_all(dir)?;
        clap_mangen::generate_to(command, dir)?;
    } else {
        command.build();
        output.write_all(markdown::page(&command).as_bytes())?;
    }
    output.flush()
}
