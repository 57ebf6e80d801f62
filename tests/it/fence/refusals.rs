//! An API server that is busy: requests fail at once, and the lease outlives its refusals.

use std::{sync::Arc, time::Duration};

use axum::http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use kube::{Client, Config};
use local_cluster::LocalCluster;
use sudoless::controller::Clients;
use tokio::time::Instant;

use super::{DEADLINE, client, lease, leases};
use crate::support::relay::{Counts, Relay};

/// Far less than kube's own retries take, and than the relay asks for.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Of the lease.
const DURATION: SignedDuration = SignedDuration::from_secs(15);

/// How long the API server refuses everything: twice the lease's duration.
const OUTAGE: Duration = Duration::from_secs(30);

/// How the lease is renewed. It is read meanwhile, too.
const RENEWAL: Method = Method::PATCH;

/// Between two looks at a lease.
const LOOK: Duration = Duration::from_millis(50);

/// A relay to the API server, and the operator's clients of it.
async fn relayed(upstream: &Client) -> (Relay, Clients) {
    let passes = Arc::new(|_| -> futures::future::BoxFuture<'static, bool> {
        Box::pin(std::future::ready(true))
    });
    let relay = Relay::start(upstream.clone(), Counts::default(), passes).await;
    let clients = Clients::new(Config::new(relay.url.parse().unwrap())).unwrap();
    (relay, clients)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_api_server() {
    let cluster = LocalCluster::start(local_cluster::Options::default()).unwrap();
    let client = client(&cluster).await;
    requests_are_not_repeated(&client).await;
    the_lease_is_renewed_after_a_refusal(&client).await;
}

async fn requests_are_not_repeated(client: &Client) {
    let (relay, clients) = relayed(client).await;
    for status in [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ] {
        relay.refuse(Some(status));
        let (before, began) = (relay.refused(&Method::GET), Instant::now());
        let api = leases(&clients.requests);
        let answer = tokio::time::timeout(AT_ONCE, api.get("any")).await;
        let error = answer.expect("it is repeated").unwrap_err();
        assert!(
            matches!(&error, kube::Error::Api(answer) if answer.code == status.as_u16()),
            "{error}"
        );
        assert_eq!(
            relay.refused(&Method::GET) - before,
            1,
            "{:?}",
            began.elapsed()
        );
    }
    relay.refuse(None);
    assert!(
        leases(&clients.requests)
            .get_opt("any")
            .await
            .unwrap()
            .is_none()
    );
}

/// After an outage as after none: a pause that grows with each refusal, and not back with a
/// renewal, would then be too long.
async fn the_lease_is_renewed_after_a_refusal(client: &Client) {
    let (relay, clients) = relayed(client).await;
    let mut leadership = lease("busy").acquire(&clients.requests, |_| {}).await;
    let renewals = async {
        for outage in [Duration::ZERO, OUTAGE, Duration::ZERO] {
            let before = renewed_at(client).await;
            let (refused, began) = (relay.refused(&RENEWAL), Instant::now());
            relay.refuse(Some(StatusCode::SERVICE_UNAVAILABLE));
            until("a refusal, and the end of the outage", async || {
                relay.refused(&RENEWAL) > refused && began.elapsed() >= outage
            })
            .await;
            relay.refuse(None);
            until("a renewal", async || renewed_at(client).await > before).await;
            let gap = renewed_at(client).await.duration_since(before);
            let is_short = outage.is_zero();
            assert!(
                !is_short || gap < DURATION,
                "it ran out: renewed after {gap}"
            );
        }
    };
    tokio::select! {
        () = renewals => {}
        () = leadership.lost() => panic!("the lease is lost"),
    }
    leadership.release().await;
    let spec = leases(client).get("busy").await.unwrap().spec.unwrap();
    assert_eq!(spec.holder_identity, None);
}

async fn renewed_at(client: &Client) -> Timestamp {
    let lease = leases(client).get("busy").await.unwrap();
    lease.spec.unwrap().renew_time.unwrap().0
}

async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !happened().await {
        assert!(
            began.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {what}"
        );
        tokio::time::sleep(LOOK).await;
    }
}
