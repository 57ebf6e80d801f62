//! States, guards and their messages, and timed transitions.

use std::time::Duration;

use aws_sdk_sagemaker::{Client, types::RootAccess as Root};
use sagemaker_simulator::{
    Assumptions, Notebook, Options, OwnerAct, Refused, RootAccess, Simulator, Status, Timings,
};

use crate::clients::{
    ACCOUNT, REGION, assume, fleet, millis, notebook, refusal, sagemaker, sagemaker_with, simulate,
    start, until,
};

const STATES: [&str; 9] = [
    "Pending",
    "InService",
    "Stopping",
    "Stopped",
    "Failed",
    "Deleting",
    "Updating",
    "InMaintenance",
    "Brandnew",
];

async fn send(client: &Client, operation: &str, name: &str) -> Option<(String, String)> {
    match operation {
        "Stop" => {
            let answer = client
                .stop_notebook_instance()
                .notebook_instance_name(name)
                .send()
                .await;
            answer.is_err().then(|| refusal(answer))
        }
        "Start" => {
            let answer = client
                .start_notebook_instance()
                .notebook_instance_name(name)
                .send()
                .await;
            answer.is_err().then(|| refusal(answer))
        }
        "Delete" => {
            let answer = client
                .delete_notebook_instance()
                .notebook_instance_name(name)
                .send()
                .await;
            answer.is_err().then(|| refusal(answer))
        }
        _ => {
            let update = client
                .update_notebook_instance()
                .notebook_instance_name(name);
            let answer = update.root_access(Root::Disabled).send().await;
            answer.is_err().then(|| refusal(answer))
        }
    }
}

async fn seen(client: &Client, name: &str) -> (String, Option<String>) {
    let answer = client
        .describe_notebook_instance()
        .notebook_instance_name(name)
        .send()
        .await;
    let answer = answer.unwrap();
    (
        answer
            .notebook_instance_status()
            .unwrap()
            .as_str()
            .to_owned(),
        answer.root_access().map(|root| root.as_str().to_owned()),
    )
}

async fn reaches(client: &Client, name: &str, status: &str) {
    until(&format!("{name} is {status}"), async || {
        (seen(client, name).await.0 == status).then_some(())
    })
    .await;
}

/// Every operation from every state: accepted or refused, with AWS's words, and the state that it
/// leads to.
#[tokio::test]
async fn guards_and_their_messages() {
    let table = [
        ("Stop", vec!["InService"], "Stopping"),
        ("Start", vec!["Stopped", "Failed"], "Pending"),
        ("Update", vec!["Stopped"], "Updating"),
        ("Delete", vec!["Stopped", "Failed"], "Deleting"),
    ];
    let (simulator, client) = simulate([]).await;
    let slow = Duration::from_hours(1);
    simulator.set_timings(Timings {
        stop: slow,
        update: slow,
        start: slow,
        delete: slow,
        ..Timings::default()
    });
    let mut cases = 0;
    for (operation, accepted, target) in table {
        for status in STATES {
            let name = format!("{operation}-{status}");
            let it = notebook(&name).status(status);
            let arn = it.arn();
            simulator.put_notebook(it);
            let answer = send(&client, operation, &name).await;
            if accepted.contains(&status) {
                assert_eq!(answer, None, "{operation} from {status}");
                assert_eq!(seen(&client, &name).await.0, target);
            } else {
                let message = format!(
                    "Status ({status}) not in ([{}]). Unable to transition to ({target}) for Notebook Instance ({arn}).",
                    accepted.join(", ")
                );
                assert_eq!(answer, Some(("ValidationException".to_owned(), message)));
                assert_eq!(seen(&client, &name).await.0, status, "unchanged");
            }
            cases += 1;
        }
    }
    assert_eq!(cases, 36);
}

#[tokio::test]
async fn the_whole_cycle_takes_root_away() {
    let (_simulator, client) = simulate([notebook("churn")]).await;
    assert_eq!(
        seen(&client, "churn").await,
        ("InService".to_owned(), Some("Enabled".to_owned()))
    );
    for (operation, status) in [
        ("Stop", "Stopped"),
        ("Update", "Stopped"),
        ("Start", "InService"),
    ] {
        assert_eq!(send(&client, operation, "churn").await, None, "{operation}");
        reaches(&client, "churn", status).await;
    }
    assert_eq!(
        seen(&client, "churn").await,
        ("InService".to_owned(), Some("Disabled".to_owned()))
    );
}

