//! The dashboard in `config/grafana`: it is laid out well, speaks of metrics that exist, and shows something in every panel once an
//! operator has audited and enforced.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "support/enforced.rs"]
#[allow(dead_code, reason = "what other tests do with their stages")]
mod enforced;
#[path = "observability/fixture.rs"]
#[allow(dead_code, reason = "what other tests look at")]
mod fixture;
#[path = "observability/lint.rs"]
#[allow(dead_code, reason = "the lint itself has a test of its own")]
mod lint;
#[path = "support/prometheus.rs"]
#[allow(dead_code, reason = "what other tests ask")]
mod prometheus;
#[path = "support/promql.rs"]
mod promql;
#[path = "support/records.rs"]
#[allow(dead_code, reason = "what other tests do with their stages")]
mod records;
#[path = "support/relay.rs"]
#[allow(dead_code, reason = "records speak of it")]
mod relay;
#[path = "support/served.rs"]
mod served;
#[path = "support/server.rs"]
#[allow(dead_code, reason = "other programs listen at two addresses")]
mod server;
#[path = "support/stage.rs"]
#[allow(dead_code, reason = "what other tests do with their stages")]
mod stage;

#[path = "grafana/dashboard.rs"]
mod dashboard;
#[path = "grafana/eventful.rs"]
mod eventful;
#[path = "grafana/layout.rs"]
mod layout;
#[path = "grafana/live.rs"]
mod live;
