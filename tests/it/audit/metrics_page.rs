//! The pages of the real operator, and its log.

use std::{collections::BTreeMap, process::Command};

use local_cluster::{Tool, feed};
use sagemaker_simulator::{Account, Effect, Fault, Fleet, Notebook, Operation};
use serde_json::{Value, json};
use sudoless::api::{NotebookRootAccessPolicyStatus as Status, SCAN_NOW_ANNOTATION};

use crate::{
    observability::lint::{lint, parse_series},
    support::{
        small::{ACCOUNT, OTHER_REGION, REGION, fleet, rooted, rootless, spec},
        stage::{Stage, cluster, condition},
    },
};

const DENIED: &str = "444455556666";

/// The value of the series with this name and these labels; `None` if there is none.
fn value(page: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let labels: BTreeMap<String, String> = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    page.lines()
        .filter(|line| line.starts_with(name))
        .find_map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (parse_series(series) == (name.to_owned(), labels.clone()))
                .then(|| value.parse().unwrap())
        })
}

/// A count by verdict, summed over the targets of a policy.
fn notebooks(page: &str, policy: &str, verdict: &str) -> f64 {
    [REGION, OTHER_REGION]
        .iter()
        .filter_map(|region| {
            let labels = [
                ("policy", policy),
                ("account", ACCOUNT),
                ("region", region),
                ("verdict", verdict),
            ];
            value(page, "sudoless_notebooks", &labels)
        })
        .sum()
}

fn several() -> Fleet {
    let elsewhere = Notebook::new(ACCOUNT, OTHER_REGION, "e").root_access("absent");
    let scripted = rootless("c").lifecycle_config("setup");
    fleet([
        rooted("a"),
        rooted("legacy-b"),
        scripted,
        rootless("d"),
        elsewhere,
    ])
    .account(Account::new(DENIED).role("sudoless"))
    .fault(
        Fault::new(Effect::Deny)
            .account(DENIED)
            .operation(Operation::ListNotebookInstances),
    )
}

fn over_several() -> Value {
    spec(json!({
        "accounts": [{"id": ACCOUNT, "role": "sudoless"}, {"id": DENIED, "role": "sudoless", "regions": [REGION]}],
        "regions": [REGION, OTHER_REGION],
        "exemptions": [
            {"reason": "never ported", "names": ["eternal-*"]},
            {"reason": "ported next year", "names": ["legacy-*"], "expiresAt": "2100-01-31T00:00:00Z"},
        ],
    }))
}

/// The page says what the status says.
fn agree(page: &str, policy: &str, status: &Status) {
    let summary = status.summary.unwrap();
    for (verdict, count) in [
        ("Compliant", summary.compliant),
        ("Exempt", summary.exempt),
        ("Unknown", summary.unknown),
        ("NonCompliant", summary.non_compliant),
    ] {
        let shown = notebooks(page, policy, verdict);
        assert!(
            (shown - f64::from(count)).abs() < 0.1,
            "{verdict}: {shown}, not {count}"
        );
    }
    let of = |name: &str, label: (&str, &str)| value(page, name, &[("policy", policy), label]);
    assert_eq!(of("sudoless_targets", ("state", "Scanned")), Some(2.0));
    assert_eq!(of("sudoless_targets", ("state", "AccessDenied")), Some(1.0));
    let scan = value(
        page,
        "sudoless_policy_last_scan_timestamp_seconds",
        &[("policy", policy)],
    );
    let reported = status.last_scan_time.as_ref().unwrap().0.as_second();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole seconds of this century"
    )]
    let shown = scan.unwrap().floor() as i64;
    assert_eq!(shown, reported);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_say_what_the_status_says() {
    let stage = Stage::begin("metrics", several(), &[]).await;
    stage.apply("p", over_several()).await;
    let status = stage.until_scanned("p").await;
    let summary = status.summary.unwrap();
    let counts = (
        summary.compliant,
        summary.exempt,
        summary.unknown,
        summary.non_compliant,
    );
    assert_eq!(counts, (2, 1, 1, 1));
    let policy = stage.policy("p");
    let page = stage
        .until_page("/metrics", |page| {
            notebooks(page, &policy, "Compliant") > 0.0
        })
        .await;
    agree(&page, &policy, &status);
    let target = |region| {
        [
            ("policy", "metrics-p"),
            ("account", ACCOUNT),
            ("region", region),
        ]
    };
    let scripted = "sudoless_notebooks_with_lifecycle_config";
    assert_eq!(value(&page, scripted, &target(REGION)), Some(1.0));
    let describes = [
        ("operation", "DescribeNotebookInstance"),
        ("outcome", "Answered"),
    ];
    assert_eq!(
        value(&page, "sudoless_aws_requests_total", &describes),
        Some(5.0)
    );
    let invalid = [("controller", "policy"), ("result", "Failed")];
    assert_eq!(
        value(&page, "sudoless_reconciliations_total", &invalid),
        Some(0.0)
    );

    let exemption = |place| [("policy", "metrics-p"), ("exemption", place)];
    let expiry = "sudoless_exemption_expiry_timestamp_seconds";
    assert_eq!(value(&page, expiry, &exemption("0")), None);
    assert_eq!(value(&page, expiry, &exemption("1")), Some(4_105_036_800.0));
    let violation = stage.simulator.notebook(ACCOUNT, REGION, "a").unwrap();
    let oldest = "sudoless_oldest_violation_timestamp_seconds";
    let shown = value(&page, oldest, &target(REGION)).unwrap();
    let changed = violation.last_modified.as_duration().as_secs_f64();
    assert!((shown - changed).abs() < 0.002, "{shown}, not {changed}");
    assert_eq!(value(&page, oldest, &target(OTHER_REGION)), None);

    assert_eq!(lint(&page), Vec::<String>::new());
    let said = tokio::task::spawn_blocking(move || promtool(&page))
        .await
        .unwrap();
    assert_eq!(said, "");

    // What nothing names any more has no series.
    stage
        .apply("p", spec(json!({"regions": [OTHER_REGION]})))
        .await;
    let page = stage
        .until_page("/metrics", |page| {
            !page.contains(DENIED) && !page.contains(REGION)
        })
        .await;
    let success = "sudoless_target_last_success_timestamp_seconds";
    assert!(value(&page, success, &target(OTHER_REGION)).is_some());
    assert!(value(&page, success, &target(REGION)).is_none());
    assert_eq!(value(&page, expiry, &exemption("1")), None);
    // Nobody scans a suspended policy, but its exemptions expire.
    let exempt = json!([{"reason": "soon", "names": ["x"], "expiresAt": "2100-02-28T00:00:00Z"}]);
    let suspended = json!({"regions": [OTHER_REGION], "suspend": true, "exemptions": exempt});
    stage.apply("p", spec(suspended)).await;
    stage
        .until_page("/metrics", |page| {
            value(page, expiry, &exemption("0")) == Some(4_107_456_000.0)
        })
        .await;
    stage.delete("p").await;
    stage
        .until_page("/metrics", |page| !page.contains("metrics-p"))
        .await;
}

