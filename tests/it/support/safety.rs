//! What must hold whatever happens, as the simulator's own log of writes shows it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use sagemaker_simulator::{OK, Operation, Simulator, Status, Write};
use serde_json::json;

/// Between two samples.
const SAMPLE: Duration = Duration::from_millis(10);

/// No body has a key that is not needed (promise P9), whether it was accepted or not.
pub fn bodies_are_exact(writes: &[Write]) {
    for write in writes {
        let name = &write.notebook;
        let exact = match write.operation {
            Operation::UpdateNotebookInstance => {
                json!({"NotebookInstanceName": name, "RootAccess": "Disabled"})
            }
            Operation::StopNotebookInstance | Operation::StartNotebookInstance => {
                json!({"NotebookInstanceName": name})
            }
            other => panic!("{other:?} is no business of the operator: {write:#?}"),
        };
        assert_eq!(write.body, exact, "{write:#?}");
    }
}

/// Nobody is started whom the operator had not stopped (promise P3).
pub fn only_stopped_ones_are_started(writes: &[Write]) {
    let mut stopped = BTreeSet::new();
    for write in writes {
        match write.operation {
            Operation::StopNotebookInstance => {
                stopped.insert(&write.notebook);
            }
            Operation::StartNotebookInstance => {
                assert!(
                    stopped.contains(&write.notebook),
                    "it was not stopped: {write:#?}"
                );
            }
            _ => {}
        }
    }
}

/// The most notebooks that were down at the same time: from an accepted Stop to the last accepted
/// Start before the next Stop.
pub fn most_down(writes: &[Write]) -> usize {
    let mut down: BTreeSet<&str> = BTreeSet::new();
    let mut most = 0;
    for (index, write) in writes
        .iter()
        .enumerate()
        .filter(|(_, write)| write.outcome == OK)
    {
        match write.operation {
            Operation::StopNotebookInstance => {
                down.insert(&write.notebook);
            }
            Operation::StartNotebookInstance if is_last_start(write, &writes[index + 1..]) => {
                down.remove(write.notebook.as_str());
            }
            _ => {}
        }
        most = most.max(down.len());
    }
    most
}

fn is_last_start(start: &Write, later: &[Write]) -> bool {
    let next = later
        .iter()
        .filter(|write| write.notebook == start.notebook && write.outcome == OK)
        .find(|write| write.operation != Operation::UpdateNotebookInstance);
    next.is_none_or(|write| write.operation == Operation::StopNotebookInstance)
}

/// All of it.
pub fn holds(simulator: &Simulator) {
    let writes = simulator.writes();
    bodies_are_exact(&writes);
    only_stopped_ones_are_started(&writes);
}

/// Counts again and again how many notebooks are down, of those that ran when it began.
pub struct Watch {
    most: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    sampler: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to count, without those that are named: their owners stop them, or nobody can bring
    /// them back.
    pub fn begin(simulator: &Arc<Simulator>, but: &[&str]) -> Self {
        let is_running = |status: &Status| *status == Status::InService;
        let watched: BTreeSet<String> = simulator
            .notebooks()
            .into_iter()
            .filter(|notebook| is_running(&notebook.status) && !but.contains(&&*notebook.name))
            .map(|notebook| notebook.arn())
            .collect();
        let (most, over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (counted, ended) = (Arc::clone(&most), Arc::clone(&over));
        let simulator = Arc::clone(simulator);
        let sampler = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let down = simulator
                    .notebooks()
                    .into_iter()
                    .filter(|notebook| !is_running(&notebook.status))
                    .filter(|notebook| watched.contains(&notebook.arn()))
                    .count();
                counted.fetch_max(down, Ordering::Relaxed);
                std::thread::sleep(SAMPLE);
            }
        });
        Self {
            most,
            over,
            sampler: Some(sampler),
        }
    }

    /// The most that were down at the same time.
    pub fn end(mut self) -> usize {
        self.over.store(true, Ordering::Relaxed);
        if let Some(sampler) = self.sampler.take() {
            sampler.join().unwrap();
        }
        self.most.load(Ordering::Relaxed)
    }
}
