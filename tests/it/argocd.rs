//! How Argo CD and Flux see policies and records, what Argo CD's actions do, and that nothing drifts from what was applied.
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
#[path = "support/records.rs"]
#[allow(dead_code, reason = "what other tests do with their stages")]
mod records;
#[path = "support/relay.rs"]
#[allow(dead_code, reason = "nothing is relayed here")]
mod relay;
#[path = "support/rendered.rs"]
#[allow(dead_code, reason = "the kustomization is other tests'")]
mod rendered;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
#[allow(dead_code, reason = "what other tests do with their stages")]
mod stage;

#[path = "argocd/customizations.rs"]
mod customizations;
#[path = "argocd/drift.rs"]
mod drift;
#[path = "argocd/fixtures.rs"]
mod fixtures;
#[path = "argocd/flux.rs"]
mod flux;
#[path = "argocd/live.rs"]
mod live;
#[path = "argocd/lua.rs"]
mod lua;
#[path = "argocd/settings.rs"]
mod settings;