/// What `promtool check metrics` has against a page.
fn promtool(page: &str) -> String {
    let mut command = Command::new(cluster().tool(Tool::Promtool).unwrap());
    let output = feed(command.args(["check", "metrics"]), page).unwrap();
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() || !said.is_empty(), "{output:?}");
    said.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_answer_without_aws() {
    let stage = Stage::begin("probes", fleet([rooted("a")]), &[]).await;
    stage.simulator.add_fault(Fault::new(Effect::Hang));
    assert_eq!(stage.page("/healthz").0, 200);
    stage
        .until_page("/readyz", |page| {
            page == "[+]custom-resource-definitions ok\n[+]policy-watch ok\n"
        })
        .await;
    assert_eq!(stage.page("/readyz").0, 200);
    stage.apply("p", spec(json!({}))).await;
    stage
        .until("p", |status| condition(status, "Reconciling").0 == "True")
        .await;
    assert_eq!(stage.page("/healthz").0, 200);
    assert_eq!(stage.page("/readyz").0, 200);
    assert_eq!(stage.page("/nothing").0, 404);
}

/// As much as the operator's log can be made to say.
const EVERYTHING: &str = "trace,aws_config=debug,aws_credential_types=debug,aws_runtime=debug,aws_sdk_account=debug,\
    aws_sdk_sagemaker=debug,aws_sdk_sts=debug,aws_sigv4=debug,aws_smithy_http_client=debug,aws_smithy_runtime=debug,\
    aws_smithy_runtime_api=debug,hyper=debug,hyper_util=debug,kube_client=debug,kube_runtime=debug,rustls=debug,tower=debug";

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_ever_written() {
    let (right, wrong) = ("external-id-that-is-right", "external-id-that-is-wrong");
    let home = "999900001111";
    let fleet = Fleet::new()
        .account(Account::new(ACCOUNT).role_with_external_id("sudoless", right))
        .account(Account::new(DENIED).role_with_external_id("sudoless", right))
        .notebooks([
            rooted("a"),
            rootless("b"),
            Notebook::new(home, REGION, "own"),
        ]);
    let stage = Stage::begin("secrets", fleet, &["--log-level", EVERYTHING]).await;
    let accounts = json!([
        {"id": ACCOUNT, "role": "sudoless", "externalId": right},
        {"id": DENIED, "role": "sudoless", "externalId": wrong},
        {"id": home},
    ]);
    stage.apply("p", spec(json!({"accounts": accounts}))).await;
    let status = stage.until_scanned("p").await;
    let summary = status.summary.unwrap();
    assert_eq!((summary.notebooks, summary.unreadable_targets), (3, 1));
    // Credentials that AWS does not take any more are complained about.
    stage.simulator.expire_sessions();
    stage
        .simulator
        .add_fault(Fault::new(Effect::InvalidKeys).account(home));
    stage.annotate("p", SCAN_NOW_ANNOTATION, Some("1")).await;
    let status = stage
        .until("p", |status| {
            status.summary.unwrap().unreadable_targets == 3
        })
        .await;

    let log = stage.log().join("\n");
    assert!(
        log.contains("aws_smithy_runtime") && log.contains("kube_client"),
        "the log is not as loud as it can be"
    );
    let page = stage.page("/metrics").1;
    let status = serde_json::to_string(&status).unwrap();
    let kubeconfig = std::fs::read_to_string(cluster().kubeconfig_path()).unwrap();
    let token = kubeconfig
        .lines()
        .find_map(|line| line.trim().strip_prefix("token: "))
        .unwrap();
    let secret = &stage.simulator.home().secret_access_key;
    for (place, text) in [("log", &log), ("metrics", &page), ("status", &status)] {
        for secret in [right, wrong, secret, token.trim_matches('"')] {
            assert!(!text.contains(secret), "{secret} is in the {place}");
        }
        // Secrets and tokens that the simulator hands out are long words of capital letters, and
        // nothing else is. (The SDK names the ids of keys at debug, as CloudTrail does.)
        let word = text
            .split(|character: char| !character.is_ascii_uppercase())
            .find(|word| word.len() >= 30);
        assert_eq!(word, None, "in the {place}");
    }
}
