//! A restarter such as Terraform's provider, which gives up at the first refusal.

use std::{sync::Arc, time::Duration};

use aws_sdk_sagemaker::types::RootAccess as Root;
use sagemaker_simulator::{AcceleratorStart, Refused, Restart, Simulator, Status, Timings};
use serde_json::json;

use crate::clients::{ACCOUNT, REGION, fleet, http, notebook, simulate, start, until};

const RESTART: &str = "/_admin/notebooks/111122223333/us-east-1/churn/restart";
const OFTEN: Restart = Restart {
    interval: Duration::from_millis(5),
    pause: Duration::ZERO,
};

/// The end of a restart, which comes within ten seconds.
async fn end<T>(restart: impl Future<Output = T>) -> T {
    let deadline = Duration::from_secs(10);
    let ended = tokio::time::timeout(deadline, restart).await;
    ended.expect("it ends or gives up")
}

async fn is(simulator: &Simulator, status: Status) {
    until(&format!("the notebook is {status}"), async || {
        let it = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
        (it.status == status).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_restart_changes_the_type_and_is_not_counted() {
    let (simulator, _) = simulate([notebook("churn")]).await;
    let before = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
    let restart = simulator.restart(ACCOUNT, REGION, "churn", OFTEN);
    end(restart).await.unwrap();
    let after = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
    assert_eq!(after.status, Status::InService);
    assert_ne!(after.instance_type, before.instance_type);
    assert_eq!(after.root_access, before.root_access);
    assert_eq!(simulator.counters().writes(), 0);
    assert_eq!(simulator.writes(), []);
}

/// A client's Update arrives between the look that saw `Stopped` and the restarter's next call.
#[tokio::test]
async fn an_update_in_the_gap_makes_it_give_up() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    let simulator = Arc::new(simulator);
    simulator.set_timings(Timings {
        // The restarter's first look sees it, before this test does.
        stop: Duration::ZERO,
        update: Duration::from_hours(1),
        ..Timings::default()
    });
    let other = tokio::spawn({
        let simulator = Arc::clone(&simulator);
        let slow = Restart {
            pause: Duration::from_secs(1),
            ..OFTEN
        };
        async move { simulator.restart(ACCOUNT, REGION, "churn", slow).await }
    });
    is(&simulator, Status::Stopped).await;
    let update = client
        .update_notebook_instance()
        .notebook_instance_name("churn");
    update.root_access(Root::Disabled).send().await.unwrap();
    let refused = end(other).await.unwrap().unwrap_err();
    assert!(
        matches!(&refused, Refused::Status(message) if message.starts_with("Status (Updating)")),
        "{refused}"
    );
    is(&simulator, Status::Updating).await;
}

#[tokio::test]
async fn a_start_that_fails_ends_it() {
    let inferring = notebook("churn").accelerator("ml.eia2.medium");
    let mut turned = fleet([inferring]);
    turned.assumptions.start_with_accelerator = AcceleratorStart::Fails;
    let simulator = start(turned);
    let restart = simulator.restart(ACCOUNT, REGION, "churn", OFTEN);
    let refused = end(restart).await.unwrap_err();
    assert!(
        matches!(&refused, Refused::Status(message) if message.contains("unexpected state 'Failed'")),
        "{refused}"
    );
}

#[tokio::test]
async fn a_refusal_ends_it() {
    let (simulator, _) = simulate([notebook("churn").platform("notebook-al2-v1")]).await;
    let restart = simulator.restart(ACCOUNT, REGION, "churn", OFTEN);
    let refused = end(restart).await.unwrap_err();
    assert!(
        matches!(&refused, Refused::Unsupported(message) if message.contains("notebook-al2-v1")),
        "{refused}"
    );
    is(&simulator, Status::Stopped).await;
    let again = simulator.restart(ACCOUNT, REGION, "churn", OFTEN).await;
    assert!(matches!(again, Err(Refused::Status(_))), "{again:?}");
    let nowhere = simulator.restart(ACCOUNT, REGION, "x", OFTEN).await;
    assert!(matches!(nowhere, Err(Refused::NotFound)), "{nowhere:?}");
}

#[tokio::test]
async fn over_http_the_answer_comes_at_the_end() {
    let (simulator, _) = simulate([notebook("churn")]).await;
    let restart = async |body| http(&simulator, "POST", RESTART, Some(body)).await;
    assert_eq!(restart(json!({"interval": "5ms"})).await.0, 204);
    let it = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
    assert_eq!(
        (it.status, it.instance_type.as_str()),
        (Status::InService, "ml.t3.large")
    );
    simulator.modify_notebook(ACCOUNT, REGION, "churn", |it| it.status = Status::Stopped);
    let (status, words) = restart(json!({"interval": "5ms"})).await;
    assert_eq!(status, 409);
    assert!(words.as_str().unwrap().contains("(Stopping)"), "{words}");
    assert_eq!(restart(json!({"every": "5ms"})).await.0, 422);
}
