//! The files in `config/kube-state-metrics`: the real program shows policies and records with them,
//! and needs no other rights.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use kube::ResourceExt;
use local_cluster::{LocalCluster, Options, Tool};
use sagemaker_simulator::{Effect, Fault, Operation};
use serde_json::{Value, json};
use strum::VariantArray;
use sudoless::{
    api::{NotebookRemediation, NotebookRootAccessPolicy, RecordState as State},
    domain::RecordState,
};

use crate::{
    observability::lint,
    support::{
        enforced::{FAST, fleet, rooted, stopped},
        served,
        server::Server,
        stage::Stage,
    },
};

/// It looks for definitions every three seconds.
const DEADLINE: Duration = Duration::from_mins(1);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// What kube-state-metrics adds to each series.
const ADDED: [&str; 3] = [
    "customresource_group",
    "customresource_version",
    "customresource_kind",
];

/// Labels and value of each series, by the metric's name.
type Page = BTreeMap<String, Vec<(BTreeMap<String, String>, f64)>>;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("config/kube-state-metrics")
        .join(name)
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// Starts kube-state-metrics as the service account that the file binds, which has the rights in
/// the file and no others.
fn start(cluster: &LocalCluster) -> Server {
    let rbac = fs::read_to_string(file("rbac.yaml")).unwrap();
    let binding = yaml(rbac.split("\n---\n").nth(1).unwrap());
    let subject = |key: &str| binding["subjects"][0][key].as_str().unwrap().to_owned();
    let (account, namespace) = (subject("name"), subject("namespace"));
    let kubectl = |words: &[&str]| cluster.run_kubectl(words).unwrap();
    kubectl(&["create", "namespace", &namespace]);
    kubectl(&[
        "create",
        "serviceaccount",
        &account,
        "--namespace",
        &namespace,
    ]);
    kubectl(&["apply", "--filename", file("rbac.yaml").to_str().unwrap()]);
    let token = kubectl(&["create", "token", &account, "--namespace", &namespace]);
    let kubeconfig = cluster.kubeconfig_for(&account, token.trim()).unwrap();

    let mut command = Command::new(cluster.tool(Tool::KubeStateMetrics).unwrap());
    command
        .arg("--custom-resource-state-only=true")
        .arg("--custom-resource-state-config-file")
        .arg(file("custom-resource-state.yaml"))
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(["--host=127.0.0.1", "--port=0"])
        .args(["--telemetry-host=127.0.0.1", "--telemetry-port=0"]);
    Server::start(cluster.adopt(&mut command), 2)
}

/// The metrics that the file describes, by their full names.
fn described() -> BTreeSet<String> {
    let config = yaml(&fs::read_to_string(file("custom-resource-state.yaml")).unwrap());
    let resources = config["spec"]["resources"].as_array().unwrap();
    let mut names = BTreeSet::new();
    for resource in resources {
        let prefix = resource["metricNamePrefix"].as_str().unwrap();
        for metric in resource["metrics"].as_array().unwrap() {
            assert!(metric["help"].as_str().unwrap().len() > 10, "{metric}");
            let name = format!("{prefix}_{}", metric["name"].as_str().unwrap());
            assert!(names.insert(name), "{metric} is there twice");
        }
    }
    names
}

/// Both of its pages in one: its own telemetry, and what it shows.
async fn page(server: &Server) -> Page {
    let mut page = Page::new();
    for text in server.get_all("/metrics").await {
        let lines = text.lines().filter(|line| line.starts_with("kube_note"));
        for line in lines {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, mut labels) = lint::parse_series(series);
            labels.retain(|label, _| !ADDED.contains(&label.as_str()));
            let series = (labels, value.parse().unwrap());
            page.entry(name).or_default().push(series);
        }
    }
    page
}

/// The values of a metric where these labels are so, by another label.
fn by(page: &Page, name: &str, labels: &[(&str, &str)], other: &str) -> BTreeMap<String, f64> {
    let all = page.get(name).into_iter().flatten();
    all.filter(|(found, _)| labels.iter().all(|(label, value)| found[*label] == *value))
        .map(|(found, value)| (found.get(other).cloned().unwrap_or_default(), *value))
        .collect()
}

