//! Faults of writes: denied, not taking, failing, stuck, applied without an answer, arriving late.

use std::time::Duration;

use aws_sdk_sagemaker::{Client, error::SdkError, types::RootAccess as Root};
use sagemaker_simulator::{
    Assumptions, Effect, Fault, LATE, Loss, Notebook, Operation, RootAccess, Simulator, Status,
};

use crate::clients::{
    ACCOUNT, REGION, assume, code, fleet, notebook, refusal, sagemaker, sagemaker_with, simulate,
    start, until,
};

fn truth(simulator: &Simulator) -> Notebook {
    simulator.notebook(ACCOUNT, REGION, "churn").unwrap()
}

async fn is(simulator: &Simulator, status: Status) -> Notebook {
    until(&format!("the notebook is {status}"), async || {
        Some(truth(simulator)).filter(|it| it.status == status)
    })
    .await
}

async fn impatient(simulator: &Simulator) -> Client {
    let credentials = assume(simulator, ACCOUNT).await;
    sagemaker_with(simulator, credentials, REGION, Duration::from_millis(200))
}

#[tokio::test]
async fn permission_comes_before_state_and_existence() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    simulator.add_fault(Fault::new(Effect::Deny).operation(Operation::UpdateNotebookInstance));
    for name in ["churn", "missing"] {
        let update = client
            .update_notebook_instance()
            .notebook_instance_name(name);
        assert_eq!(code(update.send().await), "AccessDeniedException", "{name}");
    }
    client
        .stop_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn or_after_it_where_assumed_so() {
    let mut turned = fleet([notebook("churn")]);
    turned.assumptions = Assumptions {
        permission_before_state: false,
        ..Assumptions::default()
    };
    let simulator =
        start(turned.fault(Fault::new(Effect::Deny).operation(Operation::UpdateNotebookInstance)));
    let client = sagemaker(&simulator, ACCOUNT, REGION).await;
    let update = || {
        client
            .update_notebook_instance()
            .notebook_instance_name("churn")
            .send()
    };
    assert_eq!(code(update().await), "ValidationException");
    simulator.modify_notebook(ACCOUNT, REGION, "churn", |it| it.status = Status::Stopped);
    assert_eq!(code(update().await), "AccessDeniedException");
    assert_eq!(truth(&simulator).status, Status::Stopped);
}

#[tokio::test]
async fn a_start_may_not_take() {
    let (simulator, client) = simulate([notebook("churn").status("Stopped")]).await;
    simulator.add_fault(Fault::new(Effect::StartNotTaken).next(1));
    let start = || {
        client
            .start_notebook_instance()
            .notebook_instance_name("churn")
            .send()
    };
    start().await.unwrap();
    assert_eq!(truth(&simulator).status, Status::Stopped);
    start().await.unwrap();
    is(&simulator, Status::InService).await;
}

#[tokio::test]
async fn a_start_may_end_in_failed_and_be_sent_again() {
    let (simulator, client) = simulate([notebook("churn").status("Stopped")]).await;
    simulator.add_fault(Fault::new(Effect::start_fails()).next(1));
    let start = || {
        client
            .start_notebook_instance()
            .notebook_instance_name("churn")
            .send()
    };
    start().await.unwrap();
    is(&simulator, Status::Failed).await;
    let seen = client
        .describe_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await
        .unwrap();
    assert!(
        seen.failure_reason()
            .unwrap()
            .starts_with("Insufficient notebook instance capacity")
    );
    start().await.unwrap();
    assert_eq!(is(&simulator, Status::InService).await.failure_reason, None);
}

#[tokio::test]
async fn a_start_may_meet_a_quota() {
    let (simulator, client) = simulate([notebook("churn").status("Stopped")]).await;
    simulator.add_fault(
        Fault::new(Effect::error("ResourceLimitExceeded"))
            .operation(Operation::StartNotebookInstance),
    );
    let answer = client
        .start_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await;
    let error = answer.unwrap_err().into_service_error();
    assert!(error.is_resource_limit_exceeded(), "{error:?}");
}

#[tokio::test]
async fn a_stop_carried_out_twice_answers_with_the_second_refusal() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    simulator.add_fault(
        Fault::new(Effect::CarriedOutTwice)
            .operation(Operation::StopNotebookInstance)
            .next(1),
    );
    let stop = client
        .stop_notebook_instance()
        .notebook_instance_name("churn");
    let (code, message) = refusal(stop.send().await);
    assert_eq!(code, "ValidationException");
    assert!(
        message.starts_with(
            "Status (Stopping) not in ([InService]). Unable to transition to (Stopping)"
        ),
        "{message}"
    );
    is(&simulator, Status::Stopped).await;
    let writes = simulator.writes();
    let outcomes = writes
        .iter()
        .map(|write| (write.outcome.as_str(), write.answered));
    assert_eq!(
        outcomes.collect::<Vec<_>>(),
        [("OK", false), ("ValidationException", true)]
    );
    assert_eq!(
        simulator.counters().of(Operation::StopNotebookInstance),
        1,
        "the client sent one"
    );
}

