//! The files in `config/iam/` are the program's output. They allow exactly the requests that the
//! code sends, and each policy decides as people expect.

mod actions;
mod cases;
mod commands;
mod evaluator;
mod hcl;
mod scp;
mod templates;
mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use serde_json::Value;

/// The checkout.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of `config/iam/`.
fn text(name: &str) -> String {
    let path = root().join("config/iam").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A policy document of `config/iam/`.
fn document(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

/// Runs `sudoless generate …`.
fn generate<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sudoless"))
        .arg("generate")
        .args(arguments)
        .output()
        .unwrap()
}

/// What `sudoless generate …` prints.
fn generated(arguments: &str) -> String {
    let output = generate(arguments.split_whitespace());
    assert!(output.status.success(), "{arguments}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The files below a folder, by their paths in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// What `scripts/generate.sh` lists for `config/iam/`: files, and the arguments after `sudoless
/// generate`.
fn listed() -> Vec<(PathBuf, String)> {
    let script = root().join("scripts/generate.sh");
    let function = "/^generated()/,/^}/p";
    let list = format!(
        "eval \"$(sed -n '{function}' {})\"; generated",
        script.display()
    );
    let output = Command::new("bash")
        .args(["-c", &list])
        .current_dir(root())
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("config/iam/"))
        .map(|line| {
            let (file, arguments) = line.split_once(" sudoless generate ").unwrap();
            (root().join(file), arguments.to_owned())
        })
        .collect()
}

/// The arguments that print a file which the program embeds, by the file's path below `config/iam`.
fn embedded(name: &Path) -> Option<String> {
    let parts: Vec<&str> = name.iter().filter_map(|part| part.to_str()).collect();
    match parts[..] {
        ["terraform", "member-role", file] => Some(format!("terraform role --only {file}")),
        ["terraform", module, file] => Some(format!("terraform {module} --only {file}")),
        ["cloudformation", file] => Some(format!("cloudformation {}", file.strip_suffix(".yaml")?)),
        _ => None,
    }
}

#[test]
fn the_files_are_what_the_program_prints() {
    let folder = root().join("config/iam");
    let mut listed: BTreeMap<PathBuf, String> = listed().into_iter().collect();
    for file in files(&folder) {
        let name = file.strip_prefix(&folder).unwrap();
        let arguments = listed.remove(&file).or_else(|| embedded(name));
        let committed = fs::read_to_string(&file).unwrap();
        assert!(
            arguments.is_some_and(|arguments| committed == generated(&arguments)),
            "{} is out of date, or not a file that the program prints: run `make crds`",
            file.display()
        );
    }
    assert_eq!(listed, BTreeMap::new(), "the folder lacks these files");
}

#[test]
fn the_page_names_every_file() {
    let page = fs::read_to_string(root().join("docs/iam.md")).unwrap();
    let folder = root().join("config/iam");
    for path in files(&folder) {
        let name = path.strip_prefix(&folder).unwrap();
        let named = match name.parent().map(Path::to_str) {
            Some(Some(module)) if module.starts_with("terraform/") => format!("{module}/"),
            _ => name.display().to_string(),
        };
        assert!(page.contains(&named), "{named} is not in docs/iam.md");
    }
}
