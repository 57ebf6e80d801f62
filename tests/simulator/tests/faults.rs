//! Faults that any request may meet, one by one, and their scope.

use std::time::{Duration, Instant};

use aws_sdk_sagemaker::{Client, error::SdkError};
use sagemaker_simulator::{Effect, Fault, Loss, Notebook, Operation, Options, RESET, Simulator};

use crate::clients::{
    ACCOUNT, OTHER, REGION, account, assume, code, fleet, home, notebook, refusal, sagemaker,
    sagemaker_with, simulate, start, sts,
};

const DESCRIBE: Operation = Operation::DescribeNotebookInstance;

/// The code of a Describe, `OK` if it succeeded.
async fn describe(client: &Client, name: &str) -> String {
    let answer = client
        .describe_notebook_instance()
        .notebook_instance_name(name)
        .send()
        .await;
    if answer.is_ok() {
        "OK".to_owned()
    } else {
        code(answer)
    }
}

#[tokio::test]
async fn a_scope_is_all_that_it_names() {
    let simulator = start(fleet([
        notebook("churn-model"),
        notebook("legacy-etl"),
        Notebook::new(ACCOUNT, "eu-west-1", "churn-model"),
        Notebook::new(OTHER, REGION, "churn-model"),
    ]));
    let here = sagemaker(&simulator, ACCOUNT, REGION).await;
    let there = sagemaker(&simulator, ACCOUNT, "eu-west-1").await;
    let other = sagemaker(&simulator, OTHER, REGION).await;
    let table = [
        (Fault::new(Effect::Deny), [true; 5]),
        (
            Fault::new(Effect::Deny).account(ACCOUNT),
            [true, true, true, false, true],
        ),
        (
            Fault::new(Effect::Deny).region(REGION),
            [true, true, false, true, true],
        ),
        (
            Fault::new(Effect::Deny).operation(DESCRIBE),
            [true, true, true, true, false],
        ),
        (
            Fault::new(Effect::Deny).notebook("churn-*"),
            [true, false, true, true, false],
        ),
        (
            Fault::new(Effect::Deny)
                .notebook("churn-model")
                .region(REGION)
                .account(OTHER),
            [false, false, false, true, false],
        ),
        (
            Fault::new(Effect::Deny).operation(Operation::ListNotebookInstances),
            [false, false, false, false, true],
        ),
        (Fault::new(Effect::Deny).notebook("churn"), [false; 5]),
    ];
    for (fault, expected) in table {
        let id = simulator.add_fault(fault.clone());
        let list = here.list_notebook_instances().send().await;
        let denied = [
            describe(&here, "churn-model").await == "AccessDeniedException",
            describe(&here, "legacy-etl").await == "AccessDeniedException",
            describe(&there, "churn-model").await == "AccessDeniedException",
            describe(&other, "churn-model").await == "AccessDeniedException",
            list.is_err() && code(list) == "AccessDeniedException",
        ];
        assert_eq!(denied, expected, "{fault:?}");
        assert!(simulator.remove_fault(id));
        assert_eq!(describe(&here, "churn-model").await, "OK", "removed");
    }
}

