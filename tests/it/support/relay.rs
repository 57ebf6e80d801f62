//! Stands between the operator and one of its servers: sees each request before it is passed on and
//! after it was answered, and may keep either to itself, delay it, or answer it as an overloaded
//! server does.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use kube::Client;
use serde_json::json;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// Seconds after which a refused request may be sent again, by the relay's word: longer than
/// anything waits for one.
const RETRY_AFTER: &str = "60";

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Passing {
    /// Which of its kind it is, counted over all relays of a test from one.
    pub number: usize,
    /// Whether it was answered; otherwise it was not passed on yet.
    pub after: bool,
    /// What it is, such as `PUT notebookremediations/status` or `StopNotebookInstance`.
    pub what: String,
    /// Its body.
    pub body: Bytes,
}

/// Whether a request, or its answer, is passed on.
pub type Judge = Arc<dyn Fn(Passing) -> BoxFuture<'static, bool> + Send + Sync>;

/// What a relay does to a request beyond passing it on.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// Passes it on so much later.
    Late(Duration),
    /// Passes it on at once, and its answer so much later.
    AnswerLate(Duration),
    /// Answers with this status, asks to try again in a minute, and passes nothing on.
    Answer(StatusCode),
}

/// Which trouble a request has, by its method and path.
type Judgement = Box<dyn Fn(&Method, &str) -> Option<Trouble> + Send + Sync>;

/// How many writes of each kind were asked for.
pub type Counts = Arc<Mutex<BTreeMap<String, usize>>>;

/// A relay that serves until it is dropped.
pub struct Relay {
    /// Where it is, such as `http://127.0.0.1:41234`.
    pub url: String,
    open: watch::Sender<bool>,
    deaf: Arc<AtomicBool>,
    troubles: Arc<Troubles>,
    serving: JoinHandle<()>,
}

/// Which requests have trouble, and how many of each method were refused.
#[derive(Default)]
struct Troubles {
    judgement: Mutex<Option<Judgement>>,
    refused: Mutex<HashMap<Method, usize>>,
}

struct Shared {
    upstream: Client,
    counts: Counts,
    judge: Judge,
    open: watch::Receiver<bool>,
    deaf: Arc<AtomicBool>,
    troubles: Arc<Troubles>,
}

/// A client of what `upstream` serves whose requests pass the judge in the task that sends them: a
/// judge that panics panics there.
pub fn judged(upstream: Client, judge: Judge) -> Client {
    let (_, open) = watch::channel(true);
    let shared = Shared {
        upstream,
        counts: Counts::default(),
        judge,
        open,
        deaf: Arc::default(),
        troubles: Arc::default(),
    };
    Client::new(router(shared), "default")
}

fn router(shared: Shared) -> Router {
    Router::new().fallback(relay).with_state(Arc::new(shared))
}

