//! `sudoless generate`, as people type it.

use std::fs;

use serde_json::Value;
use sudoless::{
    api::NotebookRootAccessPolicy,
    decide::validate,
    domain::{Mode, Regions},
};

use super::{generate, generated};
use crate::support::stage::cluster;

const ROLE: &str = "arn:aws:iam::123456789012:role/sudoless-operator";
const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/A";

/// What people type that makes no sense, and a part of what they are told.
const WRONG: [(&str, &str); 22] = [
    ("iam", "--mode <MODE>|--operator|--trust <HOW>"),
    ("iam --mode enforced", "possible values: audit, enforce"),
    ("iam --mode audit --operator", "cannot be used with"),
    (
        "iam --mode audit --exempt-tag a",
        "--exempt-tag needs --mode enforce",
    ),
    (
        "iam --mode enforce --exempt-tag a*",
        "write its key, or key=value",
    ),
    (
        "iam --mode audit --partition china",
        "write one of aws, aws-cn",
    ),
    ("iam --operator --exempt-tag a", "cannot be used with"),
    ("iam --operator --account 1", "write its twelve digits"),
    (
        "iam --operator --role arn:aws:iam::111122223333:role/a",
        "not an ARN",
    ),
    ("iam --trust irsa", "--oidc-provider"),
    (
        "iam --trust irsa --oidc-provider https://oidc.example.com/id/A",
        "list-open-id-connect-providers",
    ),
    ("iam --trust account", "--operator-role"),
    (
        "iam --trust account --operator-role arn:aws:sts::123456789012:assumed-role/a/b",
        "write the ARN of its role",
    ),
    (
        "iam --trust account --operator-role ROLE --external-id x",
        "write 2 to 1224",
    ),
    (
        "iam --trust pod-identity --operator-role ROLE",
        "--operator-role needs --trust account",
    ),
    (
        "iam --trust pod-identity --cluster platform",
        "describe-cluster",
    ),
    (
        "iam --trust pod-identity --namespace Sudoless",
        "lower-case letters",
    ),
    (
        "scp --exempt-principal arn:aws:iam::*:role/*",
        "exempts all principals",
    ),
    (
        "cloudformation notebook --exempt-tag a",
        "--exempt-tag needs role",
    ),
    (
        "terraform role --only role.tf",
        "write one of README.md, main.tf",
    ),
    ("policy --region eu-west-1", "--account"),
    ("policy --account 111122223333 --external-id 8f1c", "--role"),
];

#[test]
fn errors_say_what_to_type_instead() {
    for (arguments, expected) in WRONG {
        let output = generate(
            arguments
                .split(' ')
                .map(|it| if it == "ROLE" { ROLE } else { it }),
        );
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(output.stdout.is_empty(), "{arguments}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(expected), "{arguments}: {error}");
    }
}

#[test]
fn every_help_has_examples_that_work() {
    let mut tried = 0;
    for command in ["", "iam", "scp", "cloudformation", "terraform", "policy"] {
        let help = generated(&format!("{command} --help"));
        let (_, examples) = help.split_once("Examples:\n").unwrap();
        let examples = examples.replace("\\\n", " ");
        for example in examples.lines() {
            let example = example.trim().trim_start_matches("sudoless generate");
            let example = example.split(['>', '|']).next().unwrap().replace('\'', "");
            if !example.contains("--directory") {
                assert!(!generated(&example).is_empty(), "{example}");
                tried += 1;
            }
        }
    }
    assert!(tried > 15, "{tried}");
}

#[test]
fn what_is_json_ends_in_a_newline_and_parses() {
    for arguments in [
        "iam --mode audit".to_owned(),
        "scp".to_owned(),
        format!("iam --trust irsa --oidc-provider {PROVIDER} --namespace a --service-account b"),
    ] {
        let text = generated(&arguments);
        assert!(text.ends_with("}\n"));
        serde_json::from_str::<Value>(&text).unwrap();
    }
}

#[test]
fn a_module_is_written_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("modules/role");
    let write = || generate(["terraform", "role", "--directory", path.to_str().unwrap()]);
    assert!(write().status.success());
    let main = fs::read_to_string(path.join("main.tf")).unwrap();
    assert_eq!(main, generated("terraform role --only main.tf"));
    assert_eq!(fs::read_dir(&path).unwrap().count(), 5);
    assert!(write().status.success(), "what is the same may stand there");

    fs::remove_file(path.join("README.md")).unwrap();
    fs::write(path.join("variables.tf"), "# mine\n").unwrap();
    let refused = write();
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(
        error.contains("variables.tf already exists and differs"),
        "{error}"
    );
    assert_eq!(
        fs::read_to_string(path.join("variables.tf")).unwrap(),
        "# mine\n"
    );
    assert!(!path.join("README.md").exists(), "all or nothing");
}

