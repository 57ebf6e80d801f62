//! A fleet of one account, and policies over it.

use sagemaker_simulator::{Account, Fleet, Notebook, Operation, RootAccess, Simulator};
use serde_json::{Value, json};

/// The account.
pub const ACCOUNT: &str = "111122223333";
/// The region that [`notebook`] is in and [`spec`] names.
pub const REGION: &str = "us-east-1";
/// Another region that is enabled.
pub const OTHER_REGION: &str = "eu-west-1";

/// One account whose role anybody may assume, with two regions.
pub fn fleet(notebooks: impl IntoIterator<Item = Notebook>) -> Fleet {
    let account = Account::new(ACCOUNT)
        .role("sudoless")
        .regions([REGION, OTHER_REGION]);
    Fleet::new().account(account).notebooks(notebooks)
}

/// A running notebook whose users have root.
pub fn rooted(name: &str) -> Notebook {
    Notebook::new(ACCOUNT, REGION, name)
}

/// A running notebook whose users have no root.
pub fn rootless(name: &str) -> Notebook {
    rooted(name).root_access("Disabled")
}

/// The spec of a policy over all of [`REGION`], with more fields or others.
pub fn spec(more: Value) -> Value {
    let mut spec = json!({
        "accounts": [{"id": ACCOUNT, "role": "sudoless"}],
        "regions": [REGION],
    });
    let Value::Object(more) = more else {
        panic!("fields, not {more}")
    };
    spec.as_object_mut().unwrap().extend(more);
    spec
}

/// An owner has root from now on.
pub fn give_root(simulator: &Simulator, name: &str) {
    let changed = simulator.modify_notebook(ACCOUNT, REGION, name, |notebook| {
        notebook.root_access = RootAccess::Enabled;
    });
    assert!(changed, "there is no {name}");
}

/// Lists and Describes so far.
pub fn reads(simulator: &Simulator) -> (u64, u64) {
    let counters = simulator.counters();
    (
        counters.of(Operation::ListNotebookInstances),
        counters.of(Operation::DescribeNotebookInstance),
    )
}
