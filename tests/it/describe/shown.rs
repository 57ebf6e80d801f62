//! Resources as kubectl shows them, and their events.

use std::fmt::Write as _;

use k8s_openapi::api::events::v1::Event;
use kube::{Api, api::ListParams};
use serde_json::Value;

use super::prose;
use crate::support::{
    enforced::cluster,
    stage::{Stage, eventually},
};

/// What kubectl says about one resource.
pub struct Shown {
    /// `kubectl describe`.
    pub description: String,
    /// The row of `kubectl get -o wide`, its columns apart by two blanks or more.
    pub row: Vec<String>,
    /// The resource.
    pub object: Value,
    /// Type, reason and note of its events, the earliest first.
    pub events: Vec<(String, String, String)>,
}

/// Runs kubectl, which blocks, away from the test's runtime.
pub async fn kubectl(arguments: &[&str]) -> String {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    let run = tokio::task::spawn_blocking(move || cluster().run_kubectl(arguments));
    run.await.unwrap().unwrap()
}

/// Looks at a resource once it has events of these reasons, each as often as it is named, and holds
/// all its texts to what makes them readable.
pub async fn look(stage: &Stage, resource: &str, reasons: &[&str]) -> Shown {
    let (_, name) = resource.split_once('/').unwrap();
    let events = eventually(&format!("{reasons:?} about {resource}"), async || {
        let found = events_of(stage, name).await;
        let enough = reasons.iter().all(|reason| {
            let wanted = reasons.iter().filter(|each| each == &reason).count();
            found.iter().filter(|(_, found, _)| found == reason).count() >= wanted
        });
        enough.then_some(found)
    })
    .await;
    let description = kubectl(&["describe", resource]).await;
    let table = kubectl(&["get", resource, "-o", "wide", "--no-headers"]).await;
    let object = kubectl(&["get", resource, "-o", "json"]).await;
    let shown = Shown {
        description,
        row: columns(&table),
        object: serde_json::from_str(&object).unwrap(),
        events,
    };
    println!("{}", shown.page(resource));
    prose::holds(resource, &shown);
    shown
}

fn columns(table: &str) -> Vec<String> {
    let cells = table.trim().split("  ").map(str::trim);
    cells
        .filter(|cell| !cell.is_empty())
        .map(str::to_owned)
        .collect()
}

async fn events_of(stage: &Stage, name: &str) -> Vec<(String, String, String)> {
    // Events about resources without a namespace are in `default`.
    let api: Api<Event> = Api::namespaced(stage.client.clone(), "default");
    let selector = format!("regarding.name={name}");
    let listed = api.list(&ListParams::default().fields(&selector)).await;
    let mut events = listed.unwrap().items;
    events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
    let told = events.into_iter().map(|event| {
        (
            event.type_.unwrap_or_default(),
            event.reason.unwrap_or_default(),
            event.note.unwrap_or_default(),
        )
    });
    told.collect()
}

impl Shown {
    /// Status, reason and message of a condition.
    pub fn condition(&self, kind: &str) -> (&str, &str, &str) {
        let conditions = self.object["status"]["conditions"].as_array().unwrap();
        let found = conditions
            .iter()
            .find(|condition| condition["type"] == kind)
            .unwrap_or_else(|| panic!("no {kind}: {conditions:#?}"));
        let text = |field: &str| found[field].as_str().unwrap();
        (text("status"), text("reason"), text("message"))
    }

    /// The message of a notebook's finding.
    pub fn finding(&self, notebook: &str) -> &str {
        let findings = self.object["status"]["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["name"] == notebook);
        let found = found.unwrap_or_else(|| panic!("no {notebook}: {findings:#?}"));
        found["message"].as_str().unwrap()
    }

    /// As kubectl names it: `nbr/churn-3f9a1c2b7d604e15`.
    pub fn name(&self) -> String {
        let kind = match self.object["kind"].as_str() {
            Some("NotebookRemediation") => "nbr",
            _ => "nrap",
        };
        format!(
            "{kind}/{}",
            self.object["metadata"]["name"].as_str().unwrap()
        )
    }

    /// Whether a condition has this status and says exactly this, and `kubectl describe` shows it.
    ///
    /// # Panics
    /// If not.
    pub fn says(&self, kind: &str, status: &str, message: &str) {
        let found = self.condition(kind);
        assert_eq!((found.0, found.2), (status, message), "{kind}");
        assert!(self.description.contains(message), "{}", self.description);
    }

    /// Whether the events of this reason say exactly this, in the order of their texts.
    ///
    /// # Panics
    /// If not.
    pub fn tells(&self, reason: &str, notes: &[&str]) {
        let events = self.events.iter();
        let mut told: Vec<&str> = events
            .filter(|(_, found, _)| found == reason)
            .map(|(_, _, note)| note.as_str())
            .collect();
        told.sort_unstable();
        assert_eq!(told, notes, "{reason}");
    }

    /// Whether the row of `kubectl get -o wide` has these cells, apart from ages (`…`).
    ///
    /// # Panics
    /// If not.
    pub fn row_is(&self, cells: &str) {
        let wanted: Vec<&str> = cells.split(' ').collect();
        let is = |(found, wanted): (&String, &&str)| *wanted == "…" || found == wanted;
        let same = self.row.len() == wanted.len() && self.row.iter().zip(&wanted).all(is);
        assert!(same, "{:?} is not {wanted:?}", self.row);
    }

    /// For the person who runs the test with `--nocapture`.
    fn page(&self, resource: &str) -> String {
        let mut page = format!("\n======== {resource}\n{}\n", self.row.join(" | "));
        let _ = write!(page, "{}", self.description);
        page
    }
}
