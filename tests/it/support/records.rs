//! The records of a stage.

use std::time::{Duration, Instant};

use k8s_openapi::api::events::v1::Event;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams},
};
use serde_json::Value;
use sudoless::api::{
    NextStep, NotebookRemediation, NotebookRemediationStatus as RecordStatus, RecordState as State,
};

use super::relay::Passing;
use super::stage::{DEADLINE, Stage, eventually};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(25);

/// Lines of the operator's log that tell of one notebook.
const TAIL: usize = 30;

impl Stage {
    /// The records' API.
    pub fn record_api(&self) -> Api<NotebookRemediation> {
        Api::all(self.client.clone())
    }

    /// All records of the stage's account.
    pub async fn records(&self) -> Vec<NotebookRemediation> {
        let selector = format!("spec.notebook.account={}", self.account());
        let parameters = ListParams::default().fields(&selector);
        self.record_api().list(&parameters).await.unwrap().items
    }

    /// The record of a notebook.
    pub async fn record(&self, notebook: &str) -> Option<NotebookRemediation> {
        let mut records = self.records().await.into_iter();
        records.find(|record| record.spec.notebook.name == notebook)
    }

    /// Waits until a notebook has a record that says what is wanted.
    ///
    /// # Panics
    /// At the deadline, with the record as it then is and what the operator logged about it.
    pub async fn until_record(
        &self,
        notebook: &str,
        wanted: impl Fn(&NotebookRemediation, &RecordStatus) -> bool,
    ) -> NotebookRemediation {
        self.until_record_within(notebook, DEADLINE, wanted).await
    }

    /// The same with another deadline.
    pub async fn until_record_within(
        &self,
        notebook: &str,
        deadline: Duration,
        wanted: impl Fn(&NotebookRemediation, &RecordStatus) -> bool,
    ) -> NotebookRemediation {
        let started = Instant::now();
        loop {
            let record = self.record(notebook).await;
            if let Some(record) = &record
                && let Some(status) = &record.status
                && wanted(record, status)
            {
                return record.clone();
            }
            if started.elapsed() > deadline {
                let log = self.log();
                let told: Vec<&String> =
                    log.iter().filter(|line| line.contains(notebook)).collect();
                let told = &told[told.len().saturating_sub(TAIL)..];
                panic!(
                    "not within {deadline:?}: {record:#?}\n{told:#?}\n{:#?}",
                    self.simulator.writes()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until a notebook's record is in a state.
    pub async fn until_state(&self, notebook: &str, state: State) -> NotebookRemediation {
        self.until_record(notebook, |_, status| status.state == Some(state))
            .await
    }

    /// Waits until a notebook's record is finished, and has let go of its finalizer.
    pub async fn until_finished(&self, notebook: &str) -> NotebookRemediation {
        self.until_record(notebook, |record, status| {
            is_finished(status) && record.finalizers().is_empty()
        })
        .await
    }

    /// Waits until a notebook has no record.
    pub async fn until_no_record(&self, notebook: &str) {
        let what = format!("the record of {notebook} to go");
        eventually(&what, async || {
            self.record(notebook).await.is_none().then_some(())
        })
        .await;
    }

    /// Deletes the record of a notebook, as a person would.
    pub async fn delete_record(&self, notebook: &str) {
        let name = self.record(notebook).await.unwrap().name_any();
        let parameters = DeleteParams::default();
        let _ = self.record_api().delete(&name, &parameters).await.unwrap();
    }

    /// Waits until a notebook's finding says what is done next, and why; returns the sentence.
    pub async fn until_next(&self, notebook: &str, next: NextStep, reason: &str) -> String {
        let status = self
            .until("p", |status| {
                status.findings.iter().any(|finding| {
                    finding.name == notebook
                        && finding.next == next
                        && finding.reason.as_deref() == Some(reason)
                })
            })
            .await;
        let mut findings = status.findings.into_iter();
        let finding = findings.find(|finding| finding.name == notebook);
        finding.unwrap().message.unwrap_or_default()
    }

    /// Reason and note of the events about something, in the order in which they were told.
    pub async fn events_of(&self, name: &str) -> Vec<(String, String)> {
        // Events about resources without a namespace are in `default`.
        let api: Api<Event> = Api::namespaced(self.client.clone(), "default");
        let selector = format!("regarding.name={name}");
        let parameters = ListParams::default().fields(&selector);
        let mut events = api.list(&parameters).await.unwrap().items;
        events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
        let told = events.into_iter();
        told.map(|event| {
            (
                event.reason.unwrap_or_default(),
                event.note.unwrap_or_default(),
            )
        })
        .collect()
    }
}

/// Whether nothing happens any more.
pub fn is_finished(status: &RecordStatus) -> bool {
    matches!(
        status.state,
        Some(State::Succeeded | State::Failed | State::Cancelled)
    )
}

/// State and reason of a record.
pub fn outcome(record: &NotebookRemediation) -> (State, String) {
    let status = record.status.clone().unwrap();
    (status.state.unwrap(), status.reason.unwrap())
}

/// Whether a record allows what is about to be sent to AWS (promises P2 to P4): what is stopped has
/// a record that says so and that it ran, what is started too.
pub async fn intended(client: &Client, account: &str, passing: &Passing) -> Result<(), String> {
    let notebook = match passing.what.as_str() {
        "StopNotebookInstance" | "StartNotebookInstance" => {
            let body: Value = serde_json::from_slice(&passing.body).unwrap();
            body["NotebookInstanceName"].as_str().unwrap().to_owned()
        }
        _ => return Ok(()),
    };
    let api: Api<NotebookRemediation> = Api::all(client.clone());
    let selector = format!("spec.notebook.account={account}");
    let records = api.list(&ListParams::default().fields(&selector)).await;
    let mut records = records.unwrap().into_iter();
    let record = records.find(|record| record.spec.notebook.name == notebook);
    let is_intended = record.as_ref().is_some_and(|record| {
        let status = record.status.as_ref();
        record.spec.was_running
            && status
                .is_some_and(|status| status.stop_requested_at.is_some() && !is_finished(status))
    });
    if is_intended {
        return Ok(());
    }
    Err(format!(
        "{} of {notebook}, whose record is {record:#?}",
        passing.what
    ))
}
