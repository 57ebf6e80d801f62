//! What is shown of a target that cannot be read.

use super::*;

#[tokio::test]
async fn what_is_denied_says_so_in_the_same_words() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 1)));
    let (aws, counted) = observed(&simulator, &Options::default());
    let reader = reader(&aws, ACCOUNT, REGION);

    let fault = Fault::new(Effect::Deny).operation(Call::DescribeNotebookInstance);
    simulator.add_fault(fault);
    assert_eq!(reader.list().await.unwrap().len(), 1);
    let failure = reader.describe("notebook-0000").await.unwrap_err();
    assert_eq!(failure.state, TargetState::AccessDenied);
    let start = "DescribeNotebookInstance: AccessDeniedException: User: \
                 arn:aws:sts::111122223333:assumed-role/sudoless is not authorized";
    assert!(failure.message.starts_with(start), "{}", failure.message);
    assert_eq!(reader.describe("notebook-0000").await, Err(failure));

    simulator.add_fault(Fault::new(Effect::Deny).operation(Call::ListNotebookInstances));
    let failure = reader.list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::AccessDenied);
    // Denied is final: nothing is sent twice.
    let denied = |operation| counted.of(operation, Outcome::AccessDenied);
    assert_eq!(denied(Operation::DescribeNotebookInstance), 2);
    assert_eq!(denied(Operation::ListNotebookInstances), 1);
}

#[tokio::test]
async fn a_refused_role_is_denied_and_nothing_is_read() {
    let locked = Account::new(ACCOUNT).role_with_external_id(ROLE, "right-id");
    let simulator = simulate(Fleet::new().account(locked));
    let (aws, counted) = observed(&simulator, &Options::default());
    let read = async |role, external_id| {
        let access = access(role, external_id);
        aws.reader(&key(ACCOUNT, REGION, access)).list().await
    };
    assert_eq!(read(Some(ROLE), Some("right-id")).await, Ok(vec![]));
    for (role, external_id) in [
        (ROLE, None),
        (ROLE, Some("wrong-id")),
        ("nobody", Some("right-id")),
    ] {
        let failure = read(Some(role), external_id).await.unwrap_err();
        assert_eq!(failure.state, TargetState::AccessDenied);
        let message = &failure.message;
        assert!(
            message.starts_with("AssumeRole: AccessDenied: "),
            "{message}"
        );
        assert!(!message.contains("-id"), "{message}");
        assert_eq!(read(Some(role), external_id).await, Err(failure));
    }
    assert_eq!(simulator.counters().of(Call::ListNotebookInstances), 1);
    assert_eq!(counted.of(Operation::AssumeRole, Outcome::AccessDenied), 6);
}

#[tokio::test]
async fn a_disabled_region_is_not_a_bad_key() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 1)));
    let aws = aws(&simulator, &hasty());
    // Nobody has opted in.
    let disabled = reader(&aws, ACCOUNT, "af-south-1");
    let failure = disabled.list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::RegionDisabled);
    let start = "the region is not enabled for the account: ListNotebookInstances: UnrecognizedClientException";
    assert!(failure.message.starts_with(start), "{}", failure.message);
    assert_eq!(reader(&aws, ACCOUNT, REGION).list().await.unwrap().len(), 1);

    // While the keys cannot be checked, nobody knows: the region is unread, which is worse.
    let outage = Effect::error_with_status("InternalFailure", 500);
    simulator.add_fault(Fault::new(outage).operation(Call::GetCallerIdentity));
    let failure = disabled.list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::Unreachable);

    simulator.clear_faults();
    simulator.add_fault(Fault::new(Effect::InvalidKeys).account(ACCOUNT));
    for region in ["af-south-1", REGION] {
        let failure = reader(&aws, ACCOUNT, region).list().await.unwrap_err();
        assert_eq!(failure.state, TargetState::InvalidCredentials, "{region}");
    }
}

#[tokio::test]
async fn a_region_that_answers_when_asked_again_was_never_disabled() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 1)));
    // As while keys are renewed: refused once, while the keys that are checked then are good.
    let list = Fault::new(Effect::DisableRegion).operation(Call::ListNotebookInstances);
    simulator.add_fault(list.next(1));
    let aws = aws(&simulator, &hasty());
    let notebooks = reader(&aws, ACCOUNT, REGION).list().await.unwrap();
    assert_eq!(notebooks.len(), 1);
}