/// First policies, with how many accounts and regions they name, and what they do.
const STARTERS: [(&str, usize, Option<usize>, Mode); 5] = [
    (
        "policy --account 111122223333 --region eu-west-1",
        1,
        Some(1),
        Mode::Audit,
    ),
    (
        "policy --account 111122223333,444455556666 --account 111122223333 --role sudoless",
        2,
        None,
        Mode::Audit,
    ),
    (
        "policy --account 000000000012 --region us-east-1,eu-west-1,us-east-1",
        1,
        Some(2),
        Mode::Audit,
    ),
    (
        "policy --account 111122223333 --role a/b#c:\"d/${x}/sudoless --external-id 0123 --mode enforce",
        1,
        None,
        Mode::Enforce,
    ),
    (
        "policy --account 111122223333 --region eu-west-1 --mode enforce --name 0755",
        1,
        Some(1),
        Mode::Enforce,
    ),
];

#[test]
fn a_first_policy_is_taken_by_the_operator_and_the_api_server() {
    let cluster = cluster();
    let folder = tempfile::tempdir().unwrap();
    for (arguments, accounts, regions, mode) in STARTERS {
        let text = generated(arguments);
        let resource: NotebookRootAccessPolicy = serde_saphyr::from_str(&text).unwrap();
        let policy = validate(&resource).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        assert!(policy.warnings.is_empty(), "{text}: {:?}", policy.warnings);
        assert_eq!((policy.accounts.len(), policy.mode), (accounts, mode));
        let named = match &policy.accounts[0].regions {
            Regions::Named(regions) => Some(regions.len()),
            Regions::Enabled => None,
        };
        assert_eq!(named, regions, "{text}");

        let file = folder.path().join("policy.yaml");
        fs::write(&file, &text).unwrap();
        let apply = [
            "apply",
            "--dry-run=server",
            "--validate=strict",
            "-f",
            file.to_str().unwrap(),
        ];
        cluster
            .run_kubectl(apply)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn a_first_policy_says_what_was_asked_for() {
    let text = generated(
        "policy --account 111122223333 --role a/b#c:\"d/sudoless --external-id 0123 --mode enforce",
    );
    let resource: NotebookRootAccessPolicy = serde_saphyr::from_str(&text).unwrap();
    let account = &resource.spec.accounts[0];
    assert_eq!(account.id, "111122223333");
    assert_eq!(account.role.as_deref(), Some("a/b#c:\"d/sudoless"));
    assert_eq!(account.external_id.as_deref(), Some("0123"));
    assert_eq!(resource.spec.remediation.unwrap().max_concurrent, Some(1));
    // The comments are right too: without their marks it is still a policy.
    let commented = text
        .replace("  # exemptions", "  exemptions")
        .replace("  #   ", "    ");
    let resource: NotebookRootAccessPolicy = serde_saphyr::from_str(&commented).unwrap();
    assert_eq!(resource.spec.exemptions.len(), 1);
    assert!(validate(&resource).is_ok());
}
