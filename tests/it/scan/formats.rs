//! Each format, read by a parser that is not the one that wrote it, says the same of the same
//! fleet.

use std::collections::BTreeMap;

use clap::ValueEnum as _;
use sagemaker_simulator::{Fleet, Simulator};
use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use super::program::{Folder, command_at, finish, notebook, scan, simulate};

pub const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo/policy.yaml");
const SCHEMA: &str = include_str!("../../../docs/schemas/scan-report.schema.json");

/// Whether a notebook's users have root, by its ARN; and what stands for accounts and regions that
/// were not read, by those.
type Verdicts = BTreeMap<String, String>;

pub fn demo() -> Simulator {
    let fleet = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/simulator/fleets/demo.yaml"
    );
    simulate(Fleet::load(fleet.as_ref()).unwrap())
}

/// What the demo's scan prints in a format; it ends with 4, because the third account refuses the
/// role.
pub fn printed(format: &str) -> String {
    scan(&demo(), &["-f", POLICY, "-o", format])
        .expect(4)
        .stdout
}

pub fn report() -> Value {
    serde_json::from_str(&printed("json")).unwrap()
}

/// The verdicts of a report as JSON.
fn verdicts(report: &Value) -> Verdicts {
    let policy = &report["policies"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let notebooks = policy["notebooks"].as_array().unwrap().iter();
    let targets = policy["targets"].as_array().unwrap().iter();
    let unread = targets.filter(|target| target["state"] != "Scanned");
    notebooks
        .map(|notebook| (text(&notebook["arn"]), text(&notebook["verdict"])))
        .chain(unread.map(|target| {
            let place = format!("{}/{}", text(&target["account"]), text(&target["region"]));
            (place, "Unknown".to_owned())
        }))
        .collect()
}

#[test]
fn json_says_what_the_demo_has_and_keeps_to_the_schema() {
    let report = report();
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&report)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(
        report["summary"],
        json!({
            "targets": 6, "unreadableTargets": 2, "disabledTargets": 0,
            "notebooks": 15, "compliant": 5, "nonCompliant": 7, "exempt": 1, "unknown": 2, "notRestartable": 2, "lifecycleConfigs": 1,
        })
    );
    let order: Vec<&str> = report["policies"][0]["notebooks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|notebook| notebook["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        order[..10],
        [
            "payroll-secret",
            "scratch",
            "team-a-forecast",
            "churn-model",
            "old-reports",
            "archive",
            "team-b-demand",
            "image-inference",
            "recommender",
            "legacy-etl"
        ]
    );
    let exempt = notebook(&report, "legacy-etl");
    assert_eq!(
        exempt["reason"],
        "needs rootful Docker until the image is ported"
    );
    assert!(exempt.get("remedy").is_none() && exempt.get("why").is_none());
    assert_eq!(notebook(&report, "recommender")["next"], "Restart");
    assert_eq!(notebook(&report, "team-a-forecast")["next"], "Update");
    assert_eq!(notebook(&report, "archive")["next"], "Update");
    for name in ["old-reports", "image-inference"] {
        let found = notebook(&report, name);
        assert_eq!(found["next"], "Wait", "{name}");
        assert_eq!(found["reason"], "NotRestartable", "{name}");
    }
    assert_eq!(
        notebook(&report, "image-labels")["lifecycleConfig"],
        "install-drivers"
    );
}

/// A schema that lets everything pass would prove nothing.
#[test]
fn the_schema_refuses_what_is_no_report() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let good = report();
    assert!(validator.is_valid(&good));
    for (pointer, value) in [
        ("/complete", json!("no")),
        ("/kind", json!("Report")),
        ("/apiVersion", json!("v1")),
        ("/summary/unknown", json!(-1)),
        ("/policies/0/mode", json!("audit")),
        ("/policies/0/notebooks/0/verdict", json!("PASS")),
        ("/policies/0/notebooks/0/arn", Value::Null),
        ("/policies/0/targets/0/state", json!("Fine")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&bad), "{pointer}");
    }
    for field in ["complete", "summary", "policies", "startedAt"] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(field);
        assert!(!validator.is_valid(&bad), "{field}");
    }
}

#[test]
fn the_schema_is_the_program_s() {
    let printed = scan(&demo(), &["--schema"]).expect(0).stdout;
    assert_eq!(printed, SCHEMA, "run `make crds` and commit it");
}

#[test]
fn yaml_is_the_same_report() {
    let mut documents = YamlLoader::load_from_str(&printed("yaml")).unwrap();
    assert_eq!(documents.len(), 1);
    let mut from_yaml = from_yaml(documents.remove(0));
    let mut from_json = report();
    for report in [&mut from_yaml, &mut from_json] {
        for time in ["startedAt", "finishedAt"] {
            assert!(report[time].take().is_string());
        }
    }
    assert_eq!(from_yaml, from_json);
}

