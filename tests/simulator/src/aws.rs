//! AWS side of the endpoint: counts each request, applies its faults, judges it and answers.

mod account;
mod answer;
mod list;
mod request;
mod sagemaker;
mod sts;

use std::{borrow::Cow, future, sync::Arc, time::Instant};

use axum::{
    body::{Body, Bytes},
    http::request::Parts,
    response::Response,
};

use self::{
    answer::{ApiError, Codes},
    request::AwsRequest,
};
use crate::{
    Operation, Service, Write,
    fault::{
        Loss,
        active::{Plan, Subject},
    },
    ledger::{self, RequestRecord, TallyId},
    server::{Connection, Shared},
    sessions::Caller,
    world::World,
};

/// Account that counts requests with unknown keys.
const UNKNOWN_ACCOUNT: &str = "unknown";

/// Accepted request.
struct Call {
    request: AwsRequest,
    /// Account for the counters and for matching faults.
    account: String,
    plan: Plan,
}

/// Context of an operation.
struct Context<'a> {
    caller: &'a Caller,
    request: &'a AwsRequest,
    plan: &'a Plan,
    now: Instant,
}

/// Counts a request as in flight until it is dropped, even if its client disconnects.
struct UnderWay {
    shared: Arc<Shared>,
    tally: TallyId,
    outcome_known: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut world = self.shared.world();
        if !self.outcome_known {
            world
                .ledger
                .outcome(self.tally, Cow::Borrowed(ledger::GONE));
        }
        world.ledger.end(self.tally);
    }
}

/// Serves one request.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    connection: Connection,
    parts: Parts,
    body: Bytes,
) -> Response {
    let request = match AwsRequest::parse(&parts, &body) {
        Ok(request) => request,
        Err(error) => return answer::render(Service::SageMaker, Err(error)),
    };
    let service = request.service;
    let (call, mut under_way) = admit(&shared, request);
    let latency = shared.latency + call.plan.latency;
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    under_way.outcome_known = true;
    if let Some(loss) = call.plan.lost {
        let outcome = match loss {
            Loss::Hang => ledger::HANG,
            Loss::Reset => ledger::RESET,
        };
        note(&mut shared.world(), &call, under_way.tally, outcome);
        return lose(&connection, loss).await;
    }
    if let (Some((by, loss)), true) = (call.plan.arrive_late, call.request.operation.writes()) {
        shared
            .world()
            .ledger
            .outcome(under_way.tally, Cow::Borrowed(ledger::LATE));
        let later = Arc::clone(&shared);
        tokio::spawn(async move {
            tokio::time::sleep(by).await;
            // The client does not wait for this answer. The log of writes has the outcome.
            let _ = judge_and_log(&mut later.world(), &call, false);
        });
        return lose(&connection, loss).await;
    }
    let lost = call
        .plan
        .answer_lost
        .or(call.plan.arrive_late.map(|(_, loss)| loss));
    let result = conclude(&mut shared.world(), &call, under_way.tally, lost.is_none());
    if let Some(loss) = lost {
        return lose(&connection, loss).await;
    }
    if !call.plan.answer_late.is_zero() {
        tokio::time::sleep(call.plan.answer_late).await;
    }
    answer::render(service, result)
}

/// Counts the request, and determines the effect of the faults in force.
fn admit(shared: &Arc<Shared>, request: AwsRequest) -> (Call, UnderWay) {
    let now = Instant::now();
    let mut world = shared.world();
    let key = request.access_key_id.as_deref();
    let keys_of = key.and_then(|key| world.sessions.account_of(key));
    let keys_of = keys_of.unwrap_or(UNKNOWN_ACCOUNT).to_owned();
    let account = match request.operation {
        Operation::AssumeRole | Operation::AssumeRoleWithWebIdentity => request
            .role()
            .map_or(UNKNOWN_ACCOUNT, |(account, _)| account)
            .to_owned(),
        _ => keys_of.clone(),
    };
    let subject = Subject {
        account: &account,
        keys_of: &keys_of,
        region: &request.region,
        operation: request.operation,
        notebook: request.notebook(),
    };
    let plan = world.faults.plan(&subject, now);
    let kind = (request.service, request.operation);
    let tally = world.ledger.begin(&account, &request.region, kind);
    let call = Call {
        request,
        account,
        plan,
    };
    let under_way = UnderWay {
        shared: Arc::clone(shared),
        tally,
        outcome_known: false,
    };
    (call, under_way)
}

/// Sends no answer: hangs for ever, or resets the connection.
async fn lose(connection: &Connection, loss: Loss) -> Response {
    match loss {
        Loss::Hang => future::pending().await,
        Loss::Reset => {
            connection.reset();
            Response::new(Body::empty())
        }
    }
}