#[tokio::test]
async fn root_access_changes_when_the_update_ends() {
    let (simulator, client) = simulate([notebook("churn").status("Stopped")]).await;
    simulator.set_timings(Timings {
        update: Duration::from_hours(1),
        ..Timings::default()
    });
    assert_eq!(send(&client, "Update", "churn").await, None);
    assert_eq!(
        seen(&client, "churn").await,
        ("Updating".to_owned(), Some("Enabled".to_owned()))
    );
    let (_, message) = send(&client, "Start", "churn").await.unwrap();
    assert!(
        message.starts_with("Status (Updating) not in ([Stopped, Failed])."),
        "{message}"
    );
}

#[tokio::test]
async fn after_an_update_readers_may_be_behind_but_guards_are_not() {
    let (simulator, client) = simulate([notebook("churn").status("Stopped")]).await;
    let before = simulator
        .notebook(ACCOUNT, REGION, "churn")
        .unwrap()
        .last_modified;
    simulator.set_timings(Timings {
        update: Duration::from_hours(2),
        update_lag: Duration::from_hours(1),
        ..Timings::default()
    });
    assert_eq!(send(&client, "Update", "churn").await, None);
    let answer = client
        .describe_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.notebook_instance_status().unwrap().as_str(),
        "Stopped"
    );
    assert_eq!(answer.root_access(), Some(&Root::Enabled));
    assert_eq!(millis(answer.last_modified_time()), before.as_millisecond());
    let (_, message) = send(&client, "Start", "churn").await.unwrap();
    assert!(message.starts_with("Status (Updating)"), "{message}");
    assert_eq!(
        simulator.notebook(ACCOUNT, REGION, "churn").unwrap().status,
        Status::Updating
    );
}

#[tokio::test]
async fn the_lag_ends() {
    let (simulator, client) = simulate([notebook("churn").status("Stopped")]).await;
    simulator.set_timings(Timings {
        update: Duration::from_hours(2),
        update_lag: Duration::from_millis(30),
        ..Timings::default()
    });
    assert_eq!(send(&client, "Update", "churn").await, None);
    reaches(&client, "churn", "Updating").await;
}

#[tokio::test]
async fn last_modified_moves_with_every_step() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    let modified = || {
        simulator
            .notebook(ACCOUNT, REGION, "churn")
            .unwrap()
            .last_modified
    };
    let mut last = modified();
    for (operation, status) in [
        ("Stop", "Stopped"),
        ("Update", "Stopped"),
        ("Start", "InService"),
    ] {
        assert_eq!(send(&client, operation, "churn").await, None);
        until("the end of the transition", async || {
            let it = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
            (it.status.as_str() == status).then_some(())
        })
        .await;
        assert!(
            modified().as_millisecond() > last.as_millisecond(),
            "{operation}"
        );
        last = modified();
    }
    assert_eq!(seen(&client, "churn").await.0, "InService");
    assert_eq!(modified(), last, "reading moves nothing");
}

#[tokio::test]
async fn speed_divides_the_times() {
    let mut slow = fleet([notebook("churn")]);
    slow.timings.stop = Duration::from_hours(1);
    let options = Options {
        speed: 360_000.0,
        ..Options::default()
    };
    let simulator = Simulator::start(slow, options).unwrap();
    let client = sagemaker(&simulator, ACCOUNT, REGION).await;
    assert_eq!(send(&client, "Stop", "churn").await, None);
    reaches(&client, "churn", "Stopped").await;
}

