//! Counters, concurrency, the log of writes and the log of requests.

use std::time::Duration;

use aws_sdk_sagemaker::types::RootAccess as Root;
use sagemaker_simulator::{
    Effect, Fault, GONE, Notebook, Operation, Options, RequestCount, RootAccess, Service,
    Simulator, Status,
};
use serde_json::json;

use crate::clients::{
    ACCOUNT, OTHER, REGION, assume, fleet, home, notebook, sagemaker, sagemaker_with, simulate,
    start, sts, until,
};

const DESCRIBE: Operation = Operation::DescribeNotebookInstance;

#[tokio::test]
async fn requests_are_counted_by_account_region_operation_and_outcome() {
    let simulator = start(fleet([
        notebook("churn"),
        Notebook::new(OTHER, "eu-west-1", "x"),
    ]));
    let here = sagemaker(&simulator, ACCOUNT, REGION).await;
    let there = sagemaker(&simulator, OTHER, "eu-west-1").await;
    simulator.reset_counters();
    for name in ["churn", "churn", "missing"] {
        let _ = here
            .describe_notebook_instance()
            .notebook_instance_name(name)
            .send()
            .await;
    }
    there.list_notebook_instances().send().await.unwrap();
    sts(&simulator, home(&simulator))
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    let counters = simulator.counters();
    let count =
        |account: &str, region: &str, service, operation, outcome: &str, count| RequestCount {
            account: account.to_owned(),
            region: region.to_owned(),
            service,
            operation,
            outcome: outcome.to_owned(),
            count,
        };
    let expected = [
        count(ACCOUNT, REGION, Service::SageMaker, DESCRIBE, "OK", 2),
        count(
            ACCOUNT,
            REGION,
            Service::SageMaker,
            DESCRIBE,
            "ValidationException",
            1,
        ),
        count(
            OTHER,
            "eu-west-1",
            Service::SageMaker,
            Operation::ListNotebookInstances,
            "OK",
            1,
        ),
        count(
            "999900001111",
            REGION,
            Service::Sts,
            Operation::GetCallerIdentity,
            "OK",
            1,
        ),
    ];
    assert_eq!(counters.requests, expected);
    assert_eq!(
        (counters.total(), counters.of(DESCRIBE), counters.writes()),
        (5, 3, 0)
    );
    simulator.reset_counters();
    assert_eq!(simulator.counters().total(), 0);
}

#[tokio::test]
async fn roles_are_counted_in_their_own_account_and_strangers_apart() {
    let simulator = start(fleet([]));
    assume(&simulator, OTHER).await;
    let stranger = crate::clients::keys("AKIANOBODY", "x", None);
    let _ = sts(&simulator, stranger).get_caller_identity().send().await;
    let counters = simulator.counters();
    let accounts: Vec<_> = counters
        .requests
        .iter()
        .map(|it| (it.account.as_str(), it.operation))
        .collect();
    assert_eq!(
        accounts,
        [
            (OTHER, Operation::AssumeRole),
            ("unknown", Operation::GetCallerIdentity)
        ]
    );
}

#[tokio::test]
async fn concurrency_is_the_most_at_the_same_time() {
    let options = Options {
        latency: Duration::from_millis(500),
        ..Options::default()
    };
    let simulator = Simulator::start(fleet([notebook("churn")]), options).unwrap();
    let client = sagemaker(&simulator, ACCOUNT, REGION).await;
    let calls = (0..7).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            client
                .describe_notebook_instance()
                .notebook_instance_name("churn")
                .send()
                .await
                .unwrap();
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let counters = simulator.counters();
    assert_eq!(
        (counters.max_in_flight_of(DESCRIBE), counters.max_in_flight),
        (7, 7)
    );
    // An answer is counted as over a moment after the client has it.
    until("nothing is under way", async || {
        simulator
            .counters()
            .in_flight
            .iter()
            .all(|it| it.now == 0)
            .then_some(())
    })
    .await;
    client
        .describe_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await
        .unwrap();
    assert_eq!(simulator.counters().max_in_flight_of(DESCRIBE), 7);
    until("nothing is under way", async || {
        simulator
            .counters()
            .in_flight
            .iter()
            .all(|it| it.now == 0)
            .then_some(())
    })
    .await;
    simulator.reset_counters();
    assert_eq!(simulator.counters().max_in_flight_of(DESCRIBE), 0);
}

