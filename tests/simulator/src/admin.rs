//! Admin interface over HTTP. Its table is in the crate's documentation.

use std::{sync::Arc, time::Instant};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use serde_json::{Value, json};

use crate::{
    Account, ActiveFault, Counters, Fault, FaultId, Notebook, OwnerAct, Refused, RequestRecord,
    Restart, Timings, Write, server::Shared,
};

type World = State<Arc<Shared>>;
type Place = Path<(String, String, String)>;

pub(crate) fn router() -> Router<Arc<Shared>> {
    let notebook = get(notebook).patch(patch_notebook).delete(remove_notebook);
    Router::new()
        .route("/counters", get(counters).delete(reset_counters))
        .route("/writes", get(writes).delete(clear_writes))
        .route("/requests", get(requests))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", delete(remove_fault))
        .route("/notebooks", get(notebooks).put(put_notebook))
        .route("/notebooks/{account}/{region}/{name}", notebook)
        .route(
            "/notebooks/{account}/{region}/{name}/restart",
            post(restart),
        )
        .route("/notebooks/{account}/{region}/{name}/{act}", post(owner))
        .route("/accounts", put(put_account))
        .route("/timings", put(set_timings))
        .route("/sessions", delete(expire_sessions))
        .route("/credentials", get(credentials))
        // Without this fallback, unknown paths would go to the AWS side.
        .fallback(|| async { StatusCode::NOT_FOUND })
}

fn found(found: bool) -> StatusCode {
    if found {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

async fn counters(State(shared): World) -> Json<Counters> {
    Json(shared.world().ledger.counters())
}

async fn reset_counters(State(shared): World) -> StatusCode {
    shared.world().ledger.reset();
    StatusCode::NO_CONTENT
}

async fn writes(State(shared): World) -> Json<Vec<Write>> {
    Json(shared.world().ledger.writes().to_vec())
}

async fn clear_writes(State(shared): World) -> StatusCode {
    shared.world().ledger.clear_writes();
    StatusCode::NO_CONTENT
}

async fn requests(State(shared): World) -> Json<Vec<RequestRecord>> {
    Json(shared.world().ledger.requests())
}

async fn faults(State(shared): World) -> Json<Vec<ActiveFault>> {
    Json(shared.world().faults.list())
}

async fn add_fault(State(shared): World, Json(fault): Json<Fault>) -> Json<Value> {
    Json(json!({"id": shared.world().faults.add(fault)}))
}

async fn clear_faults(State(shared): World) -> StatusCode {
    shared.world().faults.clear();
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(shared): World, Path(id): Path<FaultId>) -> StatusCode {
    found(shared.world().faults.remove(id))
}

async fn notebooks(State(shared): World) -> Json<Vec<Notebook>> {
    Json(shared.world().notebooks())
}

async fn put_notebook(State(shared): World, Json(notebook): Json<Notebook>) -> StatusCode {
    shared.world().put_notebook(notebook);
    StatusCode::NO_CONTENT
}

async fn notebook(State(shared): World, Path((account, region, name)): Place) -> Response {
    let mut world = shared.world();
    match world.instance(&account, &region, &name, Instant::now()) {
        Some(instance) => Json(&instance.record).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Replaces the given fields of a notebook. Null restores a field's default.
async fn patch_notebook(
    State(shared): World,
    Path((account, region, name)): Place,
    Json(patch): Json<serde_json::Map<String, Value>>,
) -> Response {
    let mut wrong = None;
    let known = shared.modify(&account, &region, &name, |notebook| {
        match patched(notebook, patch) {
            Ok(patched) => *notebook = patched,
            Err(error) => wrong = Some(error.to_string()),
        }
    });
    match wrong {
        Some(error) => (StatusCode::UNPROCESSABLE_ENTITY, error).into_response(),
        None => found(known).into_response(),
    }
}

fn patched(
    notebook: &Notebook,
    patch: serde_json::Map<String, Value>,
) -> Result<Notebook, serde_json::Error> {
    let mut value = serde_json::to_value(notebook)?;
    if let Some(fields) = value.as_object_mut() {
        for (key, value) in patch {
            match value {
                Value::Null => fields.remove(&key),
                value => fields.insert(key, value),
            };
        }
    }
    serde_json::from_value(value)
}

async fn remove_notebook(State(shared): World, Path((account, region, name)): Place) -> StatusCode {
    found(shared.world().remove_notebook(&account, &region, &name))
}

async fn owner(
    State(shared): World,
    Path((account, region, name, act)): Path<(String, String, String, String)>,
) -> Response {
    let act = match act.as_str() {
        "stop" => OwnerAct::Stop,
        "start" => OwnerAct::Start,
        "delete" => OwnerAct::Delete,
        "resize" => OwnerAct::Resize,
        "enable-root" => OwnerAct::EnableRoot,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    acted(shared.owner(&account, &region, &name, act))
}

fn acted(result: Result<(), Refused>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(Refused::NotFound) => StatusCode::NOT_FOUND.into_response(),
        Err(refused @ (Refused::Status(_) | Refused::Unsupported(_))) => {
            (StatusCode::CONFLICT, refused.to_string()).into_response()
        }
    }
}

/// Restarts a notebook. Answers when the restart has ended.
async fn restart(
    State(shared): World,
    Path((account, region, name)): Place,
    Json(restart): Json<Restart>,
) -> Response {
    acted(restart.run(&shared, (&account, &region, &name)).await)
}

async fn put_account(State(shared): World, Json(account): Json<Account>) -> StatusCode {
    shared.world().put_account(account);
    StatusCode::NO_CONTENT
}

async fn set_timings(State(shared): World, Json(timings): Json<Timings>) -> StatusCode {
    shared.world().timings = timings;
    StatusCode::NO_CONTENT
}

async fn expire_sessions(State(shared): World) -> StatusCode {
    shared.expire_sessions();
    StatusCode::NO_CONTENT
}

/// Answers as a container's credentials agent. Set `AWS_CONTAINER_CREDENTIALS_FULL_URI` to this
/// address.
async fn credentials(State(shared): World) -> Json<Value> {
    Json(shared.container_credentials())
}
