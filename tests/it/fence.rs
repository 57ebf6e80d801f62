//! The fence before writes to AWS, on a real API server: a lease that is held by election, and what
//! may become of one.

mod refusals;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1 as coordination;
use kube::{
    Api, Client, Config,
    api::{DeleteParams, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use local_cluster::LocalCluster;
use serde_json::{Value, json};
use sudoless::{
    aws,
    kubernetes::{CLOCK_SKEW, Fence, Fenced, LONGEST_WRITE, Lease},
};

const NAMESPACE: &str = "default";
/// Until the lease has been renewed.
const DEADLINE: Duration = Duration::from_mins(1);

const ME: &str = "me-0000002a";

fn lease(name: &str) -> Lease {
    Lease {
        name: name.to_owned(),
        namespace: NAMESPACE.to_owned(),
        identity: ME.to_owned(),
    }
}

async fn client(cluster: &LocalCluster) -> Client {
    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig_path()).unwrap();
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.unwrap()).unwrap()
}

/// Writes a lease with the given spec.
async fn write(client: &Client, name: &str, spec: Value) {
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "name": name },
        "spec": spec,
    });
    let parameters = PatchParams::apply("somebody").force();
    leases(client)
        .patch(name, &parameters, &Patch::Apply(lease))
        .await
        .unwrap();
}

fn leases(client: &Client) -> Api<coordination::Lease> {
    Api::namespaced(client.clone(), NAMESPACE)
}

/// Ours, renewed so many seconds ago for a minute, with more fields or others.
fn held(ago: i64, more: Value) -> Value {
    let renewed = Timestamp::now() - jiff::SignedDuration::from_secs(ago);
    let mut spec = json!({
        "holderIdentity": ME,
        "leaseDurationSeconds": 60,
        "renewTime": format!("{renewed:.6}"),
    });
    let Value::Object(more) = more else {
        panic!("fields, not {more}")
    };
    spec.as_object_mut().unwrap().extend(more);
    spec
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_as_it_is_decides() {
    let cluster = LocalCluster::start(local_cluster::Options::default()).unwrap();
    let client = client(&cluster).await;
    of_what_is_written(&client).await;
    of_what_is_won(&client).await;

    let fence = Fence::of(lease("held"), client.clone());
    write(&client, "held", held(0, json!({}))).await;
    assert!(fence.allows(Duration::from_secs(5)).await.is_ok());
    drop(cluster);
    let fenced = fence.allows(Duration::from_secs(5)).await.unwrap_err();
    let unread = matches!(fenced, Fenced::Unreadable(_) | Fenced::NoAnswer);
    assert!(unread, "{fenced}");
}

async fn of_what_is_written(client: &Client) {
    let fence = Fence::of(lease("written"), client.clone());
    let needed = Duration::from_secs(5);
    let say = async || fence.allows(needed).await.err().map(|it| it.to_string());
    let nobodys = "this operator no longer holds the lease (holder: none)";
    let others = "this operator no longer holds the lease (holder: you-0000002a)";
    let late = "the lease of this operator may expire before the write would end";

    // Not there yet.
    assert_eq!(say().await.as_deref(), Some(nobodys));
    for (spec, expected) in [
        (held(0, json!({})), None),
        (held(3_600, json!({})), Some(late)),
        // Six seconds are left, and it takes seven.
        (held(54, json!({})), Some(late)),
        (
            held(0, json!({ "holderIdentity": "you-0000002a" })),
            Some(others),
        ),
        (held(0, json!({ "holderIdentity": null })), Some(nobodys)),
        (held(0, json!({ "renewTime": null })), Some(late)),
        (held(0, json!({ "leaseDurationSeconds": null })), Some(late)),
        (json!({}), Some(nobodys)),
        (held(0, json!({})), None),
    ] {
        write(client, "written", spec.clone()).await;
        assert_eq!(say().await.as_deref(), expected, "{spec}");
    }
    assert!(fence.allows(Duration::from_mins(1)).await.is_err());

    let delete = DeleteParams::default();
    leases(client).delete("written", &delete).await.unwrap();
    assert_eq!(say().await.as_deref(), Some(nobodys));
}

/// The election writes the lease, and nobody else.
async fn of_what_is_won(client: &Client) {
    let mine = lease("won");
    let other = Lease {
        identity: "you-0000002a".to_owned(),
        ..mine.clone()
    };
    let fence = Fence::of(mine.clone(), client.clone());
    let others = Fence::of(other, client.clone());
    let leadership = mine.acquire(client, |_| {}).await;
    let needed = aws::Options::default().write_timeout;
    let began = Instant::now();
    // At once, unless a machine that does five other things renews it late.
    while let Err(fenced) = fence.allows(needed).await {
        assert!(began.elapsed() < DEADLINE, "{fenced}");
    }
    let fenced = others.allows(needed).await.unwrap_err();
    assert!(
        matches!(&fenced, Fenced::NotHeld { holder: Some(holder) } if holder == ME),
        "{fenced}"
    );

    leadership.release().await;
    let fenced = fence.allows(needed).await.unwrap_err();
    assert!(
        matches!(fenced, Fenced::NotHeld { holder: None }),
        "{fenced}"
    );
}

#[test]
fn a_write_fits_into_what_a_renewal_leaves() {
    let options = aws::Options::default();
    assert!(options.write_timeout <= LONGEST_WRITE);
    // As much again as clocks may be apart: the API server's answer comes before the write.
    assert!(options.write_timeout + CLOCK_SKEW <= LONGEST_WRITE);
}
