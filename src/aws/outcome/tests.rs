use std::collections::BTreeSet;

use super::*;

fn error<'a>(code: &'a str, message: &'a str) -> Symptom<'a> {
    Symptom::Error {
        code: Some(code),
        message,
        status: 400,
    }
}

fn status(status: u16) -> Symptom<'static> {
    Symptom::Error {
        code: None,
        message: "",
        status,
    }
}

const LIST: Operation = Operation::ListNotebookInstances;
const DESCRIBE: Operation = Operation::DescribeNotebookInstance;
const ASSUME: Operation = Operation::AssumeRole;
const CALLER: Operation = Operation::GetCallerIdentity;

#[test]
fn every_outcome_has_its_symptoms() {
    use Outcome::{
        AccessDenied, Failed, InvalidCredentials, NotFound, Throttled, TimedOut, Unrecognized,
    };
    let gone = "RecordNotFound";
    let table = [
        (DESCRIBE, error("ValidationException", gone), NotFound),
        (DESCRIBE, error("ResourceNotFound", ""), NotFound),
        (
            LIST,
            error("AccessDeniedException", "not authorized"),
            AccessDenied,
        ),
        (LIST, error("AccessDenied", ""), AccessDenied),
        (LIST, error("UnauthorizedOperation", ""), AccessDenied),
        (LIST, error("NotAuthorized", ""), AccessDenied),
        (ASSUME, error("AccessDenied", ""), AccessDenied),
        (ASSUME, error("ValidationError", ""), AccessDenied),
        (ASSUME, error("RegionDisabledException", ""), AccessDenied),
        (LIST, error("UnrecognizedClientException", ""), Unrecognized),
        (LIST, error("InvalidClientTokenId", ""), Unrecognized),
        (LIST, error("AuthFailure", ""), Unrecognized),
        (LIST, error("OptInRequired", ""), Unrecognized),
        (
            ASSUME,
            error("InvalidClientTokenId", ""),
            InvalidCredentials,
        ),
        (
            CALLER,
            error("UnrecognizedClientException", ""),
            InvalidCredentials,
        ),
        (LIST, error("ExpiredTokenException", ""), InvalidCredentials),
        (ASSUME, error("ExpiredToken", ""), InvalidCredentials),
        (
            LIST,
            error("InvalidSignatureException", ""),
            InvalidCredentials,
        ),
        (
            CALLER,
            error("SignatureDoesNotMatch", ""),
            InvalidCredentials,
        ),
        (LIST, Symptom::NoCredentials, InvalidCredentials),
        (
            LIST,
            error("ThrottlingException", "Rate exceeded"),
            Throttled,
        ),
        (ASSUME, error("Throttling", ""), Throttled),
        (DESCRIBE, error("RequestLimitExceeded", ""), Throttled),
        (DESCRIBE, status(429), Throttled),
        (LIST, Symptom::TimedOut, TimedOut),
        (LIST, error("RequestTimeout", ""), TimedOut),
        (LIST, status(504), TimedOut),
        (LIST, Symptom::Disconnected, Failed),
        (LIST, Symptom::Unreadable, Failed),
        (LIST, error("InternalFailure", ""), Failed),
        (LIST, status(500), Failed),
        (LIST, status(403), Failed),
        (
            LIST,
            error("ValidationException", "1 validation error"),
            Failed,
        ),
        (
            DESCRIBE,
            error("ValidationException", "no RecordNotFound"),
            Failed,
        ),
        (LIST, error("ValidationError", ""), Failed),
        (LIST, error("BrandNewException", gone), Failed),
    ];
    for (operation, symptom, expected) in table {
        assert_eq!(
            Outcome::of(operation, symptom),
            expected,
            "{operation} {symptom:?}"
        );
    }
    let seen: BTreeSet<_> = table.iter().map(|(_, _, outcome)| *outcome).collect();
    // Answered has no symptom, and only writes have the other two.
    let others = BTreeSet::from([
        Outcome::Answered,
        Outcome::WrongStatus,
        Outcome::LimitExceeded,
    ]);
    let all: BTreeSet<_> = Outcome::VARIANTS.iter().copied().collect();
    assert_eq!(seen, all.difference(&others).copied().collect());
}

