//! Without any one of the rights something does not come about, and the API server's refusal is the
//! reason.

use std::{collections::BTreeSet, thread};

use super::{
    ACCOUNT, AUDIT_LOG, GRANTED, apply, cluster,
    grants::{self, Grant},
    kubeconfig,
    scenario::{Act, Play},
    until_it_may, user,
};
use crate::support::stage::{self, eventually};

/// Each right, and the act that does not come to its end without it.
const NEEDED: [(&str, Act); 14] = [
    ("list notebookrootaccesspolicies.sudoless.dev", Act::Leads),
    ("list notebookremediations.sudoless.dev", Act::Leads),
    (
        "get leases.coordination.k8s.io in sudoless-system",
        Act::Leads,
    ),
    (
        "create leases.coordination.k8s.io in sudoless-system",
        Act::Leads,
    ),
    (
        "patch leases.coordination.k8s.io in sudoless-system",
        Act::Leads,
    ),
    (
        "patch notebookrootaccesspolicies.sudoless.dev/status",
        Act::Reports,
    ),
    (
        "watch notebookrootaccesspolicies.sudoless.dev",
        Act::Notices,
    ),
    ("get notebookremediations.sudoless.dev", Act::Claims),
    ("create notebookremediations.sudoless.dev", Act::Claims),
    ("watch notebookremediations.sudoless.dev", Act::Begins),
    (
        "update notebookremediations.sudoless.dev/status",
        Act::Begins,
    ),
    ("patch notebookremediations.sudoless.dev", Act::LetsGo),
    ("create events.events.k8s.io in default", Act::Tells),
    ("delete notebookremediations.sudoless.dev", Act::Replaces),
];

#[test]
fn each_right_has_an_act_that_needs_it() {
    let needed: BTreeSet<String> = NEEDED
        .iter()
        .map(|(right, _)| (*right).to_owned())
        .collect();
    let granted: BTreeSet<String> = GRANTED.iter().map(ToString::to_string).collect();
    assert_eq!(granted, needed, "granted; and with an act that needs it");
    assert_eq!(NEEDED.len(), needed.len(), "one is there twice");
}

#[test]
fn without_any_one_of_them_something_is_missing() {
    let rows: Vec<(usize, &Grant, Act)> = NEEDED
        .iter()
        .enumerate()
        .filter_map(|(number, (right, act))| {
            let grant = GRANTED.iter().find(|grant| grant.to_string() == *right);
            grant.map(|grant| (number, grant, *act))
        })
        .collect();
    let accounts = rows.iter().flat_map(|(number, grant, _)| {
        let account = account(*number);
        grants::account_with(&account, &all_but(grant, &account))
    });
    apply(cluster(), &accounts.collect::<Vec<_>>());
    let failed = thread::scope(|scope| {
        let tries: Vec<_> = rows
            .iter()
            .map(|(number, grant, act)| (grant, scope.spawn(|| try_without(*number, grant, *act))))
            .collect();
        let joined = tries.into_iter().map(|(grant, it)| (grant, it.join()));
        let failed = joined.filter(|(_, joined)| joined.is_err());
        failed
            .map(|(grant, _)| grant.to_string())
            .collect::<Vec<_>>()
    });
    assert_eq!(failed, [""; 0], "not shown to be needed; see above");
}

/// The service account that lacks the right of a row, which is also its stage's name.
fn account(row: usize) -> String {
    format!("{ACCOUNT}-without-{row}")
}

/// What the chart grants but for one right; what it grants for its own lease, for that of an
/// account.
fn all_but(grant: &Grant, account: &str) -> BTreeSet<Grant> {
    let others = GRANTED.iter().filter(|other| *other != grant);
    others
        .map(|other| Grant {
            name: other.name.as_ref().map(|_| account.to_owned()),
            ..other.clone()
        })
        .collect()
}

/// Plays up to the act, sees the refusal, and that the act has not come to its end when nobody can
/// bring it there any more.
#[tokio::main(flavor = "current_thread")]
async fn try_without(row: usize, grant: &Grant, act: Act) {
    let account = account(row);
    let kubeconfig = kubeconfig(&account);
    let client = stage::client(cluster()).await;
    until_it_may(&client, &account, &all_but(grant, &account)).await;
    let play = Play::new(client, &account, kubeconfig);
    play.perform_until(act).await;

    let refusals = || {
        let requests = AUDIT_LOG.of(&user(&account)).into_iter();
        requests
            .filter(|request| request.is_refused)
            .collect::<Vec<_>>()
    };
    // A watch is tried from the start, and again and again: what counts is a try when there was
    // something to see.
    let before = if grant.verb == "watch" {
        refusals().len()
    } else {
        0
    };
    act.begin(&play).await;
    let what = format!("a refusal, before {act:?} is over, without: {grant}");
    eventually(&what, async || (refusals().len() > before).then_some(())).await;
    play.stage.kill_operator();
    let lacking = Grant {
        name: None,
        ..grant.clone()
    };

    assert!(
        !act.is_over(&play).await,
        "{act:?} is over without: {grant}"
    );
    for refusal in refusals() {
        assert!(lacking.covers(&refusal), "refused, too: {refusal:?}");
    }
}
