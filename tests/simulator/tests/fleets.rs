//! Fleet files, generated fleets, and what is refused.

use std::{collections::HashSet, path::Path};

use sagemaker_simulator::{
    Account, Effect, Fleet, FleetError, Generate, Notebook, Options, RootAccess, Simulator,
    StartError, Status,
};

use crate::clients::{ACCOUNT, notebook, start};

/// Notebooks that give their users root: running and startable, running on a retired platform,
/// stopped on one, running with an accelerator.
fn kinds(fleet: &Fleet) -> [usize; 4] {
    let mut kinds = [0; 4];
    let rooted = fleet.notebooks.iter();
    for it in rooted.filter(|it| it.root_access == RootAccess::Enabled) {
        let platform = it.platform.wire().unwrap_or_default().to_owned();
        let retired = fleet.platforms.retired.contains(&platform);
        let kind = match (&it.status, retired, it.accelerator_types.is_empty()) {
            (Status::InService, false, true) => 0,
            (Status::InService, true, true) => 1,
            (Status::Stopped, true, true) => 2,
            (Status::InService, false, false) => 3,
            _ => continue,
        };
        kinds[kind] += 1;
    }
    kinds
}

fn demo() -> Fleet {
    Fleet::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fleets/demo.yaml")).unwrap()
}

#[test]
fn the_demo_fleet_shows_every_kind_of_finding() {
    let fleet = demo();
    let accounts: Vec<&str> = fleet.accounts.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(accounts, ["111122223333", "444455556666", "777788889999"]);
    let regions: HashSet<&str> = fleet
        .notebooks
        .iter()
        .map(|it| it.region.as_str())
        .collect();
    assert_eq!(regions, HashSet::from(["us-east-1", "eu-west-1"]));
    assert_eq!(fleet.notebooks.len(), 15);
    let count =
        |wanted: &dyn Fn(&Notebook) -> bool| fleet.notebooks.iter().filter(|it| wanted(it)).count();
    assert!(count(&|it| it.root_access == RootAccess::Disabled) >= 4);
    assert!(
        count(&|it| it.root_access == RootAccess::Enabled && it.status == Status::Stopped) >= 1
    );
    assert_eq!(kinds(&fleet), [4, 1, 1, 1]);
    assert!(count(&|it| it.root_access == RootAccess::Absent) == 1);
    assert!(count(&|it| it.lifecycle_config.is_some()) == 1);
    assert!(count(&|it| it.name.starts_with("legacy-")) == 1);
    let denied: Vec<_> = fleet
        .faults
        .iter()
        .filter(|it| it.effect == Effect::Deny)
        .collect();
    assert_eq!(denied.len(), 2);
    let simulator = start(fleet.clone());
    assert_eq!(simulator.notebooks().len(), fleet.notebooks.len());
    assert_eq!(simulator.faults().len(), fleet.faults.len());
}

/// Whole hours until now.
fn age(time: jiff::Timestamp) -> i64 {
    time.duration_until(jiff::Timestamp::now()).as_hours()
}

#[test]
fn the_example_in_the_readme_is_a_fleet() {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("```yaml\n").unwrap();
    let (example, effects) = rest.split_once("```").unwrap();
    let path = std::env::temp_dir().join(format!("simulator-readme-{}.yaml", std::process::id()));
    std::fs::write(&path, example).unwrap();
    let fleet = Fleet::load(&path);
    std::fs::remove_file(&path).unwrap();
    let fleet = fleet.unwrap();
    assert_eq!(
        (
            fleet.accounts.len(),
            fleet.notebooks.len(),
            fleet.faults.len()
        ),
        (1, 1, 3)
    );
    assert_eq!(
        fleet.timings,
        sagemaker_simulator::Timings::default(),
        "the defaults, as it says"
    );
    assert_eq!(fleet.platforms, sagemaker_simulator::Platforms::default());
    let example = &fleet.notebooks[0];
    assert_eq!(example.platform, Notebook::new("", "", "").platform);
    assert_eq!(age(example.created), age(Notebook::new("", "", "").created));
    assert_eq!(age(example.last_modified), 6, "the default, as it says");
    // Every effect is in the table, by the name that a file gives it.
    for effect in [
        "latency",
        "throttle",
        "deny",
        "disableRegion",
        "invalidKeys",
        "expiredToken",
        "error",
        "hang",
        "reset",
        "answerLate",
        "answerLost",
        "arriveLate",
        "startNotTaken",
        "startFails",
        "carriedOutTwice",
        "stuckStopping",
        "vanish",
        "emptyPages",
        "repeatToken",
    ] {
        assert!(effects.contains(&format!("`{effect}")), "{effect}");
        let error = serde_json::from_value::<Effect>(serde_json::json!({effect: 1})).unwrap_err();
        assert!(
            !error.to_string().contains("unknown variant"),
            "{effect}: {error}"
        );
    }
}

#[test]
fn a_fleet_survives_being_written_and_read() {
    let fleet = demo();
    let text = serde_json::to_string(&fleet).unwrap();
    let again: Fleet = serde_json::from_str(&text).unwrap();
    assert_eq!(again.notebooks, fleet.notebooks);
    assert_eq!(again.faults, fleet.faults);
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
}

