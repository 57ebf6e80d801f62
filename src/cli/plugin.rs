//! The program as a kubectl plugin: a file `kubectl-sudoless` on PATH runs as `kubectl sudoless`.
//!
//! Source: "Extend kubectl with plugins" in the documentation of Kubernetes.

use std::{env, path::Path};

use clap::Command;

/// The name of the file that kubectl looks for.
const FILE: &str = "kubectl-sudoless";

/// The command that people type for the plugin.
const TYPED: &str = "kubectl sudoless";

/// Text before the program's name in examples: at the start of a line, after a pipe, in prose.
const BEFORE: [&str; 3] = ["\n  ", "| ", "`"];

/// Returns true if the program was called by the plugin's name.
pub(super) fn is_called() -> bool {
    let called = env::args_os().next();
    let file = called
        .as_deref()
        .and_then(|path| Path::new(path).file_stem());
    file.is_some_and(|file| file == FILE)
}

/// Renames the commands in help texts to `kubectl sudoless`.
pub(super) fn named(command: Command) -> Command {
    renamed(command.bin_name(TYPED))
}

fn renamed(command: Command) -> Command {
    let help = command
        .get_after_help()
        .map(|help| typed(&help.to_string()));
    let command = match help {
        Some(help) => command.after_help(help),
        None => command,
    };
    command.mut_subcommands(renamed)
}

fn typed(text: &str) -> String {
    BEFORE.iter().fold(text.to_owned(), |text, before| {
        text.replace(&format!("{before}sudoless "), &format!("{before}{TYPED} "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_say_what_can_be_typed() {
        for (text, expected) in [
            (
                "Examples:\n  sudoless explain churn",
                "Examples:\n  kubectl sudoless explain churn",
            ),
            (
                "Examples:\n  kubectl get nrap -o yaml | sudoless scan -f -",
                "Examples:\n  kubectl get nrap -o yaml | kubectl sudoless scan -f -",
            ),
            (
                "Examples:\n  sudoless scan --role sudoless --region x",
                "Examples:\n  kubectl sudoless scan --role sudoless --region x",
            ),
            ("`sudoless <COMMAND>`", "`kubectl sudoless <COMMAND>`"),
        ] {
            assert_eq!(typed(text), expected);
        }
    }
}
