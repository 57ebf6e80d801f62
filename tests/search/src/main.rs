//! The search in full, run by `make search`. With `quick`: what the tests search.

use std::{collections::BTreeSet, process::ExitCode};

use remediation_search::{
    scope::{FULL, QUICK},
    search::search,
};
use sudoless::decide::Row;

fn main() -> ExitCode {
    let quick = std::env::args().any(|argument| argument == "quick");
    let scopes = if quick { &QUICK[..] } else { &FULL[..] };
    let mut unused: BTreeSet<Row> = Row::all().collect();
    let (mut states, mut seconds) = (0, 0.0);
    for scope in scopes {
        println!("{scope}");
        match search(*scope, None) {
            Ok(report) => {
                println!("    {report}");
                unused.retain(|row| !report.rows.contains(row));
                states += report.states;
                seconds += report.took.as_secs_f64();
            }
            Err(broken) => {
                println!("{broken}");
                return ExitCode::FAILURE;
            }
        }
    }
    if !unused.is_empty() {
        println!("rows that were never used: {unused:?}");
        return ExitCode::FAILURE;
    }
    println!("every promise holds in {states} states, and every row was used; {seconds:.0} s");
    ExitCode::SUCCESS
}
