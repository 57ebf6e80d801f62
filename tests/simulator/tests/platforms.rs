//! Platforms and accelerators: what starts, what does not, and what an Update can replace.

use aws_sdk_sagemaker::{
    Client,
    types::{NotebookInstanceAcceleratorType as Accelerator, RootAccess as Root},
};
use sagemaker_simulator::{
    AcceleratorStart, Effect, Fault, Notebook, OwnerAct, Platform, Refused, RootAccess, Simulator,
    Status,
};

use crate::clients::{
    ACCOUNT, REGION, fleet, notebook, refusal, sagemaker, simulate, start, until,
};

const RETIRED: [&str; 4] = [
    "notebook-al1-v1",
    "notebook-al2-v1",
    "notebook-al2-v2",
    "notebook-al2-v3",
];

fn truth(simulator: &Simulator) -> Notebook {
    simulator.notebook(ACCOUNT, REGION, "churn").unwrap()
}

async fn is(simulator: &Simulator, status: Status) -> Notebook {
    until(&format!("the notebook is {status}"), async || {
        Some(truth(simulator)).filter(|it| it.status == status)
    })
    .await
}

fn unsupported(platform: &str) -> (String, String) {
    let message = format!("Platform identifier ({platform}) is not supported for this service");
    ("ValidationException".to_owned(), message)
}

/// The refusal of a Start, if it is one.
async fn refused_start(client: &Client) -> Option<(String, String)> {
    let start = client
        .start_notebook_instance()
        .notebook_instance_name("churn");
    let answer = start.send().await;
    answer.is_err().then(|| refusal(answer))
}

/// The refusal of an Update to another platform, if it is one.
async fn refused_move(client: &Client, platform: &str) -> Option<(String, String)> {
    let update = client
        .update_notebook_instance()
        .notebook_instance_name("churn");
    let answer = update.platform_identifier(platform).send().await;
    answer.is_err().then(|| refusal(answer))
}

#[tokio::test]
async fn describe_tells_platform_and_accelerators() {
    let (_simulator, client) = simulate([
        notebook("usual"),
        notebook("old").platform("notebook-al2-v1"),
        notebook("silent").platform("absent"),
        notebook("inferring")
            .accelerator("ml.eia2.medium")
            .accelerator("ml.eia2.large"),
    ])
    .await;
    for (name, platform, accelerators) in [
        ("usual", Some("notebook-al2023-v1"), &[][..]),
        ("old", Some("notebook-al2-v1"), &[]),
        ("silent", None, &[]),
        (
            "inferring",
            Some("notebook-al2023-v1"),
            &["ml.eia2.medium", "ml.eia2.large"],
        ),
    ] {
        let describe = client
            .describe_notebook_instance()
            .notebook_instance_name(name);
        let answer = describe.send().await.unwrap();
        assert_eq!(answer.platform_identifier(), platform, "{name}");
        let told = answer.accelerator_types().iter();
        assert_eq!(
            told.map(Accelerator::as_str).collect::<Vec<_>>(),
            accelerators,
            "{name}"
        );
    }
}

#[tokio::test]
async fn start_on_a_retired_platform_is_refused_from_stopped_and_failed() {
    let (simulator, client) = simulate([]).await;
    for platform in RETIRED {
        for status in ["Stopped", "Failed"] {
            let old = notebook("churn").platform(platform).status(status);
            simulator.put_notebook(old.clone());
            assert_eq!(
                refused_start(&client).await,
                Some(unsupported(platform)),
                "{status}"
            );
            let by_owner = simulator.owner(ACCOUNT, REGION, "churn", OwnerAct::Start);
            let Err(Refused::Unsupported(message)) = by_owner else {
                panic!("{by_owner:?}")
            };
            assert_eq!(message, unsupported(platform).1);
            assert_eq!(truth(&simulator), old, "unchanged");
        }
    }
    for platform in ["notebook-al2023-v1", "notebook-al2030-v1", "absent"] {
        simulator.put_notebook(notebook("churn").platform(platform).status("Stopped"));
        assert_eq!(refused_start(&client).await, None, "{platform}");
        is(&simulator, Status::InService).await;
    }
}

#[tokio::test]
async fn the_status_is_judged_before_the_platform() {
    let (_simulator, client) = simulate([notebook("churn").platform("notebook-al2-v1")]).await;
    let (_, message) = refused_start(&client).await.unwrap();
    assert!(message.starts_with("Status (InService)"), "{message}");
}

#[tokio::test]
async fn a_running_notebook_on_a_retired_platform_goes_down_for_good() {
    let (simulator, client) = simulate([notebook("churn").platform("notebook-al2-v3")]).await;
    let stop = client
        .stop_notebook_instance()
        .notebook_instance_name("churn");
    stop.send().await.unwrap();
    is(&simulator, Status::Stopped).await;
    let update = client
        .update_notebook_instance()
        .notebook_instance_name("churn");
    update.root_access(Root::Disabled).send().await.unwrap();
    let updated = is(&simulator, Status::Stopped).await;
    assert_eq!(updated.root_access, RootAccess::Disabled);
    assert_eq!(
        refused_start(&client).await,
        Some(unsupported("notebook-al2-v3"))
    );
}

