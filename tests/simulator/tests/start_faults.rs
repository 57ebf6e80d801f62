//! Start that fails everywhere in an account, and nowhere else.

use aws_sdk_sagemaker::Client;
use sagemaker_simulator::{Effect, Fault, Notebook, Operation, Status};

use crate::clients::{ACCOUNT, OTHER, REGION, fleet, notebook, refusal, sagemaker, start, until};

#[tokio::test]
async fn every_start_of_an_account_may_be_denied() {
    let simulator = start(fleet([
        notebook("churn").status("Stopped"),
        notebook("running"),
        Notebook::new(OTHER, REGION, "churn").status("Stopped"),
    ]));
    simulator.add_fault(
        Fault::new(Effect::Deny)
            .account(ACCOUNT)
            .operation(Operation::StartNotebookInstance),
    );
    let here = sagemaker(&simulator, ACCOUNT, REGION).await;
    let there = sagemaker(&simulator, OTHER, REGION).await;
    let start = |client: &Client| {
        client
            .start_notebook_instance()
            .notebook_instance_name("churn")
            .send()
    };
    for _ in 0..3 {
        let (code, message) = refusal(start(&here).await);
        assert_eq!(code, "AccessDeniedException");
        assert!(message.contains("StartNotebookInstance"), "{message}");
    }
    let it = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
    assert_eq!(it.status, Status::Stopped);
    start(&there).await.unwrap();
    let stop = here
        .stop_notebook_instance()
        .notebook_instance_name("running");
    stop.send().await.unwrap();
}

/// As if the permission to make network interfaces were missing: AWS accepts Start, and says why
/// only in `FailureReason`.
#[tokio::test]
async fn every_start_of_an_account_may_end_in_failed() {
    let simulator = start(fleet([
        notebook("a").status("Stopped"),
        notebook("b").status("Stopped"),
        Notebook::new(OTHER, REGION, "a").status("Stopped"),
    ]));
    let reason = "not authorized to perform ec2:CreateNetworkInterface".to_owned();
    simulator.add_fault(
        Fault::new(Effect::StartFails {
            reason: reason.clone(),
        })
        .account(ACCOUNT),
    );
    let here = sagemaker(&simulator, ACCOUNT, REGION).await;
    for name in ["a", "b", "a"] {
        let start = here.start_notebook_instance().notebook_instance_name(name);
        start.send().await.unwrap();
        let describe = || {
            here.describe_notebook_instance()
                .notebook_instance_name(name)
        };
        let seen = until("it has failed", async || {
            let seen = describe().send().await.unwrap();
            (seen.notebook_instance_status().unwrap().as_str() == "Failed").then_some(seen)
        })
        .await;
        assert_eq!(seen.failure_reason(), Some(reason.as_str()));
    }
    let there = sagemaker(&simulator, OTHER, REGION).await;
    let start = there.start_notebook_instance().notebook_instance_name("a");
    start.send().await.unwrap();
    until("the other account's runs", async || {
        let it = simulator.notebook(OTHER, REGION, "a").unwrap();
        (it.status == Status::InService).then_some(())
    })
    .await;
}