#[tokio::test]
async fn a_denial_names_user_action_and_resource() {
    let (simulator, client) = simulate([notebook("secret")]).await;
    simulator.add_fault(Fault::new(Effect::Deny).notebook("secret"));
    let answer = client
        .describe_notebook_instance()
        .notebook_instance_name("secret")
        .send()
        .await;
    let (code, message) = refusal(answer);
    assert_eq!(code, "AccessDeniedException");
    for part in [
        "assumed-role/sudoless/test is not authorized to perform: sagemaker:DescribeNotebookInstance",
        notebook("secret").arn().as_str(),
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn denied_sts_and_account_calls_use_their_own_codes() {
    let simulator = start(fleet([]));
    let member = assume(&simulator, ACCOUNT).await;
    let regions = account(&simulator, member.clone());
    simulator.add_fault(Fault::new(Effect::Deny).account(ACCOUNT));
    let request = |account: &str| {
        let request = sts(&simulator, home(&simulator))
            .assume_role()
            .role_session_name("test");
        request
            .external_id("8f1c")
            .role_arn(format!("arn:aws:iam::{account}:role/ops/sudoless"))
    };
    assert_eq!(code(request(ACCOUNT).send().await), "AccessDenied");
    assert!(
        request(OTHER).send().await.is_ok(),
        "the role's account is what counts"
    );
    assert_eq!(
        code(regions.list_regions().send().await),
        "AccessDeniedException"
    );
    let identity = sts(&simulator, member).get_caller_identity().send().await;
    assert!(identity.is_ok(), "never denied");
}

#[tokio::test]
async fn throttling_has_a_bucket_for_each_account_region_and_operation() {
    let simulator = start(fleet([
        notebook("churn"),
        Notebook::new(OTHER, REGION, "churn"),
    ]));
    let here = sagemaker(&simulator, ACCOUNT, REGION).await;
    let other = sagemaker(&simulator, OTHER, REGION).await;
    // Refills once in twenty minutes: not within this test.
    simulator.add_fault(Effect::Throttle {
        rate: 0.001,
        burst: 3.0,
    });
    for _ in 0..3 {
        assert_eq!(describe(&here, "churn").await, "OK");
    }
    let answer = here
        .describe_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await;
    let expected = ("ThrottlingException".to_owned(), "Rate exceeded".to_owned());
    assert_eq!(refusal(answer), expected);
    assert_eq!(describe(&other, "churn").await, "OK", "another account");
    assert!(
        here.list_notebook_instances().send().await.is_ok(),
        "another operation"
    );
    assert_eq!(
        simulator
            .counters()
            .outcome(DESCRIBE, "ThrottlingException"),
        1
    );
}

#[tokio::test]
async fn a_bucket_refills() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    simulator.add_fault(Effect::Throttle {
        rate: 50.0,
        burst: 1.0,
    });
    let started = Instant::now();
    let mut answered = 0_u32;
    while answered < 11 {
        assert!(started.elapsed() < Duration::from_secs(10));
        answered += u32::from(describe(&client, "churn").await == "OK");
    }
    assert!(
        started.elapsed() >= Duration::from_millis(200),
        "ten tokens at fifty a second"
    );
}

#[tokio::test]
async fn throttled_sts_and_account_calls_use_their_own_codes() {
    let simulator = start(fleet([]));
    let credentials = assume(&simulator, ACCOUNT).await;
    simulator.add_fault(Effect::Throttle {
        rate: 0.001,
        burst: 0.0,
    });
    let identity = sts(&simulator, credentials.clone())
        .get_caller_identity()
        .send()
        .await;
    assert_eq!(code(identity), "Throttling");
    let regions = account(&simulator, credentials).list_regions().send().await;
    assert_eq!(code(regions), "TooManyRequestsException");
}

#[tokio::test]
async fn errors_come_when_they_are_said_to() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    let run = async |fault: Fault, calls: usize| {
        let id = simulator.add_fault(fault);
        let mut failed = Vec::new();
        for call in 1..=calls {
            if describe(&client, "churn").await != "OK" {
                failed.push(call);
            }
        }
        simulator.remove_fault(id);
        failed
    };
    let error =
        || Fault::new(Effect::error_with_status("InternalFailure", 500)).operation(DESCRIBE);
    assert_eq!(run(error().every(3), 9).await, [3, 6, 9]);
    assert_eq!(run(error().next(2), 5).await, [1, 2]);
    assert_eq!(run(error().skip(3).next(1), 6).await, [4]);
    assert_eq!(run(error().notebook("other"), 3).await, [0; 0]);
}

#[tokio::test]
async fn errors_carry_code_status_and_message() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    for (name, status) in [
        ("InternalFailure", 500),
        ("ServiceUnavailable", 503),
        ("ResourceLimitExceeded", 400),
    ] {
        simulator.clear_faults();
        simulator.add_fault(Effect::Error {
            code: name.to_owned(),
            status,
            message: "as told".to_owned(),
        });
        let answer = client
            .describe_notebook_instance()
            .notebook_instance_name("churn")
            .send()
            .await;
        let Err(SdkError::ServiceError(error)) = &answer else {
            panic!("{answer:?}")
        };
        assert_eq!(error.raw().status().as_u16(), status);
        assert_eq!(refusal(answer), (name.to_owned(), "as told".to_owned()));
    }
}