#[tokio::test]
async fn update_migrates_al2_at_its_end_and_then_it_starts() {
    for platform in Platform::AL2 {
        let old = notebook("churn").platform(platform).status("Stopped");
        let (simulator, client) = simulate([old]).await;
        let update = client
            .update_notebook_instance()
            .notebook_instance_name("churn")
            .platform_identifier("notebook-al2023-v1")
            .root_access(Root::Disabled);
        update.send().await.unwrap();
        let updating = truth(&simulator);
        if updating.status == Status::Updating {
            assert_eq!(updating.platform, Platform::from(platform), "not yet");
        }
        let updated = is(&simulator, Status::Stopped).await;
        assert_eq!(updated.platform, Platform::default());
        assert_eq!(updated.root_access, RootAccess::Disabled);
        assert_eq!(refused_start(&client).await, None, "{platform}");
        is(&simulator, Status::InService).await;
    }
}

#[tokio::test]
async fn update_refuses_every_other_move() {
    let (simulator, client) = simulate([]).await;
    for (from, to, names) in [
        ("notebook-al1-v1", "notebook-al2023-v1", "notebook-al1-v1"),
        ("notebook-al1-v1", "notebook-al2-v3", "notebook-al2-v3"),
        ("notebook-al2-v1", "notebook-al2-v3", "notebook-al2-v3"),
        ("notebook-al2023-v1", "notebook-al2-v3", "notebook-al2-v3"),
        ("notebook-al2023-v1", "notebook-al1-v1", "notebook-al1-v1"),
        (
            "notebook-al2-v1",
            "notebook-al2030-v1",
            "notebook-al2030-v1",
        ),
    ] {
        let it = notebook("churn").platform(from).status("Stopped");
        simulator.put_notebook(it.clone());
        let (code, message) = refused_move(&client, to).await.unwrap();
        assert_eq!(code, "ValidationException", "{from} to {to}");
        assert!(message.contains(names), "{from} to {to}: {message}");
        assert_eq!(truth(&simulator), it, "unchanged");
    }
    simulator.put_notebook(notebook("churn").platform("notebook-al2-v1"));
    let (_, message) = refused_move(&client, "notebook-al2023-v1").await.unwrap();
    assert!(message.starts_with("Status (InService)"), "{message}");
}

#[tokio::test]
async fn create_refuses_a_retired_platform() {
    let (simulator, client) = simulate([]).await;
    let create = client
        .create_notebook_instance()
        .notebook_instance_name("churn")
        .role_arn("arn:aws:iam::111122223333:role/notebook")
        .instance_type("ml.t3.medium".into());
    let old = create.clone().platform_identifier("notebook-al2-v1");
    assert_eq!(refusal(old.send().await), unsupported("notebook-al2-v1"));
    assert!(simulator.notebooks().is_empty());
    create.send().await.unwrap();
    assert_eq!(truth(&simulator).platform, Platform::default());
}

#[tokio::test]
async fn start_with_an_accelerator_is_refused_until_it_is_detached() {
    let inferring = notebook("churn")
        .status("Stopped")
        .accelerator("ml.eia2.medium");
    let (simulator, client) = simulate([inferring]).await;
    let (code, message) = refused_start(&client).await.unwrap();
    assert_eq!(code, "ValidationException");
    assert!(message.contains("Elastic Inference"), "{message}");
    assert_eq!(truth(&simulator).status, Status::Stopped);
    let update = client
        .update_notebook_instance()
        .notebook_instance_name("churn");
    let update = update.disassociate_accelerator_types(true);
    update.send().await.unwrap();
    is(&simulator, Status::Stopped).await;
    assert_eq!(refused_start(&client).await, None);
    is(&simulator, Status::InService).await;
}

#[tokio::test]
async fn start_with_an_accelerator_may_be_assumed_to_fail() {
    let inferring = notebook("churn")
        .status("Stopped")
        .accelerator("ml.eia2.medium");
    let mut turned = fleet([inferring]);
    turned.assumptions.start_with_accelerator = AcceleratorStart::Fails;
    let simulator = start(turned);
    let client = sagemaker(&simulator, ACCOUNT, REGION).await;
    assert_eq!(refused_start(&client).await, None);
    let failed = is(&simulator, Status::Failed).await;
    let reason = failed.failure_reason.unwrap();
    assert!(reason.contains("Elastic Inference"), "{reason}");
}

#[tokio::test]
async fn retired_platforms_and_their_wording_are_configurable() {
    let mut turned = fleet([notebook("churn").status("Stopped")]);
    turned.platforms.retired = vec!["notebook-al2023-v1".to_owned()];
    turned.assumptions.retired_platform_message = "{platform} is history".to_owned();
    let simulator = start(turned);
    let client = sagemaker(&simulator, ACCOUNT, REGION).await;
    let (code, message) = refused_start(&client).await.unwrap();
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("ValidationException", "notebook-al2023-v1 is history")
    );
    simulator.put_notebook(
        notebook("churn")
            .platform("notebook-al1-v1")
            .status("Stopped"),
    );
    assert_eq!(refused_start(&client).await, None);
}

/// A retired platform wins over what a fault says of Start.
#[tokio::test]
async fn a_fault_of_start_does_not_hide_the_refusal() {
    let old = notebook("churn")
        .platform("notebook-al2-v1")
        .status("Stopped");
    let (simulator, client) = simulate([old]).await;
    for effect in [Effect::StartNotTaken, Effect::start_fails()] {
        let id = simulator.add_fault(Fault::new(effect));
        assert_eq!(
            refused_start(&client).await,
            Some(unsupported("notebook-al2-v1"))
        );
        simulator.remove_fault(id);
    }
}
