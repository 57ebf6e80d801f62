//! The command: files and folders, what it prints, exit codes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use local_cluster::feed;
use serde_json::Value;
use tempfile::TempDir;

const RIGHT: &str = "apiVersion: sudoless.dev/v1alpha1
kind: NotebookRootAccessPolicy
metadata: {name: right}
spec:
  accounts: [{id: \"111122223333\"}]
  regions: [eu-west-1]
";

const WRONG: &str = "apiVersion: sudoless.dev/v1alpha1
kind: NotebookRootAccessPolicy
metadata: {name: wrong}
spec:
  mode: enforce
  accounts: [{id: \"111122223333\"}]
  regions: [eu-west-1]
";

const HARDLY_MEANT: &str = "apiVersion: sudoless.dev/v1alpha1
kind: NotebookRootAccessPolicy
metadata: {name: hardly-meant}
spec:
  accounts: [{id: \"111122223333\", regions: [eu-west-1]}]
  regions: [eu-west-1]
";

const FOREIGN: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn validate(folder: &Path, arguments: &[&str], stdin: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sudoless"));
    command.arg("validate").args(arguments).current_dir(folder);
    feed(&mut command, stdin).unwrap()
}

/// The exit code, and what is on stdout.
fn outcome(output: &Output) -> (i32, String) {
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    (output.status.code().unwrap(), stdout)
}

#[test]
fn shows_file_line_and_field() {
    let folder = folder(&[("policy.yaml", WRONG)]);
    let output = validate(folder.path(), &["-f", "policy.yaml"], "");
    assert_eq!(
        outcome(&output),
        (
            3,
            "policy.yaml:5:9: error: spec.mode: \"enforce\" is not one of Audit, Enforce; did you mean Enforce?
    5 |   mode: enforce
      |         ^
1 policy in 1 file: 1 error, 0 warnings
"
            .to_owned()
        )
    );
}

#[test]
fn folders_are_looked_through() {
    let folder = folder(&[
        ("a.yaml", RIGHT),
        ("below/b.yml", WRONG),
        ("below/c.json", FOREIGN),
        ("below/notes.md", "mode: enforce"),
        (".hidden/d.yaml", WRONG),
    ]);
    let output = validate(folder.path(), &["-f", "."], "");
    let (code, stdout) = outcome(&output);
    assert_eq!(code, 3);
    assert!(stdout.starts_with("./below/b.yml:5:9: error: "), "{stdout}");
    assert!(
        stdout.ends_with(
            "\n2 policies in 3 files: 1 error, 0 warnings; 1 object of another kind skipped\n"
        ),
        "{stdout}"
    );
}

/// An editor's lock is a link that leads nowhere; a manifest that leads nowhere is missing.
#[test]
fn links_that_lead_nowhere_count_if_they_are_manifests() {
    let folder = folder(&[("a.yaml", RIGHT)]);
    let link = |name: &str| symlink("nowhere", folder.path().join(name)).unwrap();
    link(".#a.yaml");
    link("notes.txt");
    let output = validate(folder.path(), &["-f", "."], "");
    assert_eq!(
        outcome(&output),
        (0, "1 policy in 1 file: no problems\n".to_owned())
    );
    link("b.yaml");
    let (code, stdout) = outcome(&validate(folder.path(), &["-f", "."], ""));
    assert_eq!(code, 1);
    assert!(
        stdout.starts_with("./b.yaml: error: cannot be read: "),
        "{stdout}"
    );
}

#[test]
fn several_paths_and_stdin() {
    let folder = folder(&[("a.yaml", RIGHT), ("b.yaml", RIGHT)]);
    let both = format!("{FOREIGN}---\n{RIGHT}---\n{WRONG}");
    let output = validate(folder.path(), &["-f", "a.yaml", "b.yaml", "-f", "-"], &both);
    let (code, stdout) = outcome(&output);
    assert_eq!(code, 3);
    assert!(stdout.starts_with("-:16:9: error: spec.mode: "), "{stdout}");
    assert!(stdout.contains("\n4 policies in 3 files: "), "{stdout}");
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let folder = folder(&[
        ("right.yaml", RIGHT),
        ("wrong.yaml", WRONG),
        ("hardly-meant.yaml", HARDLY_MEANT),
        ("foreign.yaml", FOREIGN),
        ("latin.yaml", ""),
    ]);
    fs::write(folder.path().join("latin.yaml"), b"a: \xe9\n").unwrap();
    for (arguments, code) in [
        (vec!["-f", "right.yaml"], 0),
        (vec!["-f", "right.yaml", "--strict"], 0),
        (vec!["-f", "wrong.yaml"], 3),
        (vec!["-f", "hardly-meant.yaml"], 0),
        (vec!["-f", "hardly-meant.yaml", "--strict"], 3),
        (vec!["-f", "foreign.yaml"], 0),
        (vec!["-f", "foreign.yaml", "--strict"], 3),
        (vec!["-f", "latin.yaml"], 3),
        (vec!["-f", "missing.yaml"], 1),
        (vec!["-f", "wrong.yaml", "missing.yaml"], 1),
        (vec![], 2),
        (vec!["-f", "right.yaml", "-o", "xml"], 2),
    ] {
        let output = validate(folder.path(), &arguments, "");
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
    }
}

#[test]
fn what_is_not_there_is_said() {
    let folder = folder(&[("foreign.yaml", FOREIGN), ("empty/notes.md", "")]);
    let output = validate(
        folder.path(),
        &["-f", "foreign.yaml", "empty", "missing.yaml"],
        "",
    );
    let (_, stdout) = outcome(&output);
    for expected in [
        "foreign.yaml:1:1: warning: contains no NotebookRootAccessPolicy\n",
        "empty:1:1: warning: contains no NotebookRootAccessPolicy\n",
        "missing.yaml: error: cannot be read: No such file or directory",
        "\n0 policies in 1 file: 0 errors, 2 warnings; 1 object of another kind skipped; 1 file not read\n",
    ] {
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
}

#[test]
fn json_says_all_of_it() {
    let folder = folder(&[("wrong.yaml", WRONG), ("foreign.yaml", FOREIGN)]);
    let output = validate(
        folder.path(),
        &["-f", "wrong.yaml", ".", "gone.yaml", "-o", "json"],
        "",
    );
    let (code, stdout) = outcome(&output);
    assert_eq!(code, 1);
    let said: Value = serde_json::from_str(&stdout).unwrap();
    let problem = serde_json::json!({
        "file": "wrong.yaml", "severity": "error", "judge": "schema", "line": 5, "column": 9, "policy": "wrong",
        "path": "spec.mode", "message": "\"enforce\" is not one of Audit, Enforce; did you mean Enforce?",
    });
    assert_eq!(said["problems"][0], problem);
    for (count, expected) in [
        ("files", 3),
        ("policies", 2),
        ("skipped", 1),
        ("errors", 2),
        ("warnings", 0),
    ] {
        assert_eq!(said[count], expected, "{count}: {stdout}");
    }
    assert_eq!(said["unread"][0]["file"], "gone.yaml");
}

#[test]
fn annotations_of_github_are_escaped() {
    let folder = folder(&[("a,b.yaml", WRONG)]);
    let output = validate(folder.path(), &["-f", "a,b.yaml", "-o", "github"], "");
    let (_, stdout) = outcome(&output);
    assert_eq!(
        stdout,
        "::error file=a%2Cb.yaml,line=5,col=9,title=wrong%3A spec.mode::\"enforce\" is not one of Audit, Enforce; did you \
         mean Enforce?\n"
    );
}

#[test]
fn colours_are_for_terminals() {
    let folder = folder(&[("wrong.yaml", WRONG)]);
    let colourful = |variable: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sudoless"));
        command
            .args(["validate", "-f", "wrong.yaml"])
            .current_dir(folder.path());
        command.envs(variable.map(|name| (name, "1")));
        command.output().unwrap().stdout.contains(&0x1b)
    };
    assert!(!colourful(None));
    assert!(!colourful(Some("NO_COLOR")));
    // The variable requests colours. Without this case the test could not fail.
    assert!(colourful(Some("CLICOLOR_FORCE")));
}

/// Names in a file may hold what steers a terminal.
#[test]
fn nothing_in_a_file_reaches_the_terminal_as_it_is() {
    let text = RIGHT.replace(
        "regions: [eu-west-1]",
        "regions: [\"eu\\u001b[35m\"]\n  \"\\u001b]0;x\\u0007\\u202e\": 1\n  selector: {names: [\"[z\u{202e}-a]\"]}",
    );
    let name = "\u{202e}a.yaml";
    let folder = folder(&[(name, &text)]);
    // As on a terminal: elsewhere all that is written for one is left out.
    let output = Command::new(env!("CARGO_BIN_EXE_sudoless"))
        .args(["validate", "-f", name, "\u{202e}b.yaml"])
        .current_dir(folder.path())
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    let (code, stdout) = outcome(&output);
    assert_eq!(code, 1);
    assert!(stdout.contains("\u{1b}[31m"), "{stdout:?}");
    for foreign in ["\u{1b}[35m", "\u{1b}]", "\u{7}", "\u{202e}"] {
        assert!(!stdout.contains(foreign), "{foreign:?}: {stdout:?}");
    }
}