fn from_yaml(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Boolean(value) => json!(value),
        Yaml::Integer(value) => json!(value),
        Yaml::String(value) => json!(value),
        Yaml::Array(values) => values.into_iter().map(from_yaml).collect(),
        Yaml::Hash(fields) => fields
            .into_iter()
            .map(|(key, value)| (key.into_string().unwrap(), from_yaml(value)))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// By a reader of RFC 4180 of its own: fields may be in quotes, lines end with CR LF.
fn from_csv(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let (mut quoted, mut characters) = (false, text.chars().peekable());
    while let Some(character) = characters.next() {
        let row = rows.last_mut().unwrap();
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => {
                row.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\r' if !quoted => {
                assert_eq!(characters.next(), Some('\n'));
                rows.push(vec![String::new()]);
            }
            other => row.last_mut().unwrap().push(other),
        }
    }
    assert!(!quoted);
    assert_eq!(rows.pop().unwrap(), [""]);
    rows
}

#[test]
fn csv_has_a_line_for_each_notebook_and_each_region_that_was_not_read() {
    let mut rows = from_csv(&printed("csv")).into_iter();
    let header = rows.next().unwrap();
    let column = |name: &str| header.iter().position(|each| each == name).unwrap();
    let [account, region, arn, verdict] = ["account", "region", "arn", "verdict"].map(column);
    let found: Verdicts = rows
        .map(|row| {
            assert_eq!(row.len(), header.len(), "{row:?}");
            let key = match row[arn].as_str() {
                "" => format!("{}/{}", row[account], row[region]),
                arn => arn.to_owned(),
            };
            (key, row[verdict].clone())
        })
        .collect();
    assert_eq!(found, verdicts(&report()));
}

#[test]
fn junit_fails_for_violations_and_errs_for_what_is_unknown() {
    let text = printed("junit");
    let document = roxmltree::Document::parse(&text).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let counted = |name: &str| root.attribute(name).unwrap().parse::<u32>().unwrap();
    // Fifteen notebooks and six accounts and regions; two of each could not be read.
    assert_eq!(
        ["tests", "failures", "errors", "skipped"].map(counted),
        [21, 7, 4, 1]
    );
    let report = report();
    let mut notebooks = 0;
    for case in document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
    {
        let [name, class] = ["name", "classname"].map(|each| case.attribute(each).unwrap());
        let outcome = case.children().find(roxmltree::Node::is_element);
        let outcome = outcome.map_or("", |node| node.tag_name().name());
        if name.starts_with('(') {
            let refused = class.contains("777788889999");
            assert_eq!(outcome, if refused { "error" } else { "" }, "{class}");
            continue;
        }
        notebooks += 1;
        let expected = match notebook(&report, name)["verdict"].as_str().unwrap() {
            "Compliant" => "",
            "NonCompliant" => "failure",
            "Unknown" => "error",
            "Exempt" => "skipped",
            other => panic!("{other}"),
        };
        assert_eq!(outcome, expected, "{name}");
    }
    assert_eq!(notebooks, 15);
    assert!(text.contains(
        "update-notebook-instance --region us-east-1 --notebook-instance-name churn-model"
    ));
}

#[test]
fn the_documentation_has_every_format() {
    let documentation = include_str!("../../../docs/scan.md");
    for format in sudoless::report::Format::value_variants() {
        let name = format.to_possible_value().unwrap().get_name().to_owned();
        assert!(documentation.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn one_scan_writes_several_formats() {
    let simulator = demo();
    let folder = Folder::new(&[("old.json", "what was there before, and was longer")]);
    let [json, csv] = ["old.json", "new.csv"].map(|file| folder.name(file));
    let outputs = [format!("json={json}"), format!("csv={csv}")];
    let arguments = [
        "-f",
        POLICY,
        "-o",
        "table",
        "-o",
        &outputs[0],
        "-o",
        &outputs[1],
    ];
    let scanned = finish(&mut command_at(&simulator, &arguments)).expect(4);
    assert!(scanned.stdout.starts_with("NOT READ"), "{}", scanned.stdout);
    let read = |file: &str| std::fs::read_to_string(file).unwrap();
    let report: Value = serde_json::from_str(&read(&json)).unwrap();
    assert_eq!(report["summary"]["notebooks"], 15);
    assert_eq!(from_csv(&read(&csv)).len(), 18);
    let describes = simulator
        .counters()
        .of(sagemaker_simulator::Operation::DescribeNotebookInstance);
    assert_eq!(describes, 15);
}

#[test]
fn the_table_has_no_colours_and_no_width_where_there_is_no_terminal() {
    let table = printed("table");
    assert!(!table.contains('\x1b'), "{table}");
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("Unknown ") && line.len() > 200),
        "{table}"
    );
}