#[test]
fn what_is_said_of_a_write_proves_something_or_nothing() {
    let of_status = "Status (Stopped) not in ([InService]). Unable to transition to (Stopping) for \
                     Notebook Instance (arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/churn).";
    let validation = |message| error("ValidationException", message);
    let table = [
        (validation(of_status), WriteOutcome::WrongStatus),
        (validation("in other words"), WriteOutcome::WrongStatus),
        (validation(""), WriteOutcome::WrongStatus),
        (validation("RecordNotFound"), WriteOutcome::NotFound),
        (error("ResourceNotFound", ""), WriteOutcome::NotFound),
        (error("AccessDeniedException", ""), WriteOutcome::Denied),
        (
            error("ResourceLimitExceeded", ""),
            WriteOutcome::LimitExceeded,
        ),
        (error("LimitExceededException", ""), WriteOutcome::Throttled),
        (error("ThrottlingException", ""), WriteOutcome::Throttled),
        (status(429), WriteOutcome::Throttled),
        (error("ExpiredTokenException", ""), WriteOutcome::Unclear),
        (
            error("UnrecognizedClientException", ""),
            WriteOutcome::Unclear,
        ),
        (error("InternalFailure", of_status), WriteOutcome::Unclear),
        (error("ServiceUnavailable", ""), WriteOutcome::Unclear),
        (error("RequestTimeout", ""), WriteOutcome::Unclear),
        (error("ConflictException", of_status), WriteOutcome::Unclear),
        (error("ValidationError", of_status), WriteOutcome::Unclear),
        (status(400), WriteOutcome::Unclear),
        (status(403), WriteOutcome::Unclear),
        (status(500), WriteOutcome::Unclear),
        (Symptom::TimedOut, WriteOutcome::Unclear),
        (Symptom::Disconnected, WriteOutcome::Unclear),
        (Symptom::Unreadable, WriteOutcome::Unclear),
        (Symptom::NoCredentials, WriteOutcome::Unclear),
    ];
    for (symptom, expected) in table {
        for operation in Call::VARIANTS.iter().copied().map(Operation::from) {
            let answer = Outcome::of(operation, symptom).answer();
            assert_eq!(answer, expected, "{operation} {symptom:?}");
        }
    }
    let seen: BTreeSet<_> = table.iter().map(|(_, kind)| *kind).collect();
    let mut all: BTreeSet<_> = WriteOutcome::VARIANTS.iter().copied().collect();
    all.remove(&WriteOutcome::Accepted);
    assert_eq!(seen, all);
    assert_eq!(Outcome::Answered.answer(), WriteOutcome::Accepted);
}

#[test]
fn only_writes_meet_a_status_or_a_quota() {
    let writes: BTreeSet<_> = Call::VARIANTS
        .iter()
        .copied()
        .map(Operation::from)
        .collect();
    for &operation in Operation::VARIANTS {
        for code in ["ValidationException", "ResourceLimitExceeded"] {
            let outcome = Outcome::of(operation, error(code, "Status (Stopped)"));
            assert_eq!(
                outcome != Outcome::Failed,
                writes.contains(&operation),
                "{operation} {code}"
            );
        }
    }
}

#[test]
fn nothing_that_went_wrong_counts_as_read() {
    for &outcome in Outcome::VARIANTS {
        assert_ne!(outcome.target_state(), Some(TargetState::Scanned));
        // Only the check of the credentials may find a region disabled.
        assert_ne!(outcome.target_state(), Some(TargetState::RegionDisabled));
    }
}

#[test]
fn operations_are_known_by_name() {
    for &operation in Operation::VARIANTS {
        assert_eq!(operation.as_str().parse(), Ok(operation));
    }
    assert!("DescribeDomain".parse::<Operation>().is_err());
}
