//! One request for each call, whatever becomes of it.

use super::*;

/// What goes wrong, what it proves, how it is counted, and how AWS's words begin.
type Case = (Effect, WriteOutcome, Outcome, &'static str);

fn of_the_moment() -> Vec<Case> {
    let never = Effect::Throttle {
        rate: 0.0,
        burst: 0.0,
    };
    let (throttled, unclear) = (WriteOutcome::Throttled, WriteOutcome::Unclear);
    let failure = Effect::error_with_status;
    vec![
        (
            never,
            throttled,
            Outcome::Throttled,
            "ThrottlingException: Rate exceeded",
        ),
        (
            failure("TooManyRequestsException", 429),
            throttled,
            Outcome::Throttled,
            "TooManyRequestsException",
        ),
        (
            failure("InternalFailure", 500),
            unclear,
            Outcome::Failed,
            "InternalFailure",
        ),
        (
            failure("ServiceUnavailable", 503),
            unclear,
            Outcome::Failed,
            "ServiceUnavailable",
        ),
        (
            failure("RequestTimeout", 408),
            unclear,
            Outcome::TimedOut,
            "RequestTimeout",
        ),
        (
            failure("NeverHeardOf", 400),
            unclear,
            Outcome::Failed,
            "NeverHeardOf",
        ),
        (Effect::Reset, unclear, Outcome::Failed, "no connection: "),
        (
            Effect::AnswerLost { how: Loss::Reset },
            unclear,
            Outcome::Failed,
            "no connection: ",
        ),
    ]
}

fn without_answer() -> Vec<Case> {
    let by = Duration::from_hours(1);
    let silent = |effect| {
        (
            effect,
            WriteOutcome::Unclear,
            Outcome::TimedOut,
            "no answer in time",
        )
    };
    vec![
        silent(Effect::Hang),
        silent(Effect::AnswerLate { by }),
        silent(Effect::AnswerLost { how: Loss::Hang }),
    ]
}

/// Sends each call once for each case, to a notebook of its own, all at once. Returns the
/// simulator.
async fn send_once(cases: &[Case], options: &Options) -> Simulator {
    let name = |call: Call, case: usize| format!("{call}-{case}").to_lowercase();
    let mut fleet = fleet();
    for &call in Call::VARIANTS {
        for (n, (effect, ..)) in cases.iter().enumerate() {
            let name = name(call, n);
            let fault = Fault::new(effect.clone()).operation(request(call));
            fleet = fleet
                .notebook(ready(call, &name))
                .fault(fault.notebook(&name));
        }
    }
    let simulator = simulate(fleet);
    let (aws, counted) = observed(&simulator, options);
    let target = key(ACCOUNT, REGION, access(Some(ROLE), None));
    let (reader, writer) = (aws.reader(&target), aws.writer(&target));
    // The credentials are read first, so that the measured time does not include their request.
    reader.list().await.unwrap();

    let sent = Call::VARIANTS.iter().copied().flat_map(|call| {
        let writer = &writer;
        (0..cases.len()).map(move |n| async move {
            let answer = writer.send(call, &name(call, n)).await;
            (call, n, answer)
        })
    });
    for (call, n, answer) in futures::future::join_all(sent).await {
        let (effect, kind, _, words) = &cases[n];
        let start = format!("{}: {words}", Operation::from(call));
        assert_eq!(answer.kind, *kind, "{call} {effect:?}: {}", answer.words);
        assert!(
            answer.words.starts_with(&start),
            "{effect:?}: {}",
            answer.words
        );
    }
    for &call in Call::VARIANTS {
        for n in 0..cases.len() {
            let name = name(call, n);
            let arrived = simulator.requests().into_iter();
            let arrived = arrived.filter(|request| request.notebook.as_ref() == Some(&name));
            assert_eq!(arrived.count(), 1, "{name}");
        }
        let all = cases.len() as u64;
        assert_eq!(simulator.counters().of(request(call)), all, "{call}");
        for outcome in [Outcome::Throttled, Outcome::Failed, Outcome::TimedOut] {
            let expected = cases.iter().filter(|case| case.2 == outcome).count();
            let observed = counted.of(call.into(), outcome);
            assert_eq!(observed, expected as u64, "{call} {outcome}");
        }
        assert_eq!(counted.of(call.into(), Outcome::Answered), 0);
    }
    // Neither the reader's pace nor its record is touched by what becomes of writes.
    assert_eq!(reader.throttled(), 0);
    let most = Options::default().describes_per_target;
    assert_eq!(reader.describes_in_flight(), most);
    simulator
}

#[tokio::test]
async fn what_fails_is_not_sent_again() {
    let cases = of_the_moment();
    let simulator = send_once(&cases, &patient()).await;
    let applied = outcomes(&simulator).iter().filter(|it| *it == "OK").count();
    // The lost answers, one for each call.
    assert_eq!(applied, 3);
}

#[tokio::test]
async fn what_is_not_answered_is_not_sent_again() {
    let cases = without_answer();
    let simulator = send_once(&cases, &Options::default()).await;
    let applied = outcomes(&simulator).iter().filter(|it| *it == "OK").count();
    // The late answers and the lost ones.
    assert_eq!(applied, 6);
    for name in ["update-1", "update-2"] {
        let updated = truth(&simulator, name);
        let done = updated.root_access == SimulatedRootAccess::Disabled;
        assert!(done || updated.status == Status::Updating, "{updated:?}");
    }
    for name in ["stop-1", "stop-2"] {
        let status = truth(&simulator, name).status;
        let taken = matches!(status, Status::Stopping | Status::Stopped);
        assert!(taken, "{name}: {status}");
    }
}

#[tokio::test]
async fn nobody_there() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", port.local_addr().unwrap());
    drop(port);
    let config = config(&url, Some(("AKIA", "secret")));
    // Two attempts at its credentials, so that they fail before their time is over.
    let options = Options {
        attempts: 2,
        ..patient()
    };
    let nobody = Aws::new(config, &options, Arc::new(()));
    for &call in Call::VARIANTS {
        let answer = writer(&nobody).send(call, "churn").await;
        assert_unclear(&answer, "AssumeRole: no connection: ");
    }
}
