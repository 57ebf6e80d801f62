//! `sudoless completions`: shell completions of the command line.

use std::io::{self, Write};

use clap::{Args, Command};
use clap_complete::Shell;

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless completions bash > ~/.local/share/bash-completion/completions/sudoless
  sudoless completions zsh > \"${fpath[1]}/_sudoless\"
  sudoless completions fish > ~/.config/fish/completions/sudoless.fish")]
pub struct Arguments {
    /// Shell that reads the completions
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the completions of `command` to `output`.
pub fn run(arguments: &Arguments, mut command: Command, mut output: impl Write) -> io::Result<()> {
    let name = command.get_name().to_owned();
    // The generator panics if it cannot write, for example to a closed pipe.
    let mut completions = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut completions);
    output.write_all(&completions)?;
    output.flush()
}