#[tokio::test]
async fn a_stop_may_be_stuck_until_somebody_acts() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    simulator.add_fault(Fault::new(Effect::StuckStopping).next(1));
    let stop = || {
        client
            .stop_notebook_instance()
            .notebook_instance_name("churn")
            .send()
    };
    stop().await.unwrap();
    // Longer than a stop takes here: another notebook's stop, begun later, is over.
    simulator.put_notebook(notebook("other"));
    client
        .stop_notebook_instance()
        .notebook_instance_name("other")
        .send()
        .await
        .unwrap();
    until("the other is stopped", async || {
        let other = simulator.notebook(ACCOUNT, REGION, "other").unwrap();
        (other.status == Status::Stopped).then_some(())
    })
    .await;
    assert_eq!(truth(&simulator).status, Status::Stopping);
    assert!(refusal(stop().await).1.starts_with("Status (Stopping)"));
    simulator.modify_notebook(ACCOUNT, REGION, "churn", |it| it.status = Status::Stopped);
    client
        .start_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await
        .unwrap();
    is(&simulator, Status::InService).await;
}

#[tokio::test]
async fn an_update_may_be_applied_without_an_answer() {
    for how in [Loss::Hang, Loss::Reset] {
        let (simulator, _) = simulate([notebook("churn").status("Stopped")]).await;
        let client = impatient(&simulator).await;
        simulator.add_fault(
            Fault::new(Effect::AnswerLost { how }).operation(Operation::UpdateNotebookInstance),
        );
        let update = client
            .update_notebook_instance()
            .notebook_instance_name("churn");
        let answer = update.root_access(Root::Disabled).send().await;
        match how {
            Loss::Hang => assert!(
                matches!(answer, Err(SdkError::TimeoutError(_))),
                "{answer:?}"
            ),
            Loss::Reset => assert!(
                matches!(answer, Err(SdkError::DispatchFailure(_))),
                "{answer:?}"
            ),
        }
        let applied = until("the update is over", async || {
            Some(truth(&simulator)).filter(|it| it.root_access == RootAccess::Disabled)
        })
        .await;
        assert_eq!(applied.status, Status::Stopped);
        let writes = simulator.writes();
        assert_eq!(
            (writes[0].outcome.as_str(), writes[0].answered),
            ("OK", false)
        );
    }
}

#[tokio::test]
async fn an_answer_may_be_later_than_its_client_waits() {
    let (simulator, patient) = simulate([notebook("churn")]).await;
    let client = impatient(&simulator).await;
    simulator.add_fault(
        Fault::new(Effect::AnswerLate {
            by: Duration::from_secs(2),
        })
        .operation(Operation::StopNotebookInstance)
        .next(1),
    );
    let answer = client
        .stop_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await;
    assert!(
        matches!(answer, Err(SdkError::TimeoutError(_))),
        "{answer:?}"
    );
    is(&simulator, Status::Stopped).await;
    let again = patient
        .stop_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await;
    assert!(refusal(again).1.starts_with("Status (Stopped)"));
}

#[tokio::test]
async fn a_write_may_arrive_after_its_client_gave_up() {
    let (simulator, _) = simulate([notebook("churn")]).await;
    let client = impatient(&simulator).await;
    let by = Duration::from_millis(1500);
    simulator.add_fault(
        Fault::new(Effect::ArriveLate {
            by,
            how: Loss::Hang,
        })
        .operation(Operation::StopNotebookInstance)
        .next(1),
    );
    let answer = client
        .stop_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await;
    assert!(
        matches!(answer, Err(SdkError::TimeoutError(_))),
        "{answer:?}"
    );
    assert_eq!(truth(&simulator).status, Status::InService, "not yet");
    assert_eq!(simulator.writes(), []);
    is(&simulator, Status::Stopped).await;
    let writes = simulator.writes();
    assert_eq!(
        (writes.len(), writes[0].outcome.as_str(), writes[0].answered),
        (1, "OK", false)
    );
    assert_eq!(
        simulator
            .counters()
            .outcome(Operation::StopNotebookInstance, LATE),
        1
    );
}

#[tokio::test]
async fn a_late_write_is_judged_when_it_arrives() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    let by = Duration::from_secs(1);
    simulator.add_fault(
        Fault::new(Effect::ArriveLate {
            by,
            how: Loss::Reset,
        })
        .next(1)
        .operation(Operation::StopNotebookInstance),
    );
    let stop = || {
        client
            .stop_notebook_instance()
            .notebook_instance_name("churn")
            .send()
    };
    assert!(matches!(stop().await, Err(SdkError::DispatchFailure(_))));
    stop().await.unwrap();
    let writes = until("both are in the log", async || {
        Some(simulator.writes()).filter(|writes| writes.len() == 2)
    })
    .await;
    let outcomes = writes
        .iter()
        .map(|write| (write.outcome.as_str(), write.answered));
    assert_eq!(
        outcomes.collect::<Vec<_>>(),
        [("OK", true), ("ValidationException", false)]
    );
}

#[tokio::test]
async fn what_was_refused_or_lost_on_the_way_changes_nothing() {
    let (simulator, _) = simulate([notebook("churn")]).await;
    let client = impatient(&simulator).await;
    for effect in [
        Effect::Hang,
        Effect::Reset,
        Effect::Deny,
        Effect::error_with_status("InternalFailure", 500),
        Effect::Throttle {
            rate: 0.001,
            burst: 0.0,
        },
    ] {
        let id = simulator.add_fault(effect.clone());
        let answer = client
            .stop_notebook_instance()
            .notebook_instance_name("churn")
            .send()
            .await;
        assert!(answer.is_err(), "{effect:?}");
        assert_eq!(truth(&simulator).status, Status::InService, "{effect:?}");
        simulator.remove_fault(id);
    }
    let outcomes: Vec<String> = simulator
        .writes()
        .into_iter()
        .map(|write| write.outcome)
        .collect();
    let expected = [
        "Hang",
        "Reset",
        "AccessDeniedException",
        "InternalFailure",
        "ThrottlingException",
    ];
    assert_eq!(outcomes, expected);
}
