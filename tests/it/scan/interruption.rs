//! A scan that is ended before its time says what was found so far, and that this is not all.

use std::{
    io::Read as _,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use sagemaker_simulator::{Effect, Fault, Operation, Simulator};

use super::program::{Running, by_flags, command_at, notebook, simulate, start};
use crate::support::{
    small::{OTHER_REGION, REGION, fleet, rooted, rootless},
    stage::DEADLINE,
};

/// Two notebooks that are described at once, one that never is, and a region that is never listed.
fn stuck() -> Simulator {
    let hang = |operation| Fault::new(Effect::Hang).operation(operation);
    simulate(
        fleet([rooted("found"), rootless("tame"), rootless("wedged")])
            .fault(hang(Operation::DescribeNotebookInstance).notebook("wedged"))
            .fault(hang(Operation::ListNotebookInstances).region(OTHER_REGION)),
    )
}

/// Waits until the requests that are answered were, and the others are under way.
fn until_stuck(simulator: &Simulator) {
    let hanging = |operation| {
        let counters = simulator.counters();
        let in_flight = counters.in_flight.iter();
        let of_operation = in_flight.filter(|each| each.operation == operation);
        of_operation.map(|each| each.now).sum::<u64>()
    };
    let started = Instant::now();
    while hanging(Operation::ListNotebookInstances) != 1
        || hanging(Operation::DescribeNotebookInstance) != 1
        || simulator.counters().of(Operation::DescribeNotebookInstance) < 2
    {
        assert!(started.elapsed() < DEADLINE, "{:?}", simulator.counters());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One notebook is described after another, in the order of their names: when the last is asked
/// for, what was said of the others is known.
fn one_by_one<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = by_flags(&["-o", "json", "--describes-per-target", "1"]);
    arguments.extend(more);
    arguments
}

fn interrupted(arguments: &[&str]) -> (Simulator, Running) {
    let simulator = stuck();
    let running = start(&mut command_at(&simulator, &one_by_one(arguments)));
    until_stuck(&simulator);
    (simulator, running)
}

#[test]
fn a_signal_ends_it_with_what_was_found_so_far() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        // Not even `never` makes it a success.
        let (_simulator, running) = interrupted(&["--fail-on", "never"]);
        running.signal(signal);
        let scanned = running.ended().expect(code);
        let report = scanned.json();
        assert_eq!(report["complete"], false);
        assert_eq!(report["brokenOff"], "Interrupted");
        assert_eq!(notebook(&report, "found")["verdict"], "NonCompliant");
        assert_eq!(notebook(&report, "tame")["verdict"], "Compliant");
        let stuck = notebook(&report, "wedged");
        assert_eq!(stuck["verdict"], "Unknown");
        assert_eq!(
            stuck["message"],
            "it was not described: the scan was broken off"
        );
        let target = &report["policies"][0]["targets"][0];
        assert_eq!(target["region"], OTHER_REGION);
        assert_eq!(target["state"], "Unreachable");
        assert!(scanned.stderr.contains("interrupted"), "{}", scanned.stderr);
    }
}

#[test]
fn the_time_that_it_was_given_ends_it_too() {
    let simulator = stuck();
    let arguments = one_by_one(&["--timeout", "2s"]);
    let scanned = start(&mut command_at(&simulator, &arguments))
        .ended()
        .expect(4);
    let report = scanned.json();
    assert_eq!(report["brokenOff"], "TimedOut");
    assert_eq!(notebook(&report, "found")["verdict"], "NonCompliant");
    assert_eq!(report["summary"]["unreadableTargets"], 1);
}

#[test]
fn before_anything_is_known_there_is_nothing_to_write() {
    let hang = Fault::new(Effect::Hang).operation(Operation::GetCallerIdentity);
    let simulator = simulate(fleet([]).fault(hang));
    let running = start(&mut command_at(&simulator, &[]));
    let started = Instant::now();
    while simulator.counters().in_flight.is_empty() {
        assert!(started.elapsed() < DEADLINE);
        std::thread::sleep(Duration::from_millis(5));
    }
    running.signal(Signal::SIGINT);
    let scanned = running.ended().expect(130);
    assert_eq!(scanned.stdout, "");
    assert!(
        scanned.stderr.contains("before anything was read"),
        "{}",
        scanned.stderr
    );
}

/// A report that nobody takes is larger than a pipe: the second signal ends the process all the
/// same.
#[test]
fn the_second_signal_ends_it_at_once() {
    let notebooks = (0..2_000).map(|number| rooted(&format!("notebook-{number}")));
    let simulator = simulate(fleet(notebooks));
    let mut command = command_at(&simulator, &by_flags(&["-o", "json"]));
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut child = command.stdout(writer).spawn().unwrap();
    drop(command);
    // The first byte of the report is there: it writes, and then stands still.
    reader.read_exact(&mut [0]).unwrap();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, Signal::SIGINT).unwrap();
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(started.elapsed() < DEADLINE, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(130));
}

/// `sudoless scan | head`: no panic, no error, and the exit code that the scan has.
#[test]
fn whoever_closes_the_output_has_what_they_want() {
    let notebooks = (0..1_000).map(|number| rooted(&format!("notebook-{number}")));
    let simulator = simulate(fleet(notebooks));
    let mut running = start(&mut command_at(&simulator, &by_flags(&["-o", "json"])));
    running.close_stdout();
    let scanned = running.ended().expect(3);
    assert_eq!(scanned.stderr, "");
}

#[test]
fn where_it_is_asked_for_progress_is_told_line_by_line() {
    let simulator = simulate(fleet([rootless("tame")]));
    let arguments = by_flags(&["-o", "json", "--progress"]);
    // Done before the first line is due: nothing is told, and nothing of a terminal is written.
    let scanned = start(&mut command_at(&simulator, &arguments))
        .ended()
        .expect(0);
    assert_eq!(scanned.stderr, "");
    assert_eq!(notebook(&scanned.json(), "tame")["region"], REGION);
}