#[tokio::test]
async fn a_client_that_goes_away_is_counted_as_such() {
    let options = Options {
        latency: Duration::from_mins(1),
        ..Options::default()
    };
    // The role is assumed elsewhere: with this latency it would take a minute.
    let simulator = Simulator::start(fleet([notebook("churn")]), options).unwrap();
    let timeout = Duration::from_millis(100);
    let client = sagemaker_with(&simulator, home(&simulator), REGION, timeout);
    assert!(client.list_notebook_instances().send().await.is_err());
    until("it is counted", async || {
        let gone = simulator
            .counters()
            .outcome(Operation::ListNotebookInstances, GONE);
        (gone == 1).then_some(())
    })
    .await;
    assert_eq!(simulator.counters().in_flight[0].now, 0);
}

#[tokio::test]
async fn every_write_is_logged_in_order_with_its_body() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    let update = || {
        let update = client
            .update_notebook_instance()
            .notebook_instance_name("churn");
        update.root_access(Root::Disabled).send()
    };
    client
        .describe_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await
        .unwrap();
    assert!(update().await.is_err());
    client
        .stop_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await
        .unwrap();
    until("it is stopped", async || {
        let it = simulator.notebook(ACCOUNT, REGION, "churn").unwrap();
        (it.status == Status::Stopped).then_some(())
    })
    .await;
    update().await.unwrap();
    assert!(
        client
            .start_notebook_instance()
            .notebook_instance_name("missing")
            .send()
            .await
            .is_err()
    );
    let writes = simulator.writes();
    let short: Vec<_> = writes
        .iter()
        .map(|it| {
            (
                it.sequence,
                it.operation,
                it.notebook.as_str(),
                it.outcome.as_str(),
                it.status_before.clone(),
            )
        })
        .collect();
    let expected = [
        (
            1,
            Operation::UpdateNotebookInstance,
            "churn",
            "ValidationException",
            Some(Status::InService),
        ),
        (
            2,
            Operation::StopNotebookInstance,
            "churn",
            "OK",
            Some(Status::InService),
        ),
        (
            3,
            Operation::UpdateNotebookInstance,
            "churn",
            "OK",
            Some(Status::Stopped),
        ),
        (
            4,
            Operation::StartNotebookInstance,
            "missing",
            "ValidationException",
            None,
        ),
    ];
    assert_eq!(short, expected);
    assert_eq!(
        writes[2].body,
        json!({"NotebookInstanceName": "churn", "RootAccess": "Disabled"})
    );
    assert_eq!(writes[1].body, json!({"NotebookInstanceName": "churn"}));
    assert_eq!(writes[2].root_access_before, Some(RootAccess::Enabled));
    assert!(
        writes
            .iter()
            .all(|it| it.answered && it.account == ACCOUNT && it.region == REGION)
    );
    assert!(writes.is_sorted_by_key(|it| it.time));
    assert_eq!(simulator.counters().writes(), 4);
    simulator.clear_writes();
    assert_eq!(simulator.writes(), []);
    let _ = client
        .stop_notebook_instance()
        .notebook_instance_name("missing")
        .send()
        .await;
    assert_eq!(simulator.writes()[0].sequence, 5, "the order goes on");
}

#[tokio::test]
async fn the_log_of_requests_keeps_the_last() {
    let options = Options {
        request_log: 3,
        ..Options::default()
    };
    let simulator = Simulator::start(fleet([notebook("churn")]), options).unwrap();
    simulator.add_fault(Fault::new(Effect::Deny).operation(Operation::ListNotebookInstances));
    let client = sagemaker(&simulator, ACCOUNT, REGION).await;
    for _ in 0..2 {
        client
            .describe_notebook_instance()
            .notebook_instance_name("churn")
            .send()
            .await
            .unwrap();
    }
    let _ = client.list_notebook_instances().send().await;
    let requests = simulator.requests();
    let short: Vec<_> = requests
        .iter()
        .map(|it| (it.operation, it.notebook.as_deref(), it.outcome.as_str()))
        .collect();
    let expected = [
        (DESCRIBE, Some("churn"), "OK"),
        (DESCRIBE, Some("churn"), "OK"),
        (
            Operation::ListNotebookInstances,
            None,
            "AccessDeniedException",
        ),
    ];
    assert_eq!(short, expected);
}
