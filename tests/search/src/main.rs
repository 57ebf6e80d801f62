//! The full search, run by `make search`. With `quick`, it searches the scopes of the tests.
//! Numbers select scopes of either list.

use std::{collections::BTreeSet, process::ExitCode};

use remediation_search::{
    scope::{FULL, QUICK},
    search::search,
};
use sudoless_core::decide::Row;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "quick");
    let chosen: Vec<usize> = arguments
        .iter()
        .filter_map(|each| each.parse().ok())
        .collect();
    let scopes = if quick { &QUICK[..] } else { &FULL[..] };
    let mut unused: BTreeSet<Row> = Row::all().collect();
    let (mut states, mut seconds) = (0, 0.0);
    for (number, scope) in scopes.iter().enumerate() {
        if !chosen.is_empty() && !chosen.contains(&number) {
            continue;
        }
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
    if chosen.is_empty() && !unused.is_empty() {
        println!("rows that were never used: {unused:?}");
        return ExitCode::FAILURE;
    }
    println!("every promise holds in {states} states, and every row was used; {seconds:.0} s");
    ExitCode::SUCCESS
}
