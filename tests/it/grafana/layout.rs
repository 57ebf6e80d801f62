//! What can be said of the dashboard without data.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::dashboard::{Choice, Dashboard};
use crate::{
    observability::{fixture, lint},
    support::{prometheus::Prometheus, promql::Vocabulary},
};

/// What every Grafana has built in, of what is of use here.
const PANEL_TYPES: [&str; 12] = [
    "row",
    "stat",
    "timeseries",
    "table",
    "barchart",
    "bargauge",
    "gauge",
    "heatmap",
    "state-timeline",
    "text",
    "piechart",
    "histogram",
];

/// Units, by Grafana's ids.
const UNITS: [&str; 7] = ["none", "short", "s", "percentunit", "reqps", "ops", "bytes"];

/// Verdicts look alike wherever they are.
const COLOURS: [(&str, &str); 4] = [
    ("Compliant", "green"),
    ("Exempt", "blue"),
    ("Unknown", "orange"),
    ("NonCompliant", "red"),
];

/// Columns of Grafana's grid.
const COLUMNS: u64 = 24;

/// Every value under a key, wherever it is.
fn everywhere<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == key {
                    found.push(field);
                }
                everywhere(field, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| everywhere(item, key, found)),
        _ => {}
    }
}

#[test]
fn it_can_be_imported_anywhere_and_again() {
    let Dashboard(dashboard) = Dashboard::read();
    assert_eq!(dashboard["uid"], "sudoless");
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 39);
    // An id belongs to one Grafana.
    assert!(dashboard.get("id").is_none());
    let mut sources = Vec::new();
    everywhere(&dashboard, "datasource", &mut sources);
    let ours = json!({"type": "prometheus", "uid": "${datasource}"});
    let grafanas = json!({"type": "grafana", "uid": "-- Grafana --"});
    for source in &sources {
        assert!(**source == ours || **source == grafanas, "{source}");
    }
    assert!(sources.len() > 50);
    let names: Vec<_> = Dashboard::read()
        .variables()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["datasource", "policy", "account", "region"]);
    for variable in &Dashboard::read().variables()[1..] {
        assert_eq!(
            (&variable["multi"], &variable["includeAll"]),
            (&json!(true), &json!(true))
        );
        assert_eq!(
            variable["allValue"], ".*",
            "a thousand accounts make a long expression"
        );
    }
}

#[test]
fn every_panel_explains_itself() {
    let dashboard = Dashboard::read();
    let mut ids = BTreeSet::new();
    let mut titles = BTreeSet::new();
    for panel in dashboard.panels() {
        let title = panel["title"].as_str().unwrap();
        assert!(titles.insert(title), "two are called {title}");
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        let kind = panel["type"].as_str().unwrap();
        assert!(PANEL_TYPES.contains(&kind), "{title} is a {kind}");
        if kind == "row" {
            continue;
        }
        let description = panel["description"].as_str().unwrap();
        assert!(
            description.len() > 20 && description.ends_with('.'),
            "{title}"
        );
        let targets = panel["targets"].as_array().unwrap();
        let letters: BTreeSet<_> = targets
            .iter()
            .map(|target| target["refId"].as_str())
            .collect();
        assert!(
            !targets.is_empty() && letters.len() == targets.len(),
            "{title}"
        );
        let mut units = Vec::new();
        everywhere(panel, "unit", &mut units);
        for unit in units {
            assert!(UNITS.contains(&unit.as_str().unwrap()), "{title}: {unit}");
        }
    }
}

#[test]
fn nothing_lies_on_anything_else() {
    let dashboard = Dashboard::read();
    let mut taken = BTreeSet::new();
    let mut bottom = 0;
    for panel in dashboard.panels() {
        let title = &panel["title"];
        let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        let (left, top, width, height) = (place("x"), place("y"), place("w"), place("h"));
        assert!(
            width > 0 && height > 0 && left + width <= COLUMNS,
            "{title}"
        );
        for x in left..left + width {
            for y in top..top + height {
                assert!(taken.insert((x, y)), "{title} lies on another panel");
            }
        }
        bottom = bottom.max(top + height);
    }
    // No gaps either: Grafana would close them, and the dashboard would look changed.
    let cells = u64::try_from(taken.len()).unwrap();
    assert_eq!(cells, bottom * COLUMNS);
}

#[test]
fn a_verdict_has_one_colour() {
    let dashboard = Dashboard::read();
    let titled = |title: &str| {
        let mut panels = dashboard.panels().iter();
        panels.find(|panel| panel["title"] == title).unwrap()
    };
    let overrides = titled("Notebooks by verdict")["fieldConfig"]["overrides"].as_array();
    let coloured: BTreeSet<_> = overrides
        .unwrap()
        .iter()
        .map(|each| {
            let colour = &each["properties"][0]["value"]["fixedColor"];
            (
                each["matcher"]["options"].as_str().unwrap(),
                colour.as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(coloured, COLOURS.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_of_what_the_operator_serves() {
    let page = fixture::remediating_metrics().render().unwrap();
    let families = lint::families(&page);
    let server = Prometheus::start(&[], &[]).await;
    let choice = Choice::all(3600);
    let dashboard = Dashboard::read();
    let mut problems = Vec::new();
    let mut named = String::new();
    for query in dashboard.queries() {
        let tree = server.parse(&choice.fill(&query.expr)).await.unwrap();
        let found = Vocabulary::of(&families).problems(&tree);
        problems.extend(found.iter().map(|each| format!("{}: {each}", query.place)));
        named += &query.expr;
    }
    assert_eq!(problems, Vec::<String>::new());
    // What the operator serves and nobody looks at is a panel that is missing.
    let hidden: Vec<_> = families
        .keys()
        .filter(|name| name.starts_with("sudoless_") && !named.contains(*name))
        .collect();
    assert_eq!(hidden, Vec::<&String>::new());
}
