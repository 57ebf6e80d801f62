//! The promises hold in every state within few faults, and the search finds every mutation that
//! breaks them.

#![allow(clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use remediation_search::{mutation::Mutation, scope::QUICK, search::search};
use sudoless_core::decide::Row;

/// `make search` covers more.
#[test]
fn the_promises_hold() {
    let mut used = BTreeSet::new();
    for scope in QUICK {
        match search(scope, None) {
            Ok(report) => {
                println!("{scope}: {report}");
                used.extend(report.rows);
            }
            Err(broken) => panic!("{scope}: {broken}"),
        }
    }
    assert_eq!(
        used,
        Row::all().collect(),
        "rows of the table that were used"
    );
}

#[test]
fn what_breaks_them_is_found() {
    for mutation in Mutation::ALL {
        match search(mutation.scope(), Some(mutation)) {
            Ok(report) => panic!("{mutation:?} is not found: {report}"),
            Err(broken) => println!(
                "{mutation:?}: {}, {} lines",
                broken.promise,
                broken.trace.len()
            ),
        }
    }
}
