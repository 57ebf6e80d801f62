//! Who may enforce: `config/admission`, on a real API server, with people who may and people who
//! may not.

mod cases;
mod people;

use std::{collections::BTreeSet, path::Path, sync::OnceLock, time::Duration};

use kube::{CustomResourceExt, ResourceExt};
use local_cluster::{Error, LocalCluster, Options};
use serde_json::{Value, json};
use sudoless::api::NotebookRootAccessPolicy;

use cases::{Case, Deed};
use people::{Person, policy};

use crate::support::served;

/// Deadline for the API server to enforce a new admission policy. It takes a second or two on an
/// idle machine.
const DEADLINE: Duration = Duration::from_mins(1);

/// Whom a refusal says to ask, and for what.
const ADVICE: &str =
    "Write mode: Audit, or ask for the ClusterRole sudoless-enforcer (verb enforce)";

/// The API server, where enforcing needs the verb.
async fn guarded() -> &'static LocalCluster {
    static CLUSTER: OnceLock<LocalCluster> = OnceLock::new();
    static READY: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
    let cluster = CLUSTER.get_or_init(|| served::start(Options::default()));
    READY
        .get_or_init(|| async {
            people::introduce(cluster);
            let writer = Person::Writer.client(cluster).await;
            let enforce = policy("before", cases::spec(json!({"mode": "Enforce"})));
            let allowed = people::try_to_create(&writer, &enforce).await;
            assert_eq!(allowed, Ok(()), "nothing guards it yet");

            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/admission");
            let folder = folder.to_str().unwrap();
            cluster.run_kubectl(["apply", "-k", folder]).unwrap();
            let began = std::time::Instant::now();
            // Each look is a request, which is pause enough.
            while people::try_to_create(&writer, &enforce).await.is_ok() {
                assert!(began.elapsed() < DEADLINE, "nothing is refused");
            }
        })
        .await;
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_enforce_can_do_only_what_asks_for_no_more() {
    let cluster = guarded().await;
    let admin = served::client(cluster).await;
    let mut failures = Vec::new();
    for person in [Person::Writer, Person::Enforcer, Person::Everything] {
        let client = person.client(cluster).await;
        for (number, case) in cases::all().into_iter().enumerate() {
            let name = format!("{person:?}-{number}").to_lowercase();
            if let Some(spec) = &case.before {
                people::create(&admin, &policy(&name, spec.clone()))
                    .await
                    .unwrap();
            }
            let what = format!("{person:?}: {}", case.what);
            match people::act(&client, &name, &case.deed).await {
                Ok(()) if case.is_free || person != Person::Writer => {}
                Ok(()) => failures.push(format!("{what}: was allowed")),
                Err(refusal) if case.is_free || person != Person::Writer => {
                    failures.push(format!("{what}: {refusal}"));
                }
                Err(refusal) => {
                    let who = "writer may not enforce notebookrootaccesspolicies.sudoless.dev";
                    let says = refusal.contains(who) && refusal.contains(ADVICE);
                    assert!(says, "{what}: {refusal}");
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Suspending is free, and takes nothing else along: each field, those of tomorrow too.
#[tokio::test(flavor = "multi_thread")]
async fn no_field_changes_under_cover_of_a_suspension() {
    let cluster = guarded().await;
    let admin = served::client(cluster).await;
    let writer = Person::Writer.client(cluster).await;
    let whole = include_str!("admission/accept/whole.yaml");
    let whole: Value = serde_saphyr::from_str(whole).unwrap();
    let spec = whole["spec"].as_object().unwrap();
    let fields: BTreeSet<&String> = spec.keys().collect();
    assert_eq!(
        fields.into_iter().cloned().collect::<BTreeSet<_>>(),
        cases::fields_of_the_definition(&NotebookRootAccessPolicy::crd()),
        "a field that nothing here tries"
    );
    for field in spec.keys().filter(|field| *field != "suspend") {
        let name = format!("without-{}", field.to_lowercase());
        let created = people::create(&admin, &policy(&name, json!(spec))).await;
        created.unwrap();
        let suspend = json!({"spec": {"suspend": true}});
        let mut also = suspend.clone();
        also["spec"][field] = match field.as_str() {
            // It cannot be removed.
            "accounts" => json!([{"id": "111122223333", "role": "other"}]),
            "regions" => json!(["eu-central-1"]),
            // Without it the policy is in Audit, which is free.
            "mode" => continue,
            _ => Value::Null,
        };
        let both = people::act(&writer, &name, &Deed::Merge(also)).await;
        let refusal = both.expect_err(field);
        assert!(refusal.contains("may not enforce"), "{field}: {refusal}");
        let alone = people::act(&writer, &name, &Deed::Merge(suspend)).await;
        assert_eq!(alone, Ok(()), "{field}");
    }
}

/// What docs/enforcing.md shows of it.
#[tokio::test(flavor = "multi_thread")]
async fn kubectl_says_what_the_documentation_shows() {
    let cluster = guarded().await;
    let admin = served::client(cluster).await;
    let audit = policy("demo", cases::spec(json!({})));
    people::create(&admin, &audit).await.unwrap();

    let to_enforce = r#"{"spec":{"mode":"Enforce"}}"#;
    let patch = ["patch", "nrap", "demo", "--type=merge", "-p", to_enforce];
    let patched = cluster.run_kubectl(patch.into_iter().chain(["--as=writer"]));
    let Err(Error::Command { stderr, .. }) = patched else {
        panic!("{patched:?}")
    };
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = words(include_str!("../../docs/enforcing.md"));
    let said = words(&stderr).replace(": writer may", ": bob may");
    assert!(shown.contains(&said), "{said}");

    let resource = "notebookrootaccesspolicies.sudoless.dev";
    for (person, answer) in [("writer", "no\n"), ("enforcer", "yes\n")] {
        let person = format!("--as={person}");
        let ask = ["auth", "can-i", "enforce", resource, &person];
        let asked = cluster.kubectl(ask).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&asked.stdout), answer, "{asked:?}");
    }
    cluster
        .run_kubectl(patch.into_iter().chain(["--as=enforcer"]))
        .unwrap();
}

/// A role may name the policies that its subjects may set to Enforce.
#[tokio::test(flavor = "multi_thread")]
async fn the_verb_can_be_given_for_one_policy() {
    let cluster = guarded().await;
    let client = Person::OfOne.client(cluster).await;
    let enforce = cases::spec(json!({"mode": "Enforce"}));
    let create = |name: &str| {
        let (client, policy) = (client.clone(), policy(name, enforce.clone()));
        async move { people::create(&client, &policy).await }
    };
    assert_eq!(create(people::ONE).await, Ok(()));
    let refusal = create("another").await.unwrap_err();
    assert!(refusal.contains("ofone may not enforce"), "{refusal}");

    let mut unnamed = policy("", enforce.clone());
    unnamed.metadata.name = None;
    unnamed.metadata.generate_name = Some(people::ONE.to_owned());
    let refusal = people::create(&client, &unnamed).await.unwrap_err();
    assert!(refusal.contains("ofone may not enforce"), "{refusal}");
}

/// The operator writes a status, under whatever mode, and needs no verb for that.
#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_no_change_of_what_is_wanted() {
    let cluster = guarded().await;
    let admin = served::client(cluster).await;
    let enforcing = policy("reported", cases::spec(json!({"mode": "Enforce"})));
    people::create(&admin, &enforcing).await.unwrap();
    let operator = Person::Operator.client(cluster).await;
    let status = json!({"status": {"observedGeneration": 1}});
    let written = people::patch_status(&operator, &enforcing.name_any(), &status).await;
    assert_eq!(written, Ok(()));
}

#[test]
fn each_case_is_one_of_its_own() {
    let cases: Vec<Case> = cases::all();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.what).collect();
    assert_eq!(names.len(), cases.len());
    let free = cases.iter().filter(|case| case.is_free).count();
    assert!(
        free > 5 && cases.len() - free > 5,
        "{free} of {}",
        cases.len()
    );
}
