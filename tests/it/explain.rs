//! `sudoless explain` on a real API server, about what the real operator does. It runs as a user
//! who may only list policies and records.

mod person;

use sagemaker_simulator::{
    Effect, Fault, Notebook, Operation::UpdateNotebookInstance as Update, OwnerAct, RootAccess,
};
use serde_json::{Value, json};
use sudoless::api::{NextStep, RecordState as State};

use person::{Asked, Person, cluster};

use crate::support::{
    enforced::{FAST, REGION, fleet, rooted, spec, stopped},
    stage::{self, Stage},
};

async fn begin(name: &str, notebooks: impl IntoIterator<Item = Notebook>) -> Stage {
    Stage::on(cluster(), name, fleet(name, notebooks), &FAST).await
}

fn arn(stage: &Stage, name: &str) -> String {
    let account = stage.account();
    format!("arn:aws:sagemaker:{REGION}:{account}:notebook-instance/{name}")
}

/// Outcome, and the part of the policy `p` of the stage, of a notebook that is found.
fn explained(stage: &Stage, name: &str) -> (String, Value) {
    let answer = person::ask(Person::Viewer, &["explain", name, "-o", "json"]).found();
    let policies = answer["policies"].as_array().unwrap();
    let own = policies
        .iter()
        .find(|policy| policy["name"] == stage.policy("p").as_str());
    let outcome = answer["answer"]["outcome"].as_str().unwrap().to_owned();
    (outcome, own.unwrap().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_restarted_and_another_waits_for_it() {
    let compliant = rooted("busy", "busy-fine").root_access(RootAccess::Disabled);
    let notebooks = ["busy-a", "busy-b", "busy-c", "busy-legacy"];
    let stage = begin(
        "busy",
        notebooks
            .map(|name| rooted("busy", name))
            .into_iter()
            .chain([compliant]),
    )
    .await;
    let held = Fault::new(Effect::StuckStopping).notebook("busy-b");
    stage.simulator.add_fault(held);
    let exemptions = json!({"exemptions": [{"reason": "needs Docker", "names": ["*-legacy"]}]});
    stage.enforce(exemptions).await;
    stage.until_state("busy-a", State::Succeeded).await;
    stage.until_state("busy-b", State::Stopping).await;
    stage.until_next("busy-c", NextStep::Wait, "Budget").await;

    let (outcome, _) = explained(&stage, "busy-a");
    assert_eq!(outcome, "Fixed");
    let (outcome, policy) = explained(&stage, "busy-b");
    assert_eq!(
        (outcome.as_str(), &policy["reason"]),
        ("BeingFixed", &json!("Remediating"))
    );
    let (outcome, policy) = explained(&stage, "busy-c");
    assert_eq!(
        (outcome.as_str(), &policy["reason"]),
        ("Waits", &json!("Budget"))
    );
    assert_eq!(policy["blockers"][0]["notebook"], "busy-b");
    let (outcome, policy) = explained(&stage, "busy-legacy");
    assert_eq!(outcome, "Exempt");
    assert_eq!(policy["exemption"]["path"], "spec.exemptions[0]");

    // By its ARN it is explained, although nothing tells of it.
    let asked = person::ask(Person::Viewer, &["explain", &arn(&stage, "busy-fine")]);
    assert_eq!(asked.code, 4, "{asked:?}");
    let said = "its users do not have root, or it does not exist";
    assert!(asked.stdout.contains(said), "{asked:?}");
    // By its name it may be anywhere.
    let asked = person::ask(Person::Viewer, &["explain", "busy-fine"]);
    assert_eq!(asked.code, 4, "{asked:?}");
    assert!(
        asked
            .stdout
            .contains("only notebooks that are not compliant"),
        "{asked:?}"
    );

    the_plugin_says_the_same(&stage);
}

/// kubectl finds the program by its name, and it calls itself what was typed.
fn the_plugin_says_the_same(stage: &Stage) {
    let explain = [
        "explain",
        "busy-c",
        "--account",
        &stage.account(),
        "--region",
        REGION,
    ];
    let own = person::ask(Person::Viewer, &explain);
    let plugin = person::ask_kubectl(Person::Viewer, &explain);
    assert_eq!((plugin.code, own.code), (0, 0), "{plugin:?} {own:?}");
    assert!(plugin.stdout.contains("NOT BEING FIXED NOW"), "{plugin:?}");
    assert!(plugin.stdout.contains("Budget"), "{plugin:?}");
    let first = |asked: &Asked| asked.stdout.lines().next().unwrap().to_owned();
    assert_eq!(first(&plugin), first(&own));

    let help = person::ask_kubectl(Person::Viewer, &["explain", "--help"]);
    assert!(
        help.stdout.contains("Usage: kubectl sudoless explain"),
        "{help:?}"
    );
    assert!(
        help.stdout
            .contains("\n  kubectl sudoless explain churn-model\n"),
        "{help:?}"
    );
    let wrong = person::ask_kubectl(Person::Viewer, &["explian"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.stderr.contains("'explain'"), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_and_other_policies_are_waited_for() {
    let stage = begin(
        "patient",
        ["patient-a", "patient-b", "twin"].map(|name| rooted("patient", name)),
    )
    .await;
    // Once a year, for a minute; whoever runs this just then tries again.
    let closed = json!({"remediation": {"windows": [{"schedule": "0 3 29 2 *", "duration": "1m", "timeZone": "Asia/Tokyo"}]}});
    let exempting = json!({
        "mode": "Audit",
        "exemptions": [{"reason": "rootful Docker", "names": ["patient-b"], "expiresAt": "2100-01-01T00:00:00Z"}],
    });
    stage.apply("q", spec("patient", exempting)).await;
    stage.until_scanned("q").await;
    stage.enforce(closed).await;
    stage
        .until_next("patient-a", NextStep::Wait, "Window")
        .await;
    stage
        .until_next("patient-b", NextStep::Wait, "PolicyConflict")
        .await;

    let (outcome, policy) = explained(&stage, "patient-a");
    assert_eq!(
        (outcome.as_str(), &policy["reason"]),
        ("Waits", &json!("Window"))
    );
    let window = &policy["window"];
    assert_eq!(window["open"], false);
    let local = window["opensLocal"].as_str().unwrap();
    assert!(
        local.contains("29 February") && local.ends_with("03:00 Asia/Tokyo"),
        "{local}"
    );
    assert!(
        window["opens"]
            .as_str()
            .unwrap()
            .contains("-02-28T18:00:00Z"),
        "{window}"
    );

    let (outcome, policy) = explained(&stage, "patient-b");
    assert_eq!(
        (outcome.as_str(), &policy["reason"]),
        ("Waits", &json!("PolicyConflict"))
    );
    let message = policy["message"].as_str().unwrap();
    assert!(
        message.contains("patient-q exempts the notebook: rootful Docker"),
        "{message}"
    );
    let asked = person::ask(Person::Viewer, &["explain", "patient-b"]);
    assert!(
        asked.stdout.contains("until 2100-01-01T00:00:00Z"),
        "{asked:?}"
    );

    stage
        .apply("p", spec("patient", json!({"suspend": true})))
        .await;
    stage
        .until("p", |status| {
            stage::condition(status, "Ready").1 == "Suspended"
        })
        .await;
    let (outcome, _) = explained(&stage, "patient-a");
    assert_eq!(outcome, "Suspended");

    the_one_is_meant_that_is_named(&stage).await;
}

/// Two accounts have a notebook of that name.
async fn the_one_is_meant_that_is_named(stage: &Stage) {
    let other = begin("second", [rooted("second", "twin")]).await;
    other
        .apply("p", spec("second", json!({"mode": "Audit"})))
        .await;
    other.until_scanned("p").await;
    let asked = person::ask(Person::Viewer, &["explain", "twin"]);
    assert_eq!((asked.code, asked.stdout.as_str()), (2, ""), "{asked:?}");
    for each in [stage, &other] {
        assert!(asked.stderr.contains(&arn(each, "twin")), "{asked:?}");
    }
    for narrowed in [
        vec![
            "explain",
            "twin",
            "--account",
            &other.account(),
            "-o",
            "json",
        ],
        vec!["explain", &arn(&other, "twin"), "-o", "json"],
    ] {
        let answer = person::ask(Person::Viewer, &narrowed).found();
        assert_eq!(answer["notebook"]["account"], other.account());
        assert_eq!(answer["answer"]["outcome"], "OnlyAudited");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_halt_until_somebody_acknowledges_them() {
    let stage = begin(
        "refused",
        ["refused-a", "refused-b"].map(|name| rooted("refused", name)),
    )
    .await;
    stage
        .simulator
        .add_fault(Fault::new(Effect::Deny).operation(Update));
    stage
        .enforce(json!({"remediation": {"maxFailures": 1}}))
        .await;
    let failed = stage.until_state("refused-a", State::Failed).await;
    stage
        .until_next("refused-b", NextStep::Wait, "Halted")
        .await;

    let name = failed.metadata.name.unwrap();
    let (outcome, policy) = explained(&stage, "refused-a");
    assert_eq!(
        (outcome.as_str(), &policy["reason"]),
        ("Waits", &json!("Failed"))
    );
    let (outcome, policy) = explained(&stage, "refused-b");
    assert_eq!(
        (outcome.as_str(), &policy["reason"]),
        ("Waits", &json!("Halted"))
    );
    assert_eq!(policy["blockers"][0]["record"], name.as_str());
    let asked = person::ask(Person::Viewer, &["explain", "refused-b"]);
    assert!(
        asked
            .stdout
            .contains(&format!("kubectl delete nbr {name}\n")),
        "{asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sets_root_back_is_looked_for() {
    let stage = begin("fought", [stopped("fought", "fought-a")]).await;
    stage.enforce(json!({})).await;
    for recurrence in 0..3 {
        stage
            .until_record("fought-a", |record, status| {
                record.spec.recurrence == recurrence && status.state == Some(State::Succeeded)
            })
            .await;
        stage.owner("fought-a", OwnerAct::EnableRoot);
        stage.rescan("p").await;
    }
    stage
        .until_next("fought-a", NextStep::Wait, "Recurring")
        .await;
    let (outcome, policy) = explained(&stage, "fought-a");
    assert_eq!(
        (outcome.as_str(), &policy["reason"]),
        ("Waits", &json!("Recurring"))
    );
    let asked = person::ask(Person::Viewer, &["explain", "fought-a"]);
    assert!(
        asked
            .stdout
            .contains("root access was disabled 2 times before"),
        "{asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_read_is_not_known() {
    let stage = begin("dark", [rooted("dark", "dark-a")]).await;
    stage.simulator.add_fault(
        Fault::new(Effect::Deny)
            .operation(sagemaker_simulator::Operation::DescribeNotebookInstance),
    );
    stage
        .apply("p", spec("dark", json!({"mode": "Audit"})))
        .await;
    stage.until_scanned("p").await;
    let (outcome, policy) = explained(&stage, "dark-a");
    assert_eq!(
        (outcome.as_str(), &policy["verdict"]),
        ("Unknown", &json!("Unknown"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_list_is_told_whom_to_ask() {
    let asked =
        tokio::task::spawn_blocking(|| person::ask(Person::Stranger, &["explain", "churn"]));
    let asked = asked.await.unwrap();
    assert_eq!((asked.code, asked.stdout.as_str()), (1, ""), "{asked:?}");
    assert!(
        asked
            .stderr
            .contains("ask for the ClusterRole sudoless-viewer"),
        "{asked:?}"
    );
    let no_context = person::ask(
        Person::Viewer,
        &["explain", "churn", "--context", "nowhere"],
    );
    assert_eq!(no_context.code, 1, "{no_context:?}");
    assert!(no_context.stderr.contains("nowhere"), "{no_context:?}");
}

/// By the API server's own audit log.
#[tokio::test(flavor = "multi_thread")]
async fn it_lists_and_sends_nothing_else() {
    let asked = person::ask(Person::Watched, &["explain", "churn"]);
    assert_eq!(asked.code, 4, "{asked:?}");
    let requests = person::requests(Person::Watched, 2).await;
    let mut sent: Vec<String> = requests
        .iter()
        .map(|request| format!("{} {}", request.verb, request.resource))
        .collect();
    sent.sort();
    assert_eq!(
        sent,
        [
            "list notebookremediations",
            "list notebookrootaccesspolicies"
        ]
    );
}
