//! Search for the notebook of a query.

use serde_json::json;

use super::{super::*, world::*};

fn query(name: &str, account: Option<&str>, region: Option<&str>) -> Query {
    let account = account.map(|id| id.parse().unwrap());
    let region = region.map(|code| code.parse().unwrap());
    Query::new(name, account, region).unwrap()
}

/// Returns facts with `churn` in two regions and `other` in a second account, from a finding and
/// from records.
fn world() -> Facts {
    let elsewhere = (ACCOUNT, "us-east-1", "churn");
    let other = ("444455556666", REGION, "other");
    facts(
        [policy(json!({}), violation())],
        [
            record(elsewhere, "p", "Succeeded", json!({})),
            record(other, "p", "Failed", json!({})),
        ],
    )
}

#[test]
fn a_name_is_found_in_findings_and_records() {
    let facts = world();
    let places = |query: &Query| {
        match find(&facts, query) {
            Found::One(notebook) => vec![notebook],
            Found::Several(notebooks) => notebooks,
            Found::Unlisted(_) | Found::Nothing => Vec::new(),
        }
        .iter()
        .map(|notebook| format!("{}/{}", notebook.account, notebook.region))
        .collect::<Vec<_>>()
    };
    for (name, account, region, expected) in [
        (
            "churn",
            None,
            None,
            vec!["111122223333/eu-west-1", "111122223333/us-east-1"],
        ),
        (
            "churn",
            None,
            Some("us-east-1"),
            vec!["111122223333/us-east-1"],
        ),
        (
            "churn",
            Some(ACCOUNT),
            None,
            vec!["111122223333/eu-west-1", "111122223333/us-east-1"],
        ),
        ("churn", Some("444455556666"), None, vec![]),
        ("other", None, None, vec!["444455556666/eu-west-1"]),
        ("Churn", None, None, vec![]),
    ] {
        assert_eq!(
            places(&query(name, account, region)),
            expected,
            "{name} {account:?} {region:?}"
        );
    }
    let of_arn = find(&facts, &churn());
    assert!(
        matches!(&of_arn, Found::One(notebook) if notebook.name == "churn"),
        "{of_arn:?}"
    );
}

#[test]
fn what_nothing_tells_of_is_explained_where_its_place_is_known() {
    let facts = world();
    assert_eq!(find(&facts, &query("ghost", None, None)), Found::Nothing);
    assert_eq!(
        find(&facts, &query("ghost", Some(ACCOUNT), None)),
        Found::Nothing
    );
    let unlisted = find(&facts, &query("ghost", Some(ACCOUNT), Some(REGION)));
    let Found::Unlisted(notebook) = unlisted else {
        panic!("{unlisted:?}")
    };
    let explanation = explain(&facts, &notebook, now());
    assert_eq!(explanation.answer.outcome, Outcome::NotListed);
    let arn = query(&arn(ACCOUNT, REGION, "ghost"), None, None);
    assert!(matches!(find(&facts, &arn), Found::Unlisted(_)));
}

#[test]
fn what_is_no_notebook_is_refused() {
    for (text, part) in [
        (
            "arn:aws:s3:::bucket",
            "is not the ARN of a notebook instance",
        ),
        (
            "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/churn",
            "is not the ARN",
        ),
        (
            "arn:aws:sagemaker:eu-west-1:1111:notebook-instance/churn",
            "is not the ARN",
        ),
        (
            "arn:aws:sagemaker:moon:111122223333:notebook-instance/churn",
            "is not the ARN",
        ),
        (
            "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/",
            "is not the ARN",
        ),
        ("a b", "letters, digits and hyphens"),
        ("", "letters, digits and hyphens"),
    ] {
        let error = Query::new(text, None, None).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    let elsewhere = Some("444455556666".parse().unwrap());
    let error = Query::new(&arn(ACCOUNT, REGION, "churn"), elsewhere, None).unwrap_err();
    assert!(error.to_string().contains("--region differs"), "{error}");
}

#[test]
fn what_is_not_found_may_mean_many_things() {
    let mut facts = world();
    facts
        .policies
        .push(named("new", json!({}), json!({"lastScanTime": null})));
    facts
        .policies
        .push(named("large", json!({}), json!({"findingsOmitted": 12})));
    facts.policies.push(named(
        "blind",
        json!({}),
        json!({"summary": {"unreadableTargets": 1}}),
    ));
    facts
        .policies
        .push(named("odd", json!({"regions": ["moon"]}), json!({})));
    let answer = not_found(&facts, &query("Chrun", None, None));
    assert_eq!(answer.similar, ["churn"]);
    assert_eq!(
        answer.looked_at,
        "5 policies with 1 listed finding, and 2 records"
    );
    let shown = not_found_text(&answer, crate::report::Appearance::default());
    for part in [
        "the first scan of the policy new is not complete yet",
        "the status of the policy large omits 12 findings; kubectl get nrap large -o yaml | sudoless scan -f - lists them all",
        "the policy blind could not read 1 account and region",
        "the policy odd is invalid",
        "its users do not have root",
        "Did you mean churn?",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
