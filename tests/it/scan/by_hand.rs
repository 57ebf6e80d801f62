//! Whoever does by hand what a report says takes root away, and leaves nobody down and nobody
//! running who was not.

use std::time::Instant;

use sagemaker_simulator::{Operation, RootAccess, Simulator, Status};
use serde_json::Value;
use sudoless::{
    aws::{Aws, Options},
    domain::{Call, NotebookStatus, TargetKey, WriteOutcome},
};

use super::program::{by_flags, scan, simulate};
use crate::support::{
    small::{ACCOUNT, OTHER_REGION, REGION, fleet, rooted, rootless},
    stage::DEADLINE,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_do_what_they_say() {
    let elsewhere = |name: &str| sagemaker_simulator::Notebook::new(ACCOUNT, OTHER_REGION, name);
    let simulator = simulate(fleet([
        rooted("running"),
        rooted("stopped").status(Status::Stopped),
        elsewhere("running"),
        elsewhere("other").status(Status::Stopped),
        rootless("tame"),
        rootless("tame-stopped").status(Status::Stopped),
    ]));
    let flags = by_flags(&["-o", "json"]);
    let before = simulator.notebooks();
    let report = scan(&simulator, &flags).expect(3).json();
    for notebook in report["policies"][0]["notebooks"].as_array().unwrap() {
        let steps = notebook["remedy"]["steps"].as_array();
        for step in steps.into_iter().flatten() {
            run(&simulator, &step["command"]).await;
        }
    }
    for notebook in before {
        let (region, name) = (&notebook.region, &notebook.name);
        let now = simulator.notebook(ACCOUNT, region, name).unwrap();
        assert_eq!(now.root_access, RootAccess::Disabled, "{region}/{name}");
        assert_eq!(now.status, notebook.status, "{region}/{name}");
    }
    let counters = simulator.counters();
    let writes = [
        Operation::StopNotebookInstance,
        Operation::UpdateNotebookInstance,
        Operation::StartNotebookInstance,
    ];
    assert_eq!(writes.map(|operation| counters.of(operation)), [2, 4, 2]);
    scan(&simulator, &flags).expect(0);
}

/// What AWS CLI would do, with the words of the command. A waiter looks until its status is there.
async fn run(simulator: &Simulator, command: &Value) {
    let words: Vec<&str> = command.as_str().unwrap().split(' ').collect();
    let ["aws", "sagemaker", rest @ ..] = words.as_slice() else {
        panic!("{command}");
    };
    let (operation, rest) = match rest {
        ["wait", waiter, rest @ ..] => (*waiter, rest),
        [operation, rest @ ..] => (*operation, rest),
        [] => panic!("{command}"),
    };
    let [
        "--region",
        region,
        "--notebook-instance-name",
        name,
        more @ ..,
    ] = rest
    else {
        panic!("{command}");
    };
    let key = TargetKey {
        account: ACCOUNT.parse().unwrap(),
        region: region.parse().unwrap(),
        access: sudoless::domain::Access {
            role: Some("sudoless".parse().unwrap()),
            external_id: None,
        },
    };
    let aws = aws(simulator);
    let send = async |call| {
        let answer = aws.writer(&key).send(call, name).await;
        assert_eq!(answer.kind, WriteOutcome::Accepted, "{command}: {answer:?}");
    };
    let reader = aws.reader(&key);
    let until = async |wanted: NotebookStatus| {
        let started = Instant::now();
        while reader.describe(name).await.unwrap().unwrap().status != wanted {
            assert!(started.elapsed() < DEADLINE, "{command}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    match (operation, more) {
        ("stop-notebook-instance", []) => send(Call::Stop).await,
        ("start-notebook-instance", []) => send(Call::Start).await,
        ("update-notebook-instance", ["--root-access", "Disabled"]) => send(Call::Update).await,
        ("notebook-instance-stopped", []) => until(NotebookStatus::Stopped).await,
        ("notebook-instance-in-service", []) => until(NotebookStatus::InService).await,
        (
            "describe-notebook-instance",
            [
                "--query",
                "'[NotebookInstanceStatus,RootAccess]'",
                "--output",
                "text",
            ],
        ) => {
            let details = reader.describe(name).await.unwrap().unwrap();
            assert_eq!(details.root_access.as_str(), "Disabled", "{command}");
            assert_eq!(details.status, NotebookStatus::Stopped, "{command}");
        }
        _ => panic!("{command}"),
    }
}

fn aws(simulator: &Simulator) -> Aws {
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    let home = simulator.home();
    let (id, secret) = (&home.access_key_id, &home.secret_access_key);
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .endpoint_url(simulator.url())
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            id, secret, None, None, "test",
        )))
        .build();
    Aws::new(config, &Options::default(), std::sync::Arc::new(()))
}
