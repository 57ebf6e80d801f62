//! Every query of the dashboard is sent to a real Prometheus that scraped the real operator while
//! it audited and enforced.

use std::{path::Path, time::Instant};

use local_cluster::Options;
use serde_json::Value;

use super::{
    dashboard::{Choice, Dashboard},
    eventful::{
        AUDITED, ENFORCED, OTHER_REGION, REGION, answer, fleet, happens, until_everything_shows,
    },
};
use crate::support::{
    enforced::FAST,
    prometheus::{Prometheus, Series},
    served,
    stage::Stage,
};

/// What a variable offers, as Grafana asks for it.
async fn offered(prometheus: &Prometheus, variable: &Value) -> Vec<String> {
    let query = variable["query"]["query"].as_str().unwrap();
    assert_eq!(variable["definition"], query);
    let inner = query.strip_prefix("label_values(").unwrap();
    let (selector, label) = inner.strip_suffix(')').unwrap().rsplit_once(", ").unwrap();
    let selector = Choice::all(60).fill(selector);
    let mut values = prometheus.label_values(&selector, label).await.unwrap();
    values.sort();
    values
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_shows_something() {
    let since = Instant::now();
    // Not shared, because the panels show the records of all policies.
    let cluster = served::start(Options::default());
    let stage = Stage::on(&cluster, "grafana", fleet(), &FAST).await;
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prometheus/rules.yaml");
    let prometheus = Prometheus::start(&[("sudoless", &stage.address())], &[&rules]).await;
    // A counter is seen before it counts.
    let there = |found: &[Series]| !found.is_empty();
    prometheus.until("sudoless_build_info", there).await;
    happens(&stage).await;

    until_everything_shows(&prometheus, since, Choice::all).await;
    let policies = ["audit", "enforce"].map(|name| stage.policy(name));
    let named = |range| {
        let accounts = [AUDITED, ENFORCED].map(str::to_owned);
        let regions = [REGION, OTHER_REGION].map(str::to_owned);
        Choice {
            names: [
                ("policy", policies.to_vec()),
                ("account", accounts.to_vec()),
                ("region", regions.to_vec()),
            ],
            ..Choice::all(range)
        }
    };
    until_everything_shows(&prometheus, since, named).await;

    let dashboard = Dashboard::read();
    let mut expected = named(60).names.into_iter();
    for variable in &dashboard.variables()[1..] {
        let (name, mut values) = expected.next().unwrap();
        assert_eq!(variable["name"], name);
        values.sort();
        assert_eq!(offered(&prometheus, variable).await, values, "{name}");
    }

    choosing_narrows(&prometheus, &policies[0]).await;
    assert_eq!(prometheus.failed_rules().await, Vec::<String>::new());
    let firing = "ALERTS{alertname=\"SudolessStartRefused\",alertstate=\"firing\"}";
    prometheus.until(firing, there).await;
}

/// The audited account has one violation, and no records.
async fn choosing_narrows(prometheus: &Prometheus, policy: &str) {
    let queries = Dashboard::read().queries();
    let audited = Choice {
        names: [
            ("policy", vec![policy.to_owned()]),
            ("account", vec![AUDITED.to_owned()]),
            ("region", vec![REGION.to_owned()]),
        ],
        ..Choice::all(60)
    };
    let last = async |place: &str| {
        let query = queries.iter().find(|query| query.place == place).unwrap();
        let found = answer(prometheus, query, &audited).await;
        found
            .first()
            .and_then(|series| series.values.last().copied())
    };
    assert_eq!(last("Users with root A").await, Some(1.0));
    assert_eq!(last("Exempt A").await, Some(1.0));
    assert_eq!(last("Unknown notebooks A").await, Some(0.0));
    assert_eq!(last("Needs a person A").await, None);
}
