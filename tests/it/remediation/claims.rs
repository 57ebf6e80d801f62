//! How claims are made: what they read, and that none holds up the others.

use kube::Client;
use sagemaker_simulator::{
    Account, Effect, Fault, Fleet, Notebook, Operation::DescribeNotebookInstance as Describe,
    Options, Simulator, Status,
};
use serde_json::json;
use sudoless::api::{Finding, RecordState as State};

use crate::support::{
    enforced::{FAST, REGION, account, at_most, cluster, quick, rooted, stopped},
    records::outcome,
    safety, served,
    stage::{self, Stage},
};

/// A fleet whose account has these regions.
fn fleet(
    stage: &str,
    regions: &[&'static str],
    notebooks: impl IntoIterator<Item = Notebook>,
) -> Fleet {
    let account = Account::new(&account(stage)).role("sudoless");
    Fleet::new()
        .account(account.regions(regions.iter().copied()))
        .notebooks(notebooks)
        .timings(quick())
}

/// Regions that sort before the one that answers.
const SILENT: [&str; 8] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
];

/// Describe hangs in eight regions once they have been scanned; the candidates there are the first
/// ones.
#[tokio::test(flavor = "multi_thread")]
async fn regions_that_hang_hold_up_no_claim_elsewhere() {
    let name = "hanging";
    let silent = SILENT.iter().flat_map(|region| {
        let asleep = Notebook::new(&account(name), region, "asleep").status(Status::Stopped);
        [asleep, Notebook::new(&account(name), region, "awake")]
    });
    let answering = [stopped(name, "churn"), rooted(name, "other")];
    let regions: Vec<_> = SILENT.into_iter().chain([REGION]).collect();
    let fleet = fleet(name, &regions, silent.chain(answering));
    let simulator = Simulator::start(fleet, Options::default()).unwrap();
    for region in SILENT {
        let hang = Fault::new(Effect::Hang).operation(Describe).region(region);
        // The scan describes both notebooks of each region.
        simulator.add_fault(hang.skip(2));
    }
    let stage = Stage::with(cluster(), name, simulator, &FAST).await;
    let mut changed = at_most(20);
    changed["regions"] = json!(regions);
    stage.enforce(changed).await;
    for notebook in ["churn", "other"] {
        let record = stage.until_finished(notebook).await;
        assert_eq!(outcome(&record).0, State::Succeeded, "{record:#?}");
    }
    let claimed = stage.records().await.len();
    assert_eq!(claimed, 2, "a notebook that could not be read was claimed");
    let status = stage
        .until("p", |status| {
            let read_failed = |finding: &&Finding| finding.reason.as_deref() == Some("ReadFailed");
            status.findings.iter().filter(read_failed).count() == 2 * SILENT.len()
        })
        .await;
    assert_eq!(status.summary.unwrap().compliant, 2);
    safety::holds(&stage.simulator);
}

/// What the API server counted of the records: lists that it answered, and objects that it read
/// from etcd for lists.
async fn lists(client: &Client) -> (f64, f64) {
    let request = axum::http::Request::get("/metrics").body(Vec::new());
    let page = client.request_text(request.unwrap()).await.unwrap();
    let sum = |metric: &str, labels: &[&str]| -> f64 {
        page.lines()
            .filter(|line| {
                line.starts_with(metric) && labels.iter().all(|label| line.contains(label))
            })
            .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum()
    };
    let of_records = r#"resource="notebookremediations""#;
    let answered = sum("apiserver_request_total{", &[of_records, r#"verb="LIST""#]);
    let fetched = sum(
        "apiserver_storage_list_fetched_objects_total{",
        &[of_records],
    );
    (answered, fetched)
}

/// Claims share a list of the records, and etcd reads no record for it.
#[tokio::test(flavor = "multi_thread")]
async fn claims_read_little() {
    const REGIONS: [&str; 4] = ["eu-central-1", "eu-north-1", "eu-west-1", "us-east-1"];
    let cluster = tokio::task::spawn_blocking(|| served::start(local_cluster::Options::default()));
    let cluster = cluster.await.unwrap();
    let name = "frugal";
    let notebooks = REGIONS.iter().flat_map(|region| {
        let named = |number| Notebook::new(&account(name), region, &format!("n{number}"));
        (0..10).map(move |number| named(number).status(Status::Stopped))
    });
    let fleet = fleet(name, &REGIONS, notebooks);
    let stage = Stage::on(&cluster, name, fleet, &FAST).await;
    let client = stage::client(&cluster).await;
    let (before, _) = lists(&client).await;
    stage.enforce(json!({"regions": REGIONS})).await;
    stage.until_compliant().await;
    let (after, fetched) = lists(&client).await;
    let claims = stage.records().await.len();
    assert_eq!(claims, 40);
    let during = after - before;
    assert!(during < 20.0, "{during} lists for {claims} claims");
    assert!(fetched < 1.0, "{fetched} records were read from etcd");
}
