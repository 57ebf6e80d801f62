//! The dashboard as data, and its queries as Grafana sends them.

use std::{fs, path::Path};

use serde_json::Value;

/// The dashboard.
pub struct Dashboard(pub Value);

/// One query of a panel.
#[derive(Clone, Debug)]
pub struct Query {
    /// The panel's title and the query's letter.
    pub place: String,
    /// The query, with variables.
    pub expr: String,
    /// It asks for one moment, not for a time.
    pub instant: bool,
}

/// What the variables stand for.
#[derive(Clone, Debug)]
pub struct Choice {
    /// `$policy`, `$account` and `$region`.
    pub names: [(&'static str, Vec<String>); 3],
    /// `$__rate_interval`: four scrapes.
    pub rate_interval: &'static str,
    /// `$__range`, in seconds: what the dashboard shows.
    pub range: u64,
}

impl Dashboard {
    /// Reads it.
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/grafana/sudoless.json");
        Self(serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
    }

    /// Its panels, rows among them.
    pub fn panels(&self) -> &[Value] {
        self.0["panels"].as_array().unwrap()
    }

    /// Its variables.
    pub fn variables(&self) -> &[Value] {
        self.0["templating"]["list"].as_array().unwrap()
    }

    /// The queries of all panels.
    pub fn queries(&self) -> Vec<Query> {
        let mut queries = Vec::new();
        for panel in self.panels() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let text = |key: &str| target[key].as_str().unwrap();
                queries.push(Query {
                    place: format!("{} {}", panel["title"].as_str().unwrap(), text("refId")),
                    expr: text("expr").to_owned(),
                    instant: target["instant"].as_bool().unwrap(),
                });
            }
        }
        queries
    }
}

impl Choice {
    /// Everything: the variables' `allValue`.
    pub fn all(range: u64) -> Self {
        let any = || vec![".*".to_owned()];
        Self {
            names: [("policy", any()), ("account", any()), ("region", any())],
            rate_interval: "2s",
            range,
        }
    }

    /// A text with the variables replaced as Grafana does for a data source that takes regular
    /// expressions.
    ///
    /// # Panics
    /// If a variable remains.
    pub fn fill(&self, text: &str) -> String {
        let mut filled = text
            .replace("$__rate_interval", self.rate_interval)
            .replace("$__range", &format!("{}s", self.range));
        for (name, values) in &self.names {
            let value = match values.as_slice() {
                [one] => one.clone(),
                several => format!("({})", several.join("|")),
            };
            filled = filled.replace(&format!("${name}"), &value);
        }
        assert!(!filled.contains('$'), "what is left of {filled}?");
        filled
    }
}
