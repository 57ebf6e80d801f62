//! The command line: its help, completions and manual pages.

use std::process::{Command, Output};

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use sudoless::cli::Arguments;

fn sudoless(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sudoless"))
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(arguments: &[&str]) -> String {
    let output = sudoless(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Of every command below, the names that lead to it.
fn commands() -> Vec<Vec<String>> {
    fn collect(command: &clap::Command, above: &[String], found: &mut Vec<Vec<String>>) {
        for below in command.get_subcommands() {
            let mut names = above.to_vec();
            names.push(below.get_name().to_owned());
            found.push(names.clone());
            collect(below, &names, found);
        }
    }
    let mut found = Vec::new();
    collect(&Arguments::command(), &[], &mut found);
    assert!(found.len() >= 5, "{found:?}");
    found
}

#[test]
fn the_definition_holds_together() {
    Arguments::command().debug_assert();
}

#[test]
fn every_help_has_examples_and_fits() {
    for names in commands() {
        let mut arguments: Vec<&str> = names.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = stdout(&arguments);
        assert!(help.contains("\nExamples:\n  "), "{arguments:?}: {help}");
        for line in help.lines() {
            assert!(line.chars().count() <= 120, "{arguments:?}: {line}");
        }
        assert!(
            !help.contains('\u{1b}'),
            "{arguments:?}: colours go to terminals only"
        );
    }
}

/// What an example says must be what can be typed.
#[test]
fn examples_can_be_typed() {
    for names in commands() {
        let mut command = Arguments::command();
        let command = names.iter().fold(&mut command, |command, name| {
            command.find_subcommand_mut(name).unwrap()
        });
        // A line that goes on in the next is one.
        let help = command.get_after_help().unwrap().to_string();
        let help = help.replace("\\\n", " ");
        let mut tried = 0;
        for line in help.lines().filter(|line| line.starts_with("  ")) {
            let Some(at) = line.find("sudoless ") else {
                continue;
            };
            let typed = line[at..].split([';', '|', '>', '#']).next().unwrap();
            let words = typed.split_whitespace().map(|word| word.trim_matches('\''));
            if let Err(error) = Arguments::command().try_get_matches_from(words) {
                panic!("{typed}: {error}");
            }
            tried += 1;
        }
        assert!(tried > 0, "{names:?}");
    }
}

#[test]
fn a_wrong_word_is_answered_with_the_right_one() {
    for (arguments, expected) in [
        (vec!["validat"], "'validate'"),
        (vec!["crd", "--onl", "NotebookRemediation"], "'--only'"),
        (vec!["validate", "--filenam", "x"], "'--filename'"),
        (vec!["completions", "bsh"], "'bash'"),
    ] {
        let output = sudoless(&arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn completions_name_every_command() {
    for shell in Shell::value_variants() {
        let script = stdout(&["completions", &shell.to_string()]);
        for names in commands() {
            let name = names.last().unwrap();
            assert!(script.contains(name.as_str()), "{shell}: {name}");
        }
    }
}

#[test]
fn bash_can_read_its_completions() {
    let script = stdout(&["completions", "bash"]);
    let test = "COMP_WORDS=(sudoless val); COMP_CWORD=1; _sudoless sudoless val sudoless; echo \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc"]);
    let output = local_cluster::feed(&mut bash, &format!("{script}\n{test}\n")).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "validate\n");
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let folder = tempfile::TempDir::new().unwrap();
    let pages = folder.path().join("man1");
    let output = sudoless(&["manual", "--dir", pages.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    for names in commands().iter().chain([&Vec::new()]) {
        let name = std::iter::once("sudoless")
            .chain(names.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join("-");
        let page = std::fs::read_to_string(pages.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(".TH "), "{name}: {page}");
        assert!(page.contains(".SH SYNOPSIS"), "{name}: {page}");
    }
}

/// The file itself is compared by `scripts/generate.sh --check`.
#[test]
fn the_reference_has_every_command_and_option() {
    let page = stdout(&["manual", "--markdown"]);
    for names in commands() {
        let heading = format!("\n## sudoless {}\n", names.join(" "));
        let section = page
            .split(&heading)
            .nth(1)
            .unwrap_or_else(|| panic!("{heading}"));
        let section = section.split("\n## ").next().unwrap();
        let mut command = Arguments::command();
        let command = names.iter().fold(&mut command, |command, name| {
            command.find_subcommand_mut(name).unwrap()
        });
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            if let Some(long) = arg.get_long() {
                assert!(
                    section.contains(&format!("--{long}")),
                    "{names:?}: --{long}"
                );
            }
        }
    }
}