#[test]
fn files_with_mistakes_are_refused_with_the_place() {
    let directory = std::env::temp_dir().join(format!("simulator-fleets-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let load = |text: &str| {
        let path = directory.join("fleet.yaml");
        std::fs::write(&path, text).unwrap();
        Fleet::load(&path).unwrap_err()
    };
    let unknown = load("notebooks:\n- {account: '111122223333', region: us-east-1, nam: x}\n");
    assert!(
        matches!(&unknown, FleetError::Parse { message, .. } if message.contains("nam")),
        "{unknown}"
    );
    assert!(matches!(load("accounts: [{id: '1'}]"), FleetError::AccountId(id) if id == "1"));
    std::fs::remove_dir_all(&directory).unwrap();
    let missing = Fleet::load(&directory.join("none.yaml")).unwrap_err();
    assert!(matches!(missing, FleetError::Read { .. }));
}

#[test]
fn unsound_fleets_do_not_start() {
    let refused = |fleet: Fleet| match Simulator::start(fleet, Options::default()) {
        Err(StartError::Fleet(error)) => error,
        other => panic!("{other:?}"),
    };
    let orphan = refused(Fleet::new().notebook(notebook("x")));
    assert!(matches!(orphan, FleetError::UnknownAccount { .. }));
    let account = || Fleet::new().account(Account::new(ACCOUNT));
    assert!(matches!(
        refused(account().account(Account::new(ACCOUNT))),
        FleetError::DuplicateAccount(_)
    ));
    let twice = account().notebooks([notebook("x"), notebook("x")]);
    assert!(matches!(refused(twice), FleetError::DuplicateNotebook(_)));
    let still = Options {
        speed: 0.0,
        ..Options::default()
    };
    assert!(matches!(
        Simulator::start(Fleet::new(), still),
        Err(StartError::Speed(_))
    ));
}

#[test]
fn a_port_that_is_taken_is_said_so() {
    let simulator = start(Fleet::new());
    let port = simulator.url().rsplit(':').next().unwrap().parse().unwrap();
    let options = Options {
        port,
        ..Options::default()
    };
    let taken = Simulator::start(Fleet::new(), options);
    assert!(matches!(taken, Err(StartError::Serve { port: p, .. }) if p == port));
}

#[test]
fn generated_fleets_are_the_same_for_the_same_numbers() {
    let generate: Generate = "accounts=3,regions=2,notebooks=1000,enabled=0.5,stopped=0.25,absent=0.1,lifecycle=0,seed=7".parse().unwrap();
    let fleet = generate.fleet();
    assert_eq!(generate.fleet().notebooks, fleet.notebooks);
    assert_eq!((fleet.accounts.len(), fleet.notebooks.len()), (3, 1000));
    let places: HashSet<_> = fleet
        .notebooks
        .iter()
        .map(|it| (&it.account, &it.region))
        .collect();
    assert_eq!(places.len(), 6);
    let share =
        |wanted: &dyn Fn(&Notebook) -> bool| fleet.notebooks.iter().filter(|it| wanted(it)).count();
    assert!((400..=500).contains(&share(&|it| it.root_access == RootAccess::Enabled)));
    assert!((50..=150).contains(&share(&|it| it.root_access == RootAccess::Absent)));
    assert!((200..=300).contains(&share(&|it| it.status == Status::Stopped)));
    assert_eq!(share(&|it| it.lifecycle_config.is_some()), 0);
    let other = Generate {
        seed: 8,
        ..generate
    };
    assert_ne!(other.fleet().notebooks, fleet.notebooks);
    start(fleet);
}

#[test]
fn a_generated_fleet_has_every_kind_of_platform() {
    let kinds_of_default = kinds(&Generate::default().fleet());
    assert!(
        kinds_of_default.iter().all(|count| *count > 0),
        "{kinds_of_default:?}"
    );
    let generate: Generate = "notebooks=1000,enabled=1,stopped=0,retired=0.4,accelerators=0.1"
        .parse()
        .unwrap();
    let fleet = generate.fleet();
    let [startable, retired, stopped, accelerated] = kinds(&fleet);
    assert!((490..=590).contains(&startable), "{startable}");
    assert!((310..=410).contains(&retired), "{retired}");
    assert_eq!(stopped, 0);
    assert!((40..=80).contains(&accelerated), "{accelerated}");
    for platform in &fleet.platforms.retired {
        let on_it = fleet.notebooks.iter();
        let on_it = on_it.filter(|it| it.platform.wire() == Some(platform));
        assert!((50..=150).contains(&on_it.count()), "{platform}");
    }
    let generate: Generate = "retired=0,accelerators=0".parse().unwrap();
    let [_, retired, stopped, accelerated] = kinds(&generate.fleet());
    assert_eq!((retired, stopped, accelerated), (0, 0, 0));
}

/// Fleets of benches stay comparable: platforms are dealt out apart from everything else.
#[test]
fn platforms_change_nothing_else_of_a_generated_fleet() {
    let fleet = |text: &str| {
        let generate: Generate = text.parse().unwrap();
        let notebooks = generate.fleet().notebooks.into_iter();
        let current = notebooks.map(|it| Notebook {
            platform: sagemaker_simulator::Platform::default(),
            accelerator_types: Vec::new(),
            ..it
        });
        current.collect::<Vec<_>>()
    };
    let plain = fleet("retired=0,accelerators=0");
    assert_eq!(fleet("retired=0.5,accelerators=0.5"), plain);
    assert_eq!(fleet(""), plain);
}

#[test]
fn descriptions_with_mistakes_are_refused() {
    for wrong in [
        "notebooks",
        "books=1",
        "notebooks=many",
        "enabled=1.5",
        "regions=18",
        "accounts=0",
    ] {
        assert!(wrong.parse::<Generate>().is_err(), "{wrong}");
    }
    assert_eq!("".parse::<Generate>().unwrap(), Generate::default());
}

#[test]
fn a_dropped_simulator_is_gone() {
    let simulator = start(Fleet::new());
    let address = simulator.url().strip_prefix("http://").unwrap().to_owned();
    assert!(std::net::TcpStream::connect(&address).is_ok());
    drop(simulator);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while std::net::TcpStream::connect(&address).is_ok() {
        assert!(std::time::Instant::now() < deadline, "still there");
        std::thread::yield_now();
    }
}