/// Judges the request, and counts its outcome.
fn conclude(
    world: &mut World,
    call: &Call,
    tally: TallyId,
    answered: bool,
) -> Result<Vec<u8>, ApiError> {
    if call.plan.twice {
        // The first answer is lost. The log of writes has the outcome.
        let _ = judge_and_log(world, call, false);
    }
    let result = judge_and_log(world, call, answered);
    let outcome = result
        .as_ref()
        .map_or_else(|error| error.code.clone(), |_| ledger::OK.into());
    world.ledger.outcome(tally, outcome.clone());
    log_request(world, call, &outcome);
    result
}

/// Counts and logs a request that is not judged.
fn note(world: &mut World, call: &Call, tally: TallyId, outcome: &'static str) {
    let write = write_of(world, call, Instant::now());
    log_write(world, write, outcome, false);
    world.ledger.outcome(tally, Cow::Borrowed(outcome));
    log_request(world, call, outcome);
}

fn judge_and_log(world: &mut World, call: &Call, answered: bool) -> Result<Vec<u8>, ApiError> {
    let now = Instant::now();
    let write = write_of(world, call, now);
    let result = judge(world, call, now);
    let outcome = result
        .as_ref()
        .map_or_else(|error| error.code.as_ref(), |_| ledger::OK);
    log_write(world, write, outcome, answered);
    result
}

/// Checks credentials, region, rate, errors and permission, in this order, and then runs the
/// operation.
fn judge(world: &mut World, call: &Call, now: Instant) -> Result<Vec<u8>, ApiError> {
    let Call { request, plan, .. } = call;
    let codes = Codes::of(request.service);
    if request.operation == Operation::AssumeRoleWithWebIdentity {
        refuse_by_fault(plan, &codes)?;
        return if plan.denied {
            Err(codes.not_authorized(request.operation))
        } else {
            sts::assume_role_with_web_identity(world, request, now)
        };
    }
    let key = request.access_key_id.as_deref();
    let time = world.timestamp(now);
    let caller = world
        .sessions
        .authenticate(key, request.token.as_deref(), time);
    let caller = caller.map_err(|refusal| codes.credentials(refusal))?;
    refuse_by_fault(plan, &codes)?;
    if request.service == Service::SageMaker
        && (plan.region_disabled || !world.region_enabled(&caller.account, &request.region))
    {
        return Err(codes.region_disabled(&world.assumptions.disabled_region_code));
    }
    let later = request.operation.writes() && !world.assumptions.permission_before_state;
    if plan.denied && !later {
        return Err(codes.denied(&caller, request));
    }
    let context = Context {
        caller: &caller,
        request,
        plan,
        now,
    };
    match request.service {
        Service::SageMaker => sagemaker::perform(world, &context),
        Service::Sts => sts::perform(world, &context),
        Service::Account => account::perform(world, &context),
    }
}

fn refuse_by_fault(plan: &Plan, codes: &Codes) -> Result<(), ApiError> {
    if let Some(refusal) = plan.credentials {
        return Err(codes.credentials(refusal));
    }
    if plan.throttled {
        return Err(codes.throttled());
    }
    match &plan.error {
        Some((code, status, message)) => Err(ApiError {
            code: Cow::Owned(code.clone()),
            status: *status,
            message: message.clone(),
        }),
        None => Ok(()),
    }
}

/// Returns the log entry of a write, before anything is changed. Returns `None` for reads.
fn write_of(world: &mut World, call: &Call, now: Instant) -> Option<Write> {
    let request = &call.request;
    if !request.operation.writes() {
        return None;
    }
    let notebook = request.notebook().unwrap_or_default();
    let instance = world.instance(&call.account, &request.region, notebook, now);
    let record = instance.map(|instance| instance.record.clone());
    Some(Write {
        sequence: 0,
        time: world.timestamp(now),
        account: call.account.clone(),
        region: request.region.clone(),
        notebook: notebook.to_owned(),
        operation: request.operation,
        body: request.json().clone(),
        outcome: String::new(),
        answered: false,
        status_before: record.as_ref().map(|record| record.status.clone()),
        root_access_before: record.map(|record| record.root_access),
    })
}

fn log_write(world: &mut World, write: Option<Write>, outcome: &str, answered: bool) {
    if let Some(mut write) = write {
        outcome.clone_into(&mut write.outcome);
        write.answered = answered;
        world.ledger.log_write(write);
    }
}

fn log_request(world: &mut World, call: &Call, outcome: &str) {
    let time = world.timestamp(Instant::now());
    world.ledger.log_request(|| RequestRecord {
        time,
        account: call.account.clone(),
        region: call.request.region.clone(),
        operation: call.request.operation,
        notebook: call.request.notebook().map(str::to_owned),
        outcome: outcome.to_owned(),
    });
}
