//! What was applied stays as it was applied, whatever the operator does about it.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde_json::json;
use sudoless::api::RecordState as State;

use crate::support::{
    enforced::{account, cluster, rooted},
    stage::{Stage, condition},
};

/// A manifest as a person writes one: durations and times in any spelling, and what is the default
/// written out here and there.
fn manifest(stage: &str, policy: &str, notebook: &str) -> String {
    let account = account(stage);
    let mut text = String::new();
    write!(
        text,
        "apiVersion: sudoless.dev/v1alpha1
kind: NotebookRootAccessPolicy
metadata:
  name: {stage}-{policy}
  labels: {{stage: {stage}}}
spec:
  mode: Enforce
  suspend: false
  scanInterval: 90s
  accounts:
    - {{id: \"{account}\", role: /sudoless, regions: [us-east-1]}}
  regions: [eu-west-1]
  selector:
    names: [{notebook}]
  exemptions:
    - {{reason: was needed, names: [other], expiresAt: \"2026-01-31T12:00:00+02:00\"}}
  remediation:
    whenRunning: Restart
    maxConcurrent: 2
    maxConcurrentPerRegion: 2
    windows:
      - {{schedule: \"0 0 * * *\", duration: 168h, timeZone: Europe/Berlin}}
      - {{schedule: \"0 */6 * * *\", duration: 7h30m}}
    timeouts: {{stop: 1800s, start: 1h}}
"
    )
    .unwrap();
    text
}

async fn kubectl(arguments: Vec<String>) -> (Option<i32>, String) {
    let run = move || cluster().kubectl(arguments).output().unwrap();
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_drifts_from_what_was_applied() {
    let names = ["client", "server"];
    let stage = Stage::quick("drift", names.map(|name| rooted("drift", name))).await;
    // Another operator's work is not to be seen as a difference either.
    let folder = cluster().folder().join("drift");
    fs::create_dir_all(&folder).unwrap();
    let ways: [(&str, &[&str]); 2] = [
        ("client", &[]),
        (
            "server",
            &["--server-side", "--field-manager=argocd-controller"],
        ),
    ];
    let path = |name: &str| -> PathBuf { folder.join(format!("{name}.yaml")) };
    let command = |verb: &str, name: &str, way: &[&str]| {
        let path = path(name);
        words(&[&[verb, "-f", path.to_str().unwrap()], way].concat())
    };
    for (name, way) in ways {
        fs::write(path(name), manifest("drift", name, name)).unwrap();
        let (code, said) = kubectl(command("apply", name, way)).await;
        assert_eq!(code, Some(0), "{said}");
    }
    for (name, way) in ways {
        stage.until_state(name, State::Succeeded).await;
        stage
            .until(name, |status| {
                condition(status, "Compliant").0 == "True"
                    && condition(status, "Reconciling").0 == "False"
            })
            .await;
        let (code, said) = kubectl(command("diff", name, way)).await;
        assert_eq!((code, said.as_str()), (Some(0), ""), "{name}");
    }

    // A person's edit is.
    for (name, way) in ways {
        let policy = stage.policy(name);
        let edit = json!({"spec": {"scanInterval": "10m"}}).to_string();
        let edited = kubectl(words(&[
            "patch",
            "nrap",
            &policy,
            "--type=merge",
            "-p",
            &edit,
        ]))
        .await;
        assert_eq!(edited.0, Some(0), "{}", edited.1);
        let way = [way, &["--force-conflicts"]].concat();
        let way = if name == "server" { &way[..] } else { &[] };
        let (code, said) = kubectl(command("diff", name, way)).await;
        assert_eq!(code, Some(1), "{name}: {said}");
        assert!(said.contains("scanInterval: 90s"), "{said}");
    }
}
