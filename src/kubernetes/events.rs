//! Events on resources, shown by `kubectl describe`. Best effort: a failed write is logged.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use super::FIELD_MANAGER;

/// Upper limit on a note, in bytes. `events.k8s.io/v1` accepts up to 1 kB.
const LONGEST_NOTE: usize = 1000;

/// Writer of events.
#[derive(Clone)]
pub struct EventRecorder(Client);

/// Content of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Severity of the event.
    pub severity: Severity,
    /// Reason, one word.
    pub reason: &'static str,
    /// Action of the operator at the time.
    pub action: &'static str,
    /// Note, one or more sentences.
    pub note: String,
}

/// Severity of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Expected change.
    Normal,
    /// Condition that a person should look at.
    Warning,
}

impl EventRecorder {
    /// Creates a writer that reports as the operator.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// Writes an event on a resource. A note of more than 1 kB is cut.
    pub async fn announce(&self, about: &ObjectReference, announcement: NewEvent) {
        let mut note = announcement.note;
        note.truncate(note.floor_char_boundary(LONGEST_NOTE));
        let event = Event {
            type_: match announcement.severity {
                Severity::Normal => EventType::Normal,
                Severity::Warning => EventType::Warning,
            },
            reason: announcement.reason.to_owned(),
            note: Some(note),
            action: announcement.action.to_owned(),
            secondary: None,
        };
        // A recorder treats all events of one reason as the same event and keeps the first note
        // (kube-runtime 5.0, `EventKey`). Every announcement is new, so each gets its own recorder.
        let recorder = Recorder::new(self.0.clone(), Reporter::from(FIELD_MANAGER));
        if let Err(error) = recorder.publish(&event, about).await {
            tracing::warn!(about = about.name, reason = event.reason, %error, "an event could not be written");
        }
    }
}