impl Relay {
    /// Starts to serve what `upstream` serves.
    pub async fn start(upstream: Client, counts: Counts, judge: Judge) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (open, gate) = watch::channel(true);
        let deaf = Arc::<AtomicBool>::default();
        let troubles = Arc::<Troubles>::default();
        let router = router(Shared {
            upstream,
            counts,
            judge,
            open: gate,
            deaf: Arc::clone(&deaf),
            troubles: Arc::clone(&troubles),
        });
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            open,
            deaf,
            troubles,
            serving,
        }
    }

    /// Starts to serve what `upstream` serves, for an operator that is to meet trouble.
    pub async fn before(upstream: Client, counts: Counts) -> Self {
        let passes: Judge = Arc::new(|_| Box::pin(async { true }));
        Self::start(upstream, counts, passes).await
    }

    /// Writes a kubeconfig by which it is reached into a folder; returns its path.
    pub fn kubeconfig(&self, folder: &Path) -> PathBuf {
        let path = folder.join("kubeconfig");
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "relay",
            "clusters": [{"name": "relay", "cluster": {"server": self.url}}],
            "users": [{"name": "relay", "user": {}}],
            "contexts": [{"name": "relay", "context": {"cluster": "relay", "user": "relay"}}],
        });
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        path
    }

    /// Keeps all requests from now on, until [`Relay::resume`]. What is streamed already goes on.
    pub fn pause(&self) {
        self.open.send_replace(false);
    }

    /// Passes on what was kept, and everything that comes.
    pub fn resume(&self) {
        self.open.send_replace(true);
    }

    /// Gives requests trouble from now on, by method and path.
    pub fn trouble(
        &self,
        judgement: impl Fn(&Method, &str) -> Option<Trouble> + Send + Sync + 'static,
    ) {
        *self.troubles.judgement.lock().unwrap() = Some(Box::new(judgement));
    }

    /// Ends all trouble.
    pub fn relieve(&self) {
        *self.troubles.judgement.lock().unwrap() = None;
    }

    /// Refuses every request with this status from now on; `None`: passes them on.
    pub fn refuse(&self, status: Option<StatusCode>) {
        match status {
            Some(status) => self.trouble(move |_, _| Some(Trouble::Answer(status))),
            None => self.relieve(),
        }
    }

    /// How many requests of a method were refused.
    pub fn refused(&self, method: &Method) -> usize {
        let refused = self.troubles.refused.lock().unwrap();
        refused.get(method).copied().unwrap_or_default()
    }

    /// Watches of records that begin from now on are never answered. Lists are.
    pub fn deafen(&self) {
        self.deaf.store(true, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn relay(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut gate = shared.open.clone();
    let _ = gate.wait_for(|open| *open).await;
    let trouble = shared.troubles.of(&parts.method, parts.uri.path());
    if shared.deaf.load(Ordering::SeqCst) && is_watch_of_records(&parts.uri) {
        return std::future::pending().await;
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let target = parts.headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    let write = write(&parts.method, parts.uri.path(), target);
    let passing = write.map(|what| shared.count(what, body.clone()));
    match trouble {
        Some(Trouble::Answer(status)) => {
            return (status, [(header::RETRY_AFTER, RETRY_AFTER)]).into_response();
        }
        Some(Trouble::Late(by)) => tokio::time::sleep(by).await,
        Some(Trouble::AnswerLate(_)) | None => {}
    }
    if let Some(passing) = &passing
        && !(shared.judge)(passing.clone()).await
    {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION] {
        parts.headers.remove(name);
    }
    let request = Request::from_parts(parts, kube::client::Body::from(body));
    let answer = match shared.upstream.send(request).await {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    if let Some(passing) = passing {
        let answered = Passing {
            after: true,
            ..passing
        };
        if !(shared.judge)(answered).await {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    }
    if let Some(Trouble::AnswerLate(by)) = trouble {
        tokio::time::sleep(by).await;
    }
    let (mut parts, body) = answer.into_parts();
    for name in [header::TRANSFER_ENCODING, header::CONNECTION] {
        parts.headers.remove(name);
    }
    Response::from_parts(parts, Body::new(body))
}

impl Troubles {
    fn of(&self, method: &Method, path: &str) -> Option<Trouble> {
        let trouble = self.judgement.lock().unwrap().as_ref()?(method, path);
        if let Some(Trouble::Answer(_)) = trouble {
            let mut refused = self.refused.lock().unwrap();
            *refused.entry(method.clone()).or_default() += 1;
        }
        trouble
    }
}

impl Shared {
    fn count(&self, what: String, body: Bytes) -> Passing {
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(what.clone()).or_default();
        *count += 1;
        Passing {
            number: *count,
            after: false,
            what,
            body,
        }
    }
}

fn is_watch_of_records(uri: &Uri) -> bool {
    let mut parameters = uri.query().unwrap_or_default().split('&');
    uri.path().ends_with("/notebookremediations")
        && parameters.any(|parameter| parameter == "watch=true")
}

/// What a write is; `None`: it changes nothing that counts. Events and leases do not.
fn write(method: &Method, path: &str, target: Option<&str>) -> Option<String> {
    if let Some(target) = target {
        let operation = target.rsplit('.').next().unwrap_or_default();
        let writes = ["Stop", "Start", "Update"]
            .iter()
            .any(|verb| operation.starts_with(verb));
        return writes.then(|| operation.to_owned());
    }
    let resource = path.strip_prefix("/apis/sudoless.dev/v1alpha1/")?;
    if *method == Method::GET {
        return None;
    }
    let mut names = resource.split('/');
    let kind = names.next().unwrap_or_default();
    let subresource = names.nth(1).map(|name| format!("/{name}"));
    Some(format!(
        "{method} {kind}{}",
        subresource.unwrap_or_default()
    ))
}
