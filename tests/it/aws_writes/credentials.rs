//! Credentials that are refused, or that there are none of: nothing is proven, and the next call
//! has new ones.

use super::*;

#[tokio::test]
async fn credentials_that_are_refused_are_renewed_for_the_next_call() {
    let simulator = simulate(fleet().notebook(ready(Call::Stop, "churn")));
    let (aws, counted) = observed(&simulator, &patient());
    let target = key(ACCOUNT, REGION, access(Some(ROLE), None));
    let (reader, writer) = (aws.reader(&target), aws.writer(&target));
    let assumed = || simulator.counters().of(Request::AssumeRole);
    assert_eq!(reader.list().await.unwrap().len(), 1);
    assert_eq!(assumed(), 1);

    simulator.expire_sessions();
    let answer = writer.send(Call::Stop, "churn").await;
    assert_unclear(&answer, "StopNotebookInstance: ExpiredTokenException");
    // The request is not resent. New credentials are requested only when a request needs them.
    assert_eq!((assumed(), simulator.counters().writes()), (1, 1));
    let operation = Operation::StopNotebookInstance;
    assert_eq!(counted.of(operation, Outcome::InvalidCredentials), 1);
    assert_eq!(truth(&simulator, "churn").status, Status::InService);

    let answer = writer.send(Call::Stop, "churn").await;
    assert_eq!(answer.kind, WriteOutcome::Accepted, "{}", answer.words);
    // The reader has the same.
    assert!(reader.list().await.is_ok());
    assert_eq!(assumed(), 2);
}

#[tokio::test]
async fn keys_that_are_not_recognized_prove_nothing() {
    for effect in [Effect::InvalidKeys, Effect::DisableRegion] {
        let simulator = simulate(fleet().notebook(ready(Call::Start, "churn")));
        let (aws, counted) = observed(&simulator, &patient());
        let writer = writer(&aws);
        let fault = Fault::new(effect).operation(Request::StartNotebookInstance);
        simulator.add_fault(fault.next(1));
        let answer = writer.send(Call::Start, "churn").await;
        assert_unclear(
            &answer,
            "StartNotebookInstance: UnrecognizedClientException",
        );
        let operation = Operation::StartNotebookInstance;
        assert_eq!(counted.of(operation, Outcome::Unrecognized), 1);
        assert_eq!(simulator.counters().of(Request::GetCallerIdentity), 0);

        let answer = writer.send(Call::Start, "churn").await;
        assert_eq!(answer.kind, WriteOutcome::Accepted, "{}", answer.words);
        assert_eq!(simulator.counters().of(Request::AssumeRole), 2);
    }
}

#[tokio::test]
async fn a_region_that_is_not_enabled_proves_nothing() {
    let simulator = simulate(fleet());
    let aws = aws(&simulator, &patient());
    let target = key(ACCOUNT, "af-south-1", access(Some(ROLE), None));
    for &call in Call::VARIANTS {
        let answer = aws.writer(&target).send(call, "churn").await;
        let operation = Operation::from(call);
        assert_unclear(
            &answer,
            &format!("{operation}: UnrecognizedClientException"),
        );
    }
    assert_eq!(simulator.counters().writes(), 3);
}

#[tokio::test]
async fn without_a_role_nothing_is_sent() {
    let locked = Account::new(ACCOUNT).role_with_external_id(ROLE, "right-id");
    let simulator = simulate(
        Fleet::new()
            .account(locked)
            .notebook(ready(Call::Stop, "churn")),
    );
    let aws = aws(&simulator, &patient());
    let send = async |role, external_id| {
        let target = key(ACCOUNT, REGION, access(Some(role), external_id));
        aws.writer(&target).send(Call::Stop, "churn").await
    };
    for (role, external_id) in [
        (ROLE, None),
        (ROLE, Some("wrong-id")),
        ("nobody", Some("right-id")),
    ] {
        let answer = send(role, external_id).await;
        // It is not known whether the role may: Denied is for what AWS says about the write itself.
        assert_unclear(&answer, "AssumeRole: AccessDenied: ");
        assert!(!answer.words.contains("-id"), "{}", answer.words);
    }
    assert_eq!(simulator.writes(), []);
    let answer = send(ROLE, Some("right-id")).await;
    assert_eq!(answer.kind, WriteOutcome::Accepted, "{}", answer.words);
}

#[tokio::test]
async fn a_throttled_or_failing_sts_means_nothing_was_sent() {
    let simulator = simulate(fleet());
    let options = Options {
        attempts: 2,
        ..patient()
    };
    let aws = aws(&simulator, &options);
    let never = Effect::Throttle {
        rate: 0.0,
        burst: 0.0,
    };
    for (effect, words) in [
        (never, "AssumeRole: Throttling: Rate exceeded"),
        (
            Effect::error_with_status("InternalFailure", 500),
            "AssumeRole: InternalFailure",
        ),
        (Effect::ExpiredToken, "AssumeRole: ExpiredToken"),
    ] {
        let fault = simulator.add_fault(Fault::new(effect).operation(Request::AssumeRole));
        assert_unclear(&writer(&aws).send(Call::Start, "churn").await, words);
        simulator.remove_fault(fault);
    }
    assert_eq!(simulator.writes(), []);
}

#[tokio::test]
async fn nobody_to_be() {
    let simulator = simulate(fleet());
    let anonymous = config(simulator.url(), None);
    let anonymous = Aws::new(anonymous, &patient(), Arc::new(()));
    for (role, operation) in [(None, "GetCallerIdentity"), (Some(ROLE), "AssumeRole")] {
        let target = key(ACCOUNT, REGION, access(role, None));
        let answer = anonymous.writer(&target).send(Call::Stop, "churn").await;
        assert_unclear(&answer, &format!("{operation}: no credentials: "));
    }
    assert_eq!(simulator.counters().total(), 0);
}

#[tokio::test]
async fn the_operators_own_identity_writes_in_its_own_account_only() {
    let home = Fleet::new().home.account;
    let own = Notebook::new(&home, REGION, "churn");
    let simulator = simulate(fleet().notebooks([own, ready(Call::Stop, "churn")]));
    let aws = aws(&simulator, &patient());
    let other = aws.writer(&key(ACCOUNT, REGION, access(None, None)));
    let answer = other.send(Call::Stop, "churn").await;
    let words = format!("sudoless's own identity is in account {home}, not in {ACCOUNT}");
    assert_unclear(&answer, &words);
    assert_eq!(simulator.writes(), []);

    let own = aws.writer(&key(&home, REGION, access(None, None)));
    let answer = own.send(Call::Stop, "churn").await;
    assert_eq!(answer.kind, WriteOutcome::Accepted, "{}", answer.words);
    assert_eq!(truth(&simulator, "churn").status, Status::InService);
}