#[tokio::test]
async fn throttling_without_end_is_throttled() {
    let simulator = simulate(fleet().notebooks(notebooks(ACCOUNT, REGION, 1)));
    let never = Effect::Throttle {
        rate: 0.0,
        burst: 0.0,
    };
    let list =
        simulator.add_fault(Fault::new(never.clone()).operation(Call::ListNotebookInstances));
    let aws = aws(&simulator, &hasty());
    let failure = reader(&aws, ACCOUNT, REGION).list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::Throttled);
    assert_eq!(
        failure.message,
        "ListNotebookInstances: ThrottlingException: Rate exceeded"
    );
    simulator.remove_fault(list);
    simulator.add_fault(Fault::new(never).operation(Call::AssumeRole));
    let failure = reader(&aws, OTHER, REGION).list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::Throttled);
    assert_eq!(failure.message, "AssumeRole: Throttling: Rate exceeded");
}

#[tokio::test]
async fn no_answer_is_unreachable() {
    let simulator = simulate(fleet());
    let options = Options {
        attempt_timeout: Duration::from_millis(200),
        ..hasty()
    };
    let (aws, counted) = observed(&simulator, &options);
    let reader = reader(&aws, ACCOUNT, REGION);
    let list = |effect: Effect| Fault::new(effect).operation(Call::ListNotebookInstances);
    for (effect, message) in [
        (Effect::Hang, "ListNotebookInstances: no answer in time"),
        (
            Effect::error_with_status("InternalFailure", 500),
            "ListNotebookInstances: InternalFailure",
        ),
        (
            Effect::error_with_status("NeverHeardOf", 400),
            "ListNotebookInstances: NeverHeardOf",
        ),
    ] {
        simulator.add_fault(list(effect));
        let failure = reader.list().await.unwrap_err();
        assert_eq!(failure.state, TargetState::Unreachable);
        assert_eq!(failure.message, message);
        simulator.clear_faults();
    }
    simulator.add_fault(list(Effect::Reset));
    let failure = reader.list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::Unreachable);
    let start = "ListNotebookInstances: no connection: ";
    assert!(failure.message.starts_with(start), "{}", failure.message);
    assert_eq!(
        counted.of(Operation::ListNotebookInstances, Outcome::TimedOut),
        2
    );

    simulator.clear_faults();
    simulator.add_fault(Fault::new(Effect::Hang).operation(Call::AssumeRole));
    let failure = super::reader(&aws, OTHER, REGION).list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::Unreachable);
    assert_eq!(failure.message, "AssumeRole: no answer in time");
}

#[tokio::test]
async fn nobody_there_and_nobody_to_be() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", port.local_addr().unwrap());
    drop(port);
    let nobody = Aws::new(
        config(&url, Some(("AKIA", "secret"))),
        &hasty(),
        Arc::new(()),
    );
    let failure = reader(&nobody, ACCOUNT, REGION).list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::Unreachable);
    assert_eq!(
        failure.message,
        "AssumeRole: no connection: Connection refused (os error 111)"
    );

    let simulator = simulate(fleet());
    let anonymous = Aws::new(config(simulator.url(), None), &hasty(), Arc::new(()));
    for role in [None, Some(ROLE)] {
        let reader = anonymous.reader(&key(ACCOUNT, REGION, access(role, None)));
        let failure = reader.list().await.unwrap_err();
        assert_eq!(failure.state, TargetState::InvalidCredentials);
        let message = &failure.message;
        assert!(message.contains(": no credentials: "), "{message}");
    }
    assert_eq!(simulator.counters().total(), 0);

    let unknown = config(simulator.url(), Some(("AKIAUNKNOWN", "secret")));
    let unknown = Aws::new(unknown, &hasty(), Arc::new(()));
    let failure = reader(&unknown, ACCOUNT, REGION).list().await.unwrap_err();
    assert_eq!(failure.state, TargetState::InvalidCredentials);
}