#[tokio::test]
async fn an_update_changes_only_what_is_sent() {
    let before = notebook("churn")
        .status("Stopped")
        .lifecycle_config("setup")
        .tag("team", "a");
    let (simulator, client) = simulate([before.clone()]).await;
    assert_eq!(send(&client, "Update", "churn").await, None);
    let after = until("the update is over", async || {
        let it = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
        (it.status == Status::Stopped).then_some(it)
    })
    .await;
    let expected = Notebook {
        root_access: RootAccess::Disabled,
        last_modified: after.last_modified,
        ..before
    };
    assert_eq!(after, expected);
    let update = client
        .update_notebook_instance()
        .notebook_instance_name("churn");
    update
        .disassociate_lifecycle_config(true)
        .send()
        .await
        .unwrap();
    let lifecycle_config = until("the second update is over", async || {
        let it = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
        (it.status == Status::Stopped).then_some(it.lifecycle_config)
    })
    .await;
    assert_eq!(lifecycle_config, None);
}

#[tokio::test]
async fn deleted_notebooks_disappear_and_new_ones_start() {
    let (simulator, client) = simulate([notebook("old").status("Failed")]).await;
    assert_eq!(send(&client, "Delete", "old").await, None);
    until("it is gone", async || {
        simulator.notebooks().is_empty().then_some(())
    })
    .await;
    let create = client
        .create_notebook_instance()
        .notebook_instance_name("new");
    let create = create.role_arn("arn:aws:iam::111122223333:role/notebook");
    let create = create.instance_type("ml.t3.medium".into());
    let arn = create
        .clone()
        .send()
        .await
        .unwrap()
        .notebook_instance_arn
        .unwrap();
    assert_eq!(arn, notebook("new").arn());
    reaches(&client, "new", "InService").await;
    assert_eq!(
        seen(&client, "new").await.1.as_deref(),
        Some("Enabled"),
        "AWS's default"
    );
    let (code, message) = refusal(create.send().await);
    assert_eq!(code, "ValidationException");
    assert!(message.contains("already existing"), "{message}");
}

#[tokio::test]
async fn assumptions_can_be_turned_round() {
    let mut turned = fleet([
        notebook("broken").status("Failed"),
        notebook("churn").status("Stopped"),
    ]);
    turned.assumptions = Assumptions {
        update_from_failed: true,
        update_moves_last_modified: false,
        ..Assumptions::default()
    };
    let simulator = start(turned);
    let timeout = Duration::from_secs(10);
    let client = sagemaker_with(
        &simulator,
        assume(&simulator, ACCOUNT).await,
        REGION,
        timeout,
    );
    assert_eq!(send(&client, "Update", "broken").await, None);
    reaches(&client, "broken", "Stopped").await;
    let modified = || {
        simulator
            .notebook(ACCOUNT, REGION, "churn")
            .unwrap()
            .last_modified
    };
    let before = modified();
    assert_eq!(send(&client, "Update", "churn").await, None);
    until("the update is over", async || {
        (seen(&client, "churn").await.1.as_deref() == Some("Disabled")).then_some(())
    })
    .await;
    assert_eq!(modified(), before);
    simulator.put_notebook(notebook("busy"));
    let (_, message) = send(&client, "Update", "busy").await.unwrap();
    assert!(
        message.starts_with("Status (InService) not in ([Stopped, Failed])."),
        "{message}"
    );
}

#[tokio::test]
async fn owners_act_under_the_same_guards_unseen() {
    let (simulator, client) = simulate([notebook("churn").root_access("Disabled")]).await;
    let owner = |act| simulator.owner(ACCOUNT, REGION, "churn", act);
    owner(OwnerAct::Stop).unwrap();
    let refused = owner(OwnerAct::Stop).unwrap_err();
    assert!(
        matches!(&refused, Refused::Status(message) if message.contains("Unable to transition to (Stopping)"))
    );
    reaches(&client, "churn", "Stopped").await;
    owner(OwnerAct::Start).unwrap();
    reaches(&client, "churn", "InService").await;
    owner(OwnerAct::EnableRoot).unwrap();
    assert_eq!(seen(&client, "churn").await.1.as_deref(), Some("Enabled"));
    assert!(matches!(
        simulator.owner(ACCOUNT, REGION, "x", OwnerAct::Stop),
        Err(Refused::NotFound)
    ));
    assert_eq!(simulator.writes(), []);
    assert_eq!(simulator.counters().writes(), 0);
}
