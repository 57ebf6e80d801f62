//! The policies allow what the code can send, by lists that the compiler keeps whole.

use std::collections::BTreeSet;

use serde_json::Value;
use strum::VariantArray;
use sudoless::{aws::Operation, domain::Call};

use super::{document, evaluator::texts};

/// Defines a match over every variant, and the list of variants. A new variant does not compile
/// until it is in both.
macro_rules! every {
    ($list:ident, $function:ident: $kind:ident -> $value:ty, $($variant:ident => $to:expr),+ $(,)?) => {
        const $list: &[$kind] = &[$($kind::$variant),+];

        fn $function(of: $kind) -> $value {
            match of {
                $($kind::$variant => $to),+
            }
        }
    };
}

/// Who sends an operation, and the action that allows it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// The role in an account.
    ByRole(&'static str),
    /// The operator's own identity.
    ByOperator(&'static str),
    /// AWS: "No permissions are required to perform this operation" (STS API reference).
    WithoutPermission,
}

every! { OPERATIONS, sent: Operation -> Sent,
    AssumeRole => Sent::ByOperator("sts:AssumeRole"),
    GetCallerIdentity => Sent::WithoutPermission,
    ListRegions => Sent::ByRole("account:ListRegions"),
    ListNotebookInstances => Sent::ByRole("sagemaker:ListNotebookInstances"),
    DescribeNotebookInstance => Sent::ByRole("sagemaker:DescribeNotebookInstance"),
    ListTags => Sent::ByRole("sagemaker:ListTags"),
    StopNotebookInstance => Sent::ByRole("sagemaker:StopNotebookInstance"),
    UpdateNotebookInstance => Sent::ByRole("sagemaker:UpdateNotebookInstance"),
    StartNotebookInstance => Sent::ByRole("sagemaker:StartNotebookInstance"),
}

every! { CALLS, operation: Call -> Operation,
    Stop => Operation::StopNotebookInstance,
    Update => Operation::UpdateNotebookInstance,
    Start => Operation::StartNotebookInstance,
}

/// What a document allows.
fn allowed(document: &Value) -> BTreeSet<&str> {
    let statements = document["Statement"].as_array().unwrap();
    statements
        .iter()
        .inspect(|statement| assert_eq!(statement["Effect"], "Allow", "{statement}"))
        .flat_map(|statement| texts(&statement["Action"]))
        .collect()
}

fn sent_by(who: fn(&'static str) -> Sent) -> BTreeSet<&'static str> {
    OPERATIONS
        .iter()
        .filter_map(|operation| match sent(*operation) {
            Sent::ByRole(action) | Sent::ByOperator(action) if sent(*operation) == who(action) => {
                Some(action)
            }
            _ => None,
        })
        .collect()
}

#[test]
fn the_lists_are_those_of_the_code() {
    assert_eq!(OPERATIONS, Operation::VARIANTS);
    for operation in OPERATIONS {
        // An action is called as its operation.
        if let Sent::ByRole(action) | Sent::ByOperator(action) = sent(*operation) {
            assert_eq!(action.split_once(':').unwrap().1, operation.as_str());
        }
    }
    for call in CALLS {
        assert_eq!(Operation::from(*call), operation(*call));
    }
}

#[test]
fn enforcing_allows_all_that_the_code_sends_and_no_more() {
    assert_eq!(allowed(&document("remediate.json")), sent_by(Sent::ByRole));
}

#[test]
fn auditing_allows_all_of_it_but_the_writes() {
    let mut reads = sent_by(Sent::ByRole);
    for call in CALLS {
        let Sent::ByRole(action) = sent(operation(*call)) else {
            panic!("{call:?} is sent by the role");
        };
        assert!(reads.remove(action), "{action}");
    }
    let audit = document("audit.json");
    assert_eq!(allowed(&audit), reads);
    for action in allowed(&audit) {
        assert!(!action.contains('*'), "{action}");
    }
}

#[test]
fn the_operator_itself_only_enters_roles() {
    let mut expected = sent_by(Sent::ByOperator);
    // Not an operation: the permission for the tags that EKS Pod Identity sends along.
    expected.insert("sts:TagSession");
    assert_eq!(allowed(&document("operator.json")), expected);
}
