//! The three writes to AWS through the real SDK, against the simulator.

mod bodies;
mod credentials;
mod once;
mod refusals;
mod time;

use std::{sync::Arc, time::Duration};

use sagemaker_simulator::{
    Account, Effect, Fault, Fleet, Loss, Notebook, Operation as Request,
    RootAccess as SimulatedRootAccess, Simulator, Status,
};
use strum::VariantArray;
use sudoless::{
    aws::{Aws, Operation, Options, Outcome, TargetWriter},
    domain::{Call, WriteOutcome, WriteResponse},
};

use crate::support::aws::{
    ACCOUNT, OTHER, REGION, ROLE, access, aws, config, fleet, key, observed, simulate,
};

/// A notebook in a status that the call is accepted from.
fn ready(call: Call, name: &str) -> Notebook {
    notebook(name).status(match call {
        Call::Stop => "InService",
        Call::Update | Call::Start => "Stopped",
    })
}

fn notebook(name: &str) -> Notebook {
    Notebook::new(ACCOUNT, REGION, name)
}

/// The simulator's name of a call's operation.
fn request(call: Call) -> Request {
    match call {
        Call::Stop => Request::StopNotebookInstance,
        Call::Update => Request::UpdateNotebookInstance,
        Call::Start => Request::StartNotebookInstance,
    }
}

/// So much time for a write that it is never the machine's slowness that ends it.
fn patient() -> Options {
    Options {
        write_timeout: Duration::from_mins(1),
        ..Options::default()
    }
}

/// The writer of the account in the region, by its role.
fn writer(aws: &Aws) -> TargetWriter {
    aws.writer(&key(ACCOUNT, REGION, access(Some(ROLE), None)))
}

fn truth(simulator: &Simulator, name: &str) -> Notebook {
    simulator.notebook(ACCOUNT, REGION, name).unwrap()
}

/// How every write so far ended, in order.
fn outcomes(simulator: &Simulator) -> Vec<String> {
    let writes = simulator.writes();
    writes.into_iter().map(|write| write.outcome).collect()
}

fn assert_unclear(answer: &WriteResponse, start: &str) {
    assert_eq!(answer.kind, WriteOutcome::Unclear, "{}", answer.words);
    assert!(answer.words.starts_with(start), "{}", answer.words);
}
