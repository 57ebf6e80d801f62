//! `sudoless validate`: the same verdicts as the API server's, without one; and what the command
//! prints.

mod command;
mod kubectl;
mod mutations;

use std::sync::LazyLock;

use sudoless::offline::{Checked, Manifests, Problem, Severity, Source};

use crate::support::{
    manifests::{create, manifests},
    stage::{client, cluster},
};

static OFFLINE: LazyLock<Manifests> = LazyLock::new(|| Manifests::new().unwrap());

fn check(text: &str) -> Checked {
    OFFLINE.check(text, "2026-06-01T12:00:00Z".parse().unwrap())
}

/// What the API server would refuse.
fn refusals(checked: &Checked) -> Vec<&Problem> {
    let of_the_server = |problem: &&Problem| {
        problem.severity == Severity::Error
            && matches!(
                problem.source,
                Source::Reader | Source::Schema | Source::Rule
            )
    };
    checked.problems.iter().filter(of_the_server).collect()
}

#[tokio::test]
async fn accepts_what_the_api_server_accepts() {
    let client = client(cluster()).await;
    let mut failures = Vec::new();
    for manifest in manifests("tests/it/admission/accept")
        .into_iter()
        .chain(manifests("config/samples"))
    {
        let checked = check(&manifest.text);
        let refused = refusals(&checked);
        let answered = create(&client, &manifest.body()).await;
        if checked.policies.len() != 1 || !refused.is_empty() || answered.is_err() {
            failures.push(format!("{manifest}: {refused:#?}, {answered:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The verdict is the same, and what is said offline the API server says, too: the field, and where
/// a rule is broken its sentence.
#[tokio::test]
async fn refuses_what_the_api_server_refuses_with_the_same_words() {
    let client = client(cluster()).await;
    let (mut failures, mut sentences) = (Vec::new(), 0);
    for manifest in manifests("tests/it/admission/reject") {
        let checked = check(&manifest.text);
        let refused = refusals(&checked);
        let Err(answer) = create(&client, &manifest.body()).await else {
            failures.push(format!("{manifest}: the API server accepts it"));
            continue;
        };
        assert!(
            answer.contains(manifest.expectation()),
            "{manifest}: {answer}"
        );
        if refused.is_empty() {
            failures.push(format!("{manifest}: accepted; the API server: {answer}"));
        }
        for problem in refused {
            let path = problem.path.to_string();
            let sentence = problem.source == Source::Rule;
            sentences += usize::from(sentence);
            if !answer.contains(&path) || (sentence && !answer.contains(&problem.message)) {
                failures.push(format!(
                    "{manifest}: {path}: {}\n  {answer}",
                    problem.message
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(sentences > 60, "only {sentences} rules were broken");
}
