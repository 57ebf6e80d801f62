//! Whether a query speaks only of metrics, labels and values that the operator serves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::observability::lint::{Family, parse_series};

/// What Prometheus itself adds to what it scrapes.
const OF_THE_TARGET: [&str; 3] = ["instance", "job", "namespace"];

/// Labels whose values the configuration names; those of the others are closed sets, every one of
/// which is served.
const OPEN: [&str; 6] = [
    "policy",
    "account",
    "region",
    "exemption",
    "version",
    "revision",
];

/// The series that Prometheus makes of alerts that fire, and the labels that ours have.
const ALERTS: &str = "ALERTS";
const OF_ALERTS: [&str; 6] = [
    "alertname",
    "alertstate",
    "severity",
    "policy",
    "account",
    "region",
];

/// The metrics that a query may name, and the problems that were found.
pub struct Vocabulary<'a> {
    families: &'a BTreeMap<String, Family>,
    problems: Vec<String>,
}

impl<'a> Vocabulary<'a> {
    /// That of a metrics page of which every family has all its series.
    pub fn of(families: &'a BTreeMap<String, Family>) -> Self {
        Self {
            families,
            problems: Vec::new(),
        }
    }

    /// What is wrong with a query, given as its syntax tree.
    pub fn problems(mut self, tree: &Value) -> Vec<String> {
        self.labels(tree);
        self.problems
    }

    /// The labels that what an expression yields may have.
    fn labels(&mut self, tree: &Value) -> BTreeSet<String> {
        match tree["type"].as_str().unwrap_or_default() {
            "vectorSelector" | "matrixSelector" => self.selected(tree),
            "aggregation" => {
                let inner = self.labels(&tree["expr"]);
                self.labels(&tree["param"]);
                let grouping = names(&tree["grouping"]);
                self.known(&grouping, &inner, "by");
                match tree["op"].as_str() {
                    Some("topk" | "bottomk") => inner,
                    _ if tree["without"] == true => &inner - &grouping,
                    _ => grouping,
                }
            }
            "binaryExpr" => {
                let (left, right) = (self.labels(&tree["lhs"]), self.labels(&tree["rhs"]));
                let matching = names(&tree["matching"]["labels"]);
                self.known(&matching, &left, "on, at the left,");
                self.known(&matching, &right, "on, at the right,");
                match tree["op"].as_str() {
                    Some("and" | "unless") => left,
                    _ => &left | &right,
                }
            }
            "call" => {
                let arguments = tree["args"].as_array().unwrap();
                let labels = arguments.iter().map(|each| self.labels(each));
                labels.fold(BTreeSet::new(), |all, each| &all | &each)
            }
            "parenExpr" | "unaryExpr" | "subquery" => self.labels(&tree["expr"]),
            _ => BTreeSet::new(),
        }
    }

    fn selected(&mut self, selector: &Value) -> BTreeSet<String> {
        let name = selector["name"].as_str().unwrap();
        if name == ALERTS {
            return OF_ALERTS.map(str::to_owned).into();
        }
        let Some((family, is_bucket)) = self.family(name) else {
            self.problems.push(format!("there is no metric {name}"));
            return BTreeSet::new();
        };
        let mut labels: BTreeSet<String> = OF_THE_TARGET.map(str::to_owned).into();
        labels.extend(family.labels.iter().cloned());
        labels.extend(is_bucket.then(|| "le".to_owned()));
        for matcher in selector["matchers"].as_array().unwrap() {
            let label = matcher["name"].as_str().unwrap();
            if label == "__name__" {
                continue;
            }
            if !labels.contains(label) {
                self.problems.push(format!("{name} has no label {label}"));
            } else if family.labels.contains(label) && !OPEN.contains(&label) {
                let served: BTreeSet<String> = family
                    .series
                    .iter()
                    .filter_map(|series| parse_series(series).1.remove(label))
                    .collect();
                let asked = matcher["value"].as_str().unwrap().split('|');
                for value in asked.filter(|value| !served.contains(*value)) {
                    self.problems
                        .push(format!("{label} of {name} is never {value:?}"));
                }
            }
        }
        labels
    }

    /// The family of a metric, and whether it is the buckets of a histogram.
    fn family(&self, name: &str) -> Option<(&'a Family, bool)> {
        if let Some(family) = self.families.get(name) {
            return (family.kind.as_deref() != Some("histogram")).then_some((family, false));
        }
        let (base, suffix) = name.rsplit_once('_')?;
        let family = self.families.get(base)?;
        let is_histogram = family.kind.as_deref() == Some("histogram");
        (is_histogram && ["bucket", "sum", "count"].contains(&suffix))
            .then_some((family, suffix == "bucket"))
    }

    fn known(&mut self, used: &BTreeSet<String>, there: &BTreeSet<String>, how: &str) {
        for label in used - there {
            self.problems
                .push(format!("{how} {label}, which is not there"));
        }
    }
}

fn names(list: &Value) -> BTreeSet<String> {
    let names = list.as_array().into_iter().flatten();
    names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}
