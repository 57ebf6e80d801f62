//! Events on resources, for those who read `kubectl describe`. Best effort: an event that cannot be written is logged.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use super::FIELD_MANAGER;

/// `events.k8s.io/v1` takes notes of up to 1 kB.
const LONGEST_NOTE: usize = 1000;

/// Writes events.
#[derive(Clone)]
pub struct Announcer(Client);

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// How bad it is.
    pub severity: Severity,
    /// One word.
    pub reason: &'static str,
    /// What the operator was doing.
    pub action: &'static str,
    /// A sentence.
    pub note: String,
}

/// How bad it is what an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It is as it should be.
    Normal,
    /// Somebody should look.
    Warning,
}

impl Announcer {
    /// Writes in the operator's name.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// Writes an event on a resource; a note of more than 1 kB is cut.
    pub async fn announce(&self, about: &ObjectReference, announcement: Announcement) {
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
        // A recorder takes all events of one reason for the same one and keeps the first one's note (kube-runtime 5.0, `EventKey`).
        // What is announced is news each time: each gets a recorder of its own.
        let recorder = Recorder::new(self.0.clone(), Reporter::from(FIELD_MANAGER));
        if let Err(error) = recorder.publish(&event, about).await {
            tracing::warn!(about = about.name, reason = event.reason, %error, "an event could not be written");
        }
    }
}
