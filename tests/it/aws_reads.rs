//! AWS reads through the real SDK, against the simulator.

mod identity;
mod pace;
mod reads;
mod refusals;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use sagemaker_simulator::{
    Account, Effect, Fault, Fleet, Notebook, Operation as Call, RootAccess as SimulatedRootAccess,
    Simulator,
};
use sudoless::{
    aws::{Aws, Operation, Options, Outcome, TargetReader},
    domain::{
        NotebookDetails, NotebookStatus, NotebookSummary, ReadFailure, RootAccess, TargetState,
    },
};

use crate::support::aws::{
    ACCOUNT, OTHER, REGION, ROLE, access, aws, config, fleet, key, observed, simulate,
};

fn notebooks(account: &str, region: &str, count: usize) -> Vec<Notebook> {
    (0..count)
        .map(|n| Notebook::new(account, region, &format!("notebook-{n:04}")))
        .collect()
}

/// Two attempts, so that what fails for ever does so soon.
fn hasty() -> Options {
    Options {
        attempts: 2,
        ..Options::default()
    }
}

/// The reader of an account in a region, by its role.
fn reader(aws: &Aws, account: &str, region: &str) -> TargetReader {
    aws.reader(&key(account, region, access(Some(ROLE), None)))
}

async fn describe_all(
    reader: &TargetReader,
    notebooks: &[NotebookSummary],
    at_once: usize,
) -> Result<Vec<Option<NotebookDetails>>, ReadFailure> {
    let names: Vec<_> = notebooks
        .iter()
        .map(|notebook| notebook.name.clone())
        .collect();
    stream::iter(names)
        .map(|name| async move { reader.describe(&name).await })
        .buffer_unordered(at_once)
        .try_collect()
        .await
}