#[tokio::test]
async fn invalid_keys_and_expired_tokens_as_faults() {
    let simulator = start(fleet([notebook("churn")]));
    let credentials = assume(&simulator, ACCOUNT).await;
    let client = sagemaker(&simulator, ACCOUNT, REGION).await;
    let identity = sts(&simulator, credentials);
    for (effect, here, there) in [
        (
            Effect::InvalidKeys,
            "UnrecognizedClientException",
            "InvalidClientTokenId",
        ),
        (
            Effect::ExpiredToken,
            "ExpiredTokenException",
            "ExpiredToken",
        ),
    ] {
        let id = simulator.add_fault(Fault::new(effect).account(ACCOUNT));
        assert_eq!(describe(&client, "churn").await, here);
        assert_eq!(code(identity.get_caller_identity().send().await), there);
        assume(&simulator, ACCOUNT).await;
        simulator.remove_fault(id);
    }
}

#[tokio::test]
async fn a_hanging_request_is_never_answered_and_holds_nobody_else() {
    let (simulator, patient) = simulate([notebook("slow"), notebook("churn")]).await;
    let credentials = assume(&simulator, ACCOUNT).await;
    let client = sagemaker_with(&simulator, credentials, REGION, Duration::from_millis(200));
    simulator.add_fault(Fault::new(Effect::Hang).notebook("slow"));
    let answer = client
        .describe_notebook_instance()
        .notebook_instance_name("slow")
        .send()
        .await;
    assert!(
        matches!(answer, Err(SdkError::TimeoutError(_))),
        "{answer:?}"
    );
    assert_eq!(describe(&patient, "churn").await, "OK");
    assert_eq!(simulator.counters().outcome(DESCRIBE, "Hang"), 1);
}

#[tokio::test]
async fn a_reset_connection_is_a_dispatch_failure() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    simulator.add_fault(Fault::new(Effect::Reset).operation(DESCRIBE).next(1));
    let answer = client
        .describe_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await;
    assert!(
        matches!(answer, Err(SdkError::DispatchFailure(_))),
        "{answer:?}"
    );
    assert_eq!(
        describe(&client, "churn").await,
        "OK",
        "the next connection is fine"
    );
    assert_eq!(simulator.counters().outcome(DESCRIBE, RESET), 1);
}

#[tokio::test]
async fn latency_adds_up() {
    let options = Options {
        latency: Duration::from_millis(30),
        ..Options::default()
    };
    let simulator = Simulator::start(fleet([notebook("churn")]), options).unwrap();
    let client = sagemaker(&simulator, ACCOUNT, REGION).await;
    let by = Duration::from_millis(40);
    simulator.add_fault(Fault::new(Effect::Latency { by }).notebook("churn"));
    let started = Instant::now();
    assert_eq!(describe(&client, "churn").await, "OK");
    assert!(
        started.elapsed() >= Duration::from_millis(70),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_lost_answer_to_a_read() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    simulator.add_fault(Effect::AnswerLost { how: Loss::Reset });
    let answer = client
        .describe_notebook_instance()
        .notebook_instance_name("churn")
        .send()
        .await;
    assert!(
        matches!(answer, Err(SdkError::DispatchFailure(_))),
        "{answer:?}"
    );
    assert_eq!(simulator.counters().outcome(DESCRIBE, "OK"), 1);
}

#[tokio::test]
async fn notebooks_vanish_between_list_and_describe() {
    let (simulator, client) =
        simulate([notebook("churn"), notebook("temp-1"), notebook("temp-2")]).await;
    simulator.add_fault(Fault::new(Effect::Vanish).notebook("temp-*").next(1));
    let list = client.list_notebook_instances().send().await.unwrap();
    assert_eq!(list.notebook_instances().len(), 3);
    assert_eq!(describe(&client, "churn").await, "OK");
    let answer = client
        .describe_notebook_instance()
        .notebook_instance_name("temp-1")
        .send()
        .await;
    assert_eq!(refusal(answer).1, "RecordNotFound");
    assert_eq!(simulator.notebooks().len(), 1);
    let list = client.list_notebook_instances().send().await.unwrap();
    assert_eq!(list.notebook_instances().len(), 1);
}

#[tokio::test]
async fn faults_tell_how_often_they_were_met() {
    let (simulator, client) = simulate([notebook("churn")]).await;
    let id = simulator.add_fault(Fault::new(Effect::Deny).operation(DESCRIBE).every(2));
    for _ in 0..5 {
        describe(&client, "churn").await;
    }
    let faults = simulator.faults();
    assert_eq!(faults.len(), 1);
    assert_eq!(
        (faults[0].id, faults[0].matched, faults[0].fired),
        (id, 5, 2)
    );
    simulator.clear_faults();
    assert!(simulator.faults().is_empty() && !simulator.remove_fault(id));
}
