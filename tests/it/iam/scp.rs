//! The service control policy, and wrong ones that are found out.

use serde_json::{Value, json};

use super::{
    document,
    evaluator::{Decision, Request, decide},
    generated,
};

const CREATE: &str = "sagemaker:CreateNotebookInstance";
const UPDATE: &str = "sagemaker:UpdateNotebookInstance";
const NOTEBOOK: &str = "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/churn";
const ENABLED: (&str, &str) = ("sagemaker:RootAccess", "Enabled");
const DISABLED: (&str, &str) = ("sagemaker:RootAccess", "Disabled");
const USER: (&str, &str) = (
    "aws:PrincipalArn",
    "arn:aws:iam::111122223333:role/data-science",
);
const ADMIN: (&str, &str) = (
    "aws:PrincipalArn",
    "arn:aws:iam::111122223333:role/platform/admin",
);

/// A name, the action, what the request says, and whether it passes.
type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    bool,
);

/// What an organization wants.
const WANTED: [Case; 11] = [
    ("make one without root", CREATE, &[USER, DISABLED], true),
    ("make one with root", CREATE, &[USER, ENABLED], false),
    (
        "make one and not say: it would have root",
        CREATE,
        &[USER],
        false,
    ),
    ("make one as nobody knows whom", CREATE, &[ENABLED], false),
    (
        "take root away, as sudoless does",
        UPDATE,
        &[USER, DISABLED],
        true,
    ),
    ("give root", UPDATE, &[USER, ENABLED], false),
    (
        "change the volume and not speak of root",
        UPDATE,
        &[USER],
        true,
    ),
    ("stop one", "sagemaker:StopNotebookInstance", &[USER], true),
    (
        "start one",
        "sagemaker:StartNotebookInstance",
        &[USER],
        true,
    ),
    (
        "open one",
        "sagemaker:CreatePresignedNotebookInstanceUrl",
        &[USER],
        true,
    ),
    ("use something else", "s3:PutObject", &[USER], true),
];

/// What AWS attaches by itself, and what an account's own policies may allow.
fn everything() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}

fn passes(scp: &Value, action: &str, context: &[(&str, &str)]) -> bool {
    let request = Request {
        principal: ("AWS", "-"),
        action,
        resource: NOTEBOOK,
        context,
    };
    decide(&[&everything(), scp], request) == Decision::Allowed
}

/// The cases in which a policy does not do what is wanted.
fn broken(scp: &Value) -> Vec<&'static str> {
    WANTED
        .iter()
        .filter(|(_, action, context, wanted)| passes(scp, action, context) != *wanted)
        .map(|(name, ..)| *name)
        .collect()
}

/// A policy that denies by one condition for Create and one for Update.
fn scp(create: &Value, update: &Value) -> Value {
    let deny = |action, condition: &Value| json!({"Effect": "Deny", "Action": action, "Resource": "*", "Condition": condition});
    json!({"Version": "2012-10-17", "Statement": [deny(CREATE, create), deny(UPDATE, update)]})
}

#[test]
fn it_does_what_is_wanted() {
    assert_eq!(broken(&document("scp.json")), Vec::<&str>::new());
    assert!(WANTED.iter().any(|(.., passes)| *passes));
    // Without it, what must not pass would.
    let nothing = json!({"Version": "2012-10-17", "Statement": []});
    assert_eq!(broken(&nothing).len(), 4);
}

/// It is in many repositories, under names such as "deny root access".
#[test]
fn the_inverted_one_is_found_out() {
    let inverted = json!({"StringNotEquals": {"sagemaker:RootAccess": "Enabled"}});
    assert_eq!(
        broken(&scp(&inverted, &inverted)),
        [
            "make one without root",
            "make one with root",
            "make one as nobody knows whom",
            "take root away, as sudoless does",
            "give root",
            "change the volume and not speak of root",
        ]
    );
}

#[test]
fn wrong_ones_are_found_out() {
    let not_disabled = json!({"StringNotEquals": {"sagemaker:RootAccess": "Disabled"}});
    let enabled = json!({"StringEquals": {"sagemaker:RootAccess": "Enabled"}});
    for (name, wrong, expected) in [
        (
            "the condition for Create on both",
            scp(&not_disabled, &not_disabled),
            "change the volume and not speak of root",
        ),
        (
            "the condition for Update on both",
            scp(&enabled, &enabled),
            "make one and not say: it would have root",
        ),
        (
            "Update is forgiven what it does not say",
            scp(
                &not_disabled,
                &json!({"StringEqualsIfExists": {"sagemaker:RootAccess": "Enabled"}}),
            ),
            "change the volume and not speak of root",
        ),
        (
            "Create must say something",
            scp(&json!({"Null": {"sagemaker:RootAccess": "true"}}), &enabled),
            "make one with root",
        ),
        (
            "Update is forgotten",
            scp(
                &not_disabled,
                &json!({"StringEquals": {"sagemaker:RootAccess": "enabled"}}),
            ),
            "give root",
        ),
    ] {
        assert!(
            broken(&wrong).contains(&expected),
            "{name}: {:?}",
            broken(&wrong)
        );
    }
}

#[test]
fn only_who_is_exempt_is_exempt() {
    let scp: Value = serde_json::from_str(&generated(
        "scp --exempt-principal arn:aws:iam::*:role/platform/* --exempt-principal arn:aws:iam::111122223333:user/break-glass",
    ))
    .unwrap();
    assert_eq!(
        broken(&scp),
        Vec::<&str>::new(),
        "it binds all others as before"
    );
    let break_glass = (
        "aws:PrincipalArn",
        "arn:aws:iam::111122223333:user/break-glass",
    );
    let lookalike = (
        "aws:PrincipalArn",
        "arn:aws:iam::111122223333:role/my/platform/admin",
    );
    for (who, passes_all) in [
        (ADMIN, true),
        (break_glass, true),
        (USER, false),
        (lookalike, false),
    ] {
        for (action, context) in [
            (CREATE, vec![who, ENABLED]),
            (CREATE, vec![who]),
            (UPDATE, vec![who, ENABLED]),
        ] {
            assert_eq!(
                passes(&scp, action, &context),
                passes_all,
                "{who:?} {action} {context:?}"
            );
        }
    }
}

/// AWS Organizations, "Quotas": the characters of a service control policy, without white space.
#[test]
fn it_fits() {
    let bytes = document("scp.json").to_string().len();
    assert!(bytes < 5120, "{bytes}");
}