/// The one value of a metric where these labels are so.
fn value(page: &Page, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    by(page, name, labels, "").remove("")
}

fn seconds(time: jiff::Timestamp) -> f64 {
    f64::from(u32::try_from(time.as_second()).unwrap())
}

/// Which of several values is the one that holds; exactly one does.
fn holds(states: &BTreeMap<String, f64>) -> &str {
    let is_set = |value: f64| (value - 1.0).abs() < f64::EPSILON;
    let mut set = states.iter().filter(|(_, value)| is_set(**value));
    let (name, _) = set.next().unwrap_or_else(|| panic!("{states:?}"));
    assert!(set.next().is_none(), "{states:?}");
    name
}

/// A stage with a record that succeeded, one that failed, and one that was deleted while it is
/// under way.
async fn staged(cluster: &LocalCluster) -> (Stage, Vec<NotebookRemediation>) {
    let notebooks = [
        rooted("ksm", "churn"),
        stopped("ksm", "asleep"),
        rooted("ksm", "stuck"),
        rooted("ksm", "fine")
            .root_access("Disabled")
            .lifecycle_config("setup"),
    ];
    let stage = Stage::on(cluster, "ksm", fleet("ksm", notebooks), &FAST).await;
    let on = |operation, name, effect| Fault::new(effect).operation(operation).notebook(name);
    let stuck = on(
        Operation::StopNotebookInstance,
        "stuck",
        Effect::StuckStopping,
    );
    let denied = on(Operation::UpdateNotebookInstance, "asleep", Effect::Deny);
    stage.simulator.add_fault(stuck);
    stage.simulator.add_fault(denied);
    let remediation = json!({"maxConcurrent": 5, "maxConcurrentPerRegion": 5, "maxFailures": 5});
    stage
        .enforce(json!({"remediation": remediation, "suspend": false}))
        .await;
    stage.until_finished("churn").await;
    stage.until_finished("asleep").await;
    stage.until_state("stuck", State::Stopping).await;
    stage.delete_record("stuck").await;
    let records = stage.records().await;
    assert_eq!(records.len(), 3);
    (stage, records)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_what_the_resources_say() {
    // Not shared, because the page shows the resources of all stages.
    let cluster = served::start(Options::default());
    let server = start(&cluster);
    let (stage, records) = staged(&cluster).await;
    let status = stage
        .until("p", |status| {
            status
                .summary
                .is_some_and(|summary| summary.remediating == 1)
        })
        .await;
    let names = described();
    let policy = stage.get("p").await;
    let scanned = status.last_scan_time.clone().unwrap().0;
    let begun = Instant::now();
    let page = loop {
        let page = page(&server).await;
        let shown: BTreeSet<String> = page.keys().cloned().collect();
        let labels = [("policy", &*policy.name_any())];
        let time = "kube_notebookrootaccesspolicy_status_last_scan_time";
        let is_new = value(&page, time, &labels) == Some(seconds(scanned));
        if shown == names && is_new {
            break page;
        }
        let missing: Vec<_> = names.symmetric_difference(&shown).collect();
        let log = server.log();
        assert!(begun.elapsed() < DEADLINE, "{missing:?}\n{page:#?}\n{log}");
        tokio::time::sleep(LOOK).await;
    };
    shows_the_policy(&page, &policy);
    for record in &records {
        shows_the_record(&page, record);
    }
    let log = server.log();
    assert!(!log.contains("forbidden"), "{log}");
}

fn shows_the_policy(page: &Page, policy: &NotebookRootAccessPolicy) {
    let name = policy.name_any();
    let labels = [("policy", &*name)];
    let of = |metric: &str| {
        let metric = format!("kube_notebookrootaccesspolicy_{metric}");
        value(page, &metric, &labels)
    };
    let info = &page["kube_notebookrootaccesspolicy_info"][0].0;
    let expected = [
        ("policy", &*name),
        ("mode", "Enforce"),
        ("suspend", "false"),
    ];
    let expected = expected.map(|(label, value)| (label.to_owned(), value.to_owned()));
    assert_eq!(*info, expected.into());
    let created = policy.metadata.creation_timestamp.as_ref().unwrap().0;
    assert_eq!(of("created"), Some(seconds(created)));
    assert_eq!(of("metadata_generation"), Some(1.0));
    assert_eq!(of("status_observed_generation"), Some(1.0));
    let status = policy.status.as_ref().unwrap();
    let summary = serde_json::to_value(status.summary.unwrap()).unwrap();
    for (field, count) in summary.as_object().unwrap() {
        let snake: String = field
            .chars()
            .flat_map(|letter| {
                let gap = letter.is_ascii_uppercase().then_some('_');
                gap.into_iter().chain([letter.to_ascii_lowercase()])
            })
            .collect();
        assert_eq!(
            of(&format!("status_summary_{snake}")),
            count.as_f64(),
            "{field}"
        );
    }
    assert_eq!(status.conditions.len(), 4);
    for condition in &status.conditions {
        let labels = [("policy", &*name), ("type", &*condition.type_)];
        let metric = "kube_notebookrootaccesspolicy_status_condition";
        let shown = by(page, metric, &labels, "status");
        assert_eq!(shown.len(), 3);
        assert_eq!(holds(&shown), condition.status, "{}", condition.type_);
    }
}

fn shows_the_record(page: &Page, record: &NotebookRemediation) {
    let (name, spec) = (record.name_any(), &record.spec);
    let status = record.status.as_ref().unwrap();
    let labels = [
        ("record", &*name),
        ("policy", &*spec.policy),
        ("account", &*spec.notebook.account),
        ("region", &*spec.notebook.region),
        ("notebook", &*spec.notebook.name),
    ];
    let of = |metric: &str| value(page, &format!("kube_notebookremediation_{metric}"), &labels);
    let by = |metric: &str, label: &str| {
        let metric = format!("kube_notebookremediation_{metric}");
        by(page, &metric, &labels, label)
    };
    assert_eq!(
        holds(&by("info", "was_running")),
        spec.was_running.to_string()
    );
    assert_eq!(of("recurrence"), Some(0.0));
    assert_eq!(
        of("deletion_timestamp").is_some(),
        spec.notebook.name == "stuck"
    );
    let shown = by("status_state", "state");
    assert_eq!(shown.len(), 8);
    let state = serde_json::to_value(status.state.unwrap()).unwrap();
    assert_eq!(holds(&shown), state);
    assert_eq!(
        holds(&by("status_info", "reason")),
        status.reason.clone().unwrap()
    );
    assert_eq!(
        of("status_downtime_seconds"),
        status.downtime_seconds.map(f64::from)
    );
    assert_eq!(
        of("status_start_attempts"),
        Some(f64::from(status.start_attempts))
    );
    for (metric, time) in [
        ("status_step_since", &status.step_since),
        ("status_stop_requested_at", &status.stop_requested_at),
        ("status_completed_at", &status.completed_at),
    ] {
        let expected = time.as_ref().map(|time| seconds(time.0));
        assert_eq!(of(metric), expected, "{metric} of {name}");
    }
}

#[test]
fn every_state_is_listed() {
    let config = yaml(&fs::read_to_string(file("custom-resource-state.yaml")).unwrap());
    let metrics = config["spec"]["resources"][1]["metrics"]
        .as_array()
        .unwrap();
    let mut states = metrics
        .iter()
        .filter(|metric| metric["name"] == "status_state");
    let listed = &states.next().unwrap()["each"]["stateSet"]["list"];
    // Nothing writes a state that this version does not know.
    let known = RecordState::VARIANTS.iter().map(|state| state.as_str());
    let known: Vec<&str> = known.filter(|state| *state != "Unrecognized").collect();
    assert_eq!(*listed, json!(known));
}

/// What the program could do with more rights than it needs, it would do unseen.
#[test]
fn it_may_look_and_nothing_else() {
    let rbac = fs::read_to_string(file("rbac.yaml")).unwrap();
    let role = yaml(rbac.split("\n---\n").next().unwrap());
    for rule in role["rules"].as_array().unwrap() {
        assert_eq!(rule["verbs"], json!(["list", "watch"]));
    }
}
