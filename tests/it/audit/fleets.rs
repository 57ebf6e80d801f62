//! Fleets, and policies that name them.

use sagemaker_simulator::{Account, Fleet, Notebook, RootAccess, Status};
use serde_json::{Value, json};

/// Three accounts, each with a role `sudoless`.
pub const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];

/// Three regions, none of them opt-in.
pub const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-2"];

/// Platforms on which AWS starts no stopped notebook.
pub const RETIRED: [&str; 4] = [
    "notebook-al1-v1",
    "notebook-al2-v1",
    "notebook-al2-v2",
    "notebook-al2-v3",
];

/// How many kinds of notebooks [`mixed`] deals out.
const KINDS: usize = 14;

/// The accounts without notebooks.
pub fn accounts(ids: &[&str]) -> Fleet {
    ids.iter().fold(Fleet::new(), |fleet, id| {
        fleet.account(Account::new(id).role("sudoless"))
    })
}

/// Notebooks of every kind, dealt out to all accounts and regions in turn.
pub fn mixed(accounts: &[&str], regions: &[&str], count: usize) -> Vec<Notebook> {
    let targets = accounts
        .iter()
        .flat_map(|account| regions.iter().map(move |region| (*account, *region)));
    let each = accounts.len() * regions.len();
    targets
        .cycle()
        .zip(0..count)
        .map(|((account, region), number)| kind(account, region, number, number / each))
        .collect()
}

/// The names are no clue to where a notebook comes in the order: numbers are not padded.
fn kind(account: &str, region: &str, number: usize, kind: usize) -> Notebook {
    let named = |prefix: &str| {
        Notebook::new(account, region, &format!("{prefix}-{number}")).tag("team", "a")
    };
    let disabled = |prefix: &str| named(prefix).root_access(RootAccess::Disabled);
    match kind % KINDS {
        0 => named("running"),
        1 => disabled("tame"),
        2 => named("stopped")
            .status(Status::Stopped)
            .platform("notebook-al1-v1"),
        3 => named("silent").root_access(RootAccess::Absent),
        4 => named("legacy"),
        5 => named("docker").tag("docker", "rootful").platform("absent"),
        6 => disabled("scripted").lifecycle_config("on-start"),
        7 => named("maintained")
            .status("InMaintenance")
            .lifecycle_config("on-create"),
        8 => named("other").platform(RETIRED[number % RETIRED.len()]),
        9 => named("elsewhere")
            .tag("team", "b")
            .accelerator("ml.eia2.medium"),
        10 => named("broken").status(Status::Failed),
        11 => named("odd")
            .root_access("Sometimes")
            .platform("notebook-al2-v1"),
        12 => disabled("legacy").status(Status::Stopped),
        _ => disabled("waiting").status("PendingMaintenance"),
    }
}

/// Notebooks whose users do not have root.
pub fn tame(account: &str, region: &str, count: usize) -> impl Iterator<Item = Notebook> {
    (0..count).map(move |number| {
        Notebook::new(account, region, &format!("tame-{number}")).root_access(RootAccess::Disabled)
    })
}

/// A policy over all notebooks of these accounts in these regions.
pub fn policy(accounts: &[&str], regions: &[&str]) -> Value {
    let accounts: Vec<Value> = accounts
        .iter()
        .map(|id| json!({"id": id, "role": "sudoless"}))
        .collect();
    json!({"accounts": accounts, "regions": regions})
}
