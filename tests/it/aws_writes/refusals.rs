//! What AWS refuses: told apart, and nothing has happened.

use super::*;

/// Every status that is known, and one that is not.
const STATUSES: [&str; 9] = [
    "Pending",
    "InService",
    "Stopping",
    "Stopped",
    "Failed",
    "Deleting",
    "Updating",
    "InMaintenance",
    "NeverHeardOf",
];

#[tokio::test]
async fn each_call_is_refused_in_every_status_but_its_own() {
    let simulator = simulate(fleet());
    let (aws, counted) = observed(&simulator, &patient());
    let writer = writer(&aws);
    for &call in Call::VARIANTS {
        let (accepted, list, next): (&[&str], _, _) = match call {
            Call::Stop => (&["InService"], "[InService]", "Stopping"),
            Call::Update => (&["Stopped"], "[Stopped]", "Updating"),
            Call::Start => (&["Stopped", "Failed"], "[Stopped, Failed]", "Pending"),
        };
        for status in STATUSES {
            let before = notebook("churn").status(status);
            let arn = before.arn();
            simulator.put_notebook(before);
            let answer = writer.send(call, "churn").await;
            if accepted.contains(&status) {
                assert_eq!(answer.kind, WriteOutcome::Accepted, "{call} from {status}");
                continue;
            }
            assert_eq!(
                answer.kind,
                WriteOutcome::WrongStatus,
                "{call} from {status}"
            );
            let operation = Operation::from(call);
            assert_eq!(
                answer.words,
                format!(
                    "{operation}: ValidationException: Status ({status}) not in ({list}). Unable to transition to \
                     ({next}) for Notebook Instance ({arn})."
                )
            );
            assert_eq!(truth(&simulator, "churn").status, Status::from(status));
        }
        let refused = (STATUSES.len() - accepted.len()) as u64;
        assert_eq!(counted.of(call.into(), Outcome::WrongStatus), refused);
    }
    let all = (Call::VARIANTS.len() * STATUSES.len()) as u64;
    assert_eq!(simulator.counters().writes(), all);
}

#[tokio::test]
async fn what_is_refused_says_why_and_changes_nothing() {
    let in_other_words = Effect::Error {
        code: "ValidationException".to_owned(),
        status: 400,
        message: "Please stop the notebook instance before updating it".to_owned(),
    };
    let table = [
        (
            Effect::Deny,
            WriteOutcome::Denied,
            Outcome::AccessDenied,
            "AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/sudoless is not authorized",
        ),
        (
            Effect::error("ResourceLimitExceeded"),
            WriteOutcome::LimitExceeded,
            Outcome::LimitExceeded,
            "ResourceLimitExceeded",
        ),
        (
            in_other_words,
            WriteOutcome::WrongStatus,
            Outcome::WrongStatus,
            "ValidationException: Please stop",
        ),
    ];
    for (effect, kind, outcome, words) in table {
        for &call in Call::VARIANTS {
            let before = ready(call, "churn");
            let fault = Fault::new(effect.clone()).operation(request(call));
            let simulator = simulate(fleet().notebook(before.clone()).fault(fault));
            let (aws, counted) = observed(&simulator, &patient());
            let answer = writer(&aws).send(call, "churn").await;
            assert_eq!(answer.kind, kind, "{call}: {}", answer.words);
            let start = format!("{}: {words}", Operation::from(call));
            assert!(answer.words.starts_with(&start), "{}", answer.words);
            // The same refusal always reads the same.
            assert_eq!(writer(&aws).send(call, "churn").await, answer);
            assert_eq!(counted.of(call.into(), outcome), 2);
            assert_eq!(simulator.counters().of(request(call)), 2);
            assert_eq!(truth(&simulator, "churn"), before);
        }
    }
}

#[tokio::test]
async fn there_is_no_such_notebook() {
    let simulator = simulate(fleet());
    let (aws, counted) = observed(&simulator, &patient());
    for &call in Call::VARIANTS {
        let answer = writer(&aws).send(call, "gone").await;
        assert_eq!(answer.kind, WriteOutcome::NotFound, "{}", answer.words);
        let operation = Operation::from(call);
        assert_eq!(
            answer.words,
            format!("{operation}: ValidationException: RecordNotFound")
        );
        assert_eq!(counted.of(operation, Outcome::NotFound), 1);
    }
}
