//! What is sent: a name, and for an Update one word more (promise P9).

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_request_says_what_it_must_and_nothing_else() {
    let attached = ready(Call::Update, "churn")
        .lifecycle_config("setup")
        .tag("team", "churn");
    let simulator = simulate(fleet().notebook(attached.clone()));
    let (aws, counted) = observed(&simulator, &patient());
    let writer = writer(&aws);
    for &call in Call::VARIANTS {
        simulator.put_notebook(match call {
            Call::Stop => attached.clone().status("InService"),
            Call::Update | Call::Start => attached.clone(),
        });
        let answer = writer.send(call, "churn").await;
        assert_eq!(answer.kind, WriteOutcome::Accepted, "{call}: {answer:?}");
        assert_eq!(answer.words, "", "{call}");
        assert_eq!(counted.of(call.into(), Outcome::Answered), 1, "{call}");
    }

    let name = json!({ "NotebookInstanceName": "churn" });
    let update = json!({ "NotebookInstanceName": "churn", "RootAccess": "Disabled" });
    let log = simulator.writes();
    let sent: Vec<_> = log
        .iter()
        .map(|write| (write.operation, &write.body))
        .collect();
    assert_eq!(
        sent,
        [
            (Request::StopNotebookInstance, &name),
            (Request::UpdateNotebookInstance, &update),
            (Request::StartNotebookInstance, &name),
        ]
    );
    for write in &log {
        let target = (write.account.as_str(), write.region.as_str());
        assert_eq!(target, (ACCOUNT, REGION));
        assert!(write.answered);
    }
}

#[tokio::test]
async fn an_update_changes_root_access_and_nothing_else() {
    let before = ready(Call::Update, "churn")
        .lifecycle_config("setup")
        .tag("team", "churn");
    let simulator = simulate(fleet().notebook(before.clone()));
    simulator.set_timings(sagemaker_simulator::Timings {
        update: Duration::ZERO,
        ..sagemaker_simulator::Timings::default()
    });
    let writer = writer(&aws(&simulator, &patient()));
    assert_eq!(
        writer.send(Call::Update, "churn").await.kind,
        WriteOutcome::Accepted
    );
    let after = truth(&simulator, "churn");
    assert_eq!(after.root_access, SimulatedRootAccess::Disabled);
    let last_modified = after.last_modified;
    let expected = Notebook {
        root_access: SimulatedRootAccess::Disabled,
        last_modified,
        ..before
    };
    assert_eq!(after, expected);
}

#[tokio::test]
async fn a_writer_writes_where_its_target_is() {
    let here = ready(Call::Stop, "churn");
    let there = Notebook::new(OTHER, REGION, "churn");
    let elsewhere = Notebook::new(ACCOUNT, "us-east-1", "churn");
    let simulator = simulate(fleet().notebooks([here, there, elsewhere]));
    let aws = aws(&simulator, &patient());
    let target = key(OTHER, REGION, access(Some(ROLE), None));
    let answer = aws.writer(&target).send(Call::Stop, "churn").await;
    assert_eq!(answer.kind, WriteOutcome::Accepted);
    let statuses: Vec<_> = simulator
        .notebooks()
        .into_iter()
        .map(|notebook| (notebook.account, notebook.region, notebook.status))
        .collect();
    let at = |account: &str, region: &str, status| (account.into(), region.into(), status);
    assert_eq!(
        statuses,
        [
            at(ACCOUNT, REGION, Status::InService),
            at(ACCOUNT, "us-east-1", Status::InService),
            at(OTHER, REGION, Status::Stopping),
        ]
    );
}
