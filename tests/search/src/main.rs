//! The search in full: `make search`.

use std::{collections::BTreeSet, process::ExitCode};

use remediation_search::search::{Scope, search};
use remediation_search::{policy::Budgets, product::Fleet};

fn main() -> ExitCode {
    let args: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let scope = Scope { fleet: Fleet { notebooks: args[0], apart: args[1] == 1, budgets: Budgets { over_all: args[2] as u32, per_region: args[3] as u32 } }, two_operators: args[4] == 1, reads_at_once: args[6] == 1, faults: args[5] };
    let m = args.get(7).map(|m| remediation_search::mutation::Mutation::ALL[*m]); println!("{m:?}"); match search(scope, m) {
        Ok(report) => { println!("{report}"); println!("{:?}", report.rows); let _: BTreeSet<u8>; ExitCode::SUCCESS }
        Err(broken) => { println!("{broken}"); ExitCode::FAILURE }
    }
}
