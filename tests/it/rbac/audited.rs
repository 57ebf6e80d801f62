//! What the operators asked of the API server, by its own audit log.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
    sync::Mutex,
};

use serde_json::Value;

/// A request, as it was logged.
#[derive(Clone, Debug)]
pub struct Request {
    pub verb: String,
    /// With its subresource; of what is no resource, the path.
    pub resource: String,
    pub group: String,
    pub namespace: Option<String>,
    pub name: Option<String>,
    /// True if the request was refused because the right is missing.
    pub is_refused: bool,
}

/// The audit log, as far as it was read.
pub struct AuditLog {
    path: PathBuf,
    read: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    offset: u64,
    requests: HashMap<String, Vec<Request>>,
}

impl AuditLog {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            read: Mutex::default(),
        }
    }

    /// What a user asked so far, in order.
    pub fn of(&self, user: &str) -> Vec<Request> {
        let mut read = self.read.lock().unwrap();
        let mut file = File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(read.offset)).unwrap();
        let mut news = String::new();
        file.read_to_string(&mut news).unwrap();
        // The last line may not be whole yet.
        let whole = news.rfind('\n').map_or(0, |end| end + 1);
        for line in news[..whole].lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            let user = event["user"]["username"].as_str().unwrap().to_owned();
            read.requests.entry(user).or_default().push(request(&event));
        }
        read.offset += whole as u64;
        read.requests.get(user).cloned().unwrap_or_default()
    }
}

/// <https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/>
fn request(event: &Value) -> Request {
    let object = &event["objectRef"];
    let text = |field: &str| object[field].as_str().map(str::to_owned);
    let resource = match (text("resource"), text("subresource")) {
        (Some(resource), Some(subresource)) => format!("{resource}/{subresource}"),
        (Some(resource), None) => resource,
        (None, _) => event["requestURI"].as_str().unwrap().to_owned(),
    };
    Request {
        verb: event["verb"].as_str().unwrap().to_owned(),
        resource,
        group: text("apiGroup").unwrap_or_default(),
        namespace: text("namespace"),
        name: text("name"),
        is_refused: event["annotations"]["authorization.k8s.io/decision"] == "forbid",
    }
}
