//! A real Prometheus that scrapes what a test has started.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use local_cluster::{Tool, Toolbox, watchdog::Watchdog};
use serde_json::{Value, json};

use super::server::Server;

/// Between two scrapes.
pub const SCRAPE_INTERVAL: &str = "500ms";

/// Until it is there, or what is waited for, on a machine that does five other things.
const DEADLINE: Duration = Duration::from_mins(1);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// A running Prometheus, with a port and a folder of its own. Both go with it, and it goes with the
/// test's process.
pub struct Prometheus {
    server: Server,
    /// Dropped last: its folder holds the data.
    _watchdog: Watchdog,
}

/// One series of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels, the metric's name as `__name__` among them.
    pub labels: BTreeMap<String, String>,
    /// Its values, in the order of their times; of an instant query one.
    pub values: Vec<f64>,
}

impl Prometheus {
    /// Starts one that scrapes `host:port`s twice a second, each as a job of its own, and evaluates
    /// rules every second.
    ///
    /// # Panics
    /// If it does not start, or does not take the rules.
    pub async fn start(targets: &[(&str, &str)], rules: &[&Path]) -> Self {
        let toolbox = Toolbox::open().unwrap();
        toolbox.provide(&[Tool::Prometheus]).unwrap();
        let watchdog = Watchdog::start().unwrap();
        let configuration = watchdog.folder().join("prometheus.yml");
        // JSON is YAML.
        std::fs::write(&configuration, configured(targets, rules).to_string()).unwrap();
        let mut command = Command::new(toolbox.path(Tool::Prometheus));
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                watchdog.folder().join("data").display()
            ))
            .arg("--web.listen-address=127.0.0.1:0");
        let started = Self {
            server: Server::start(watchdog.adopt(&mut command), 1),
            _watchdog: watchdog,
        };
        let begun = Instant::now();
        while let Err(why) = started.server.get("/-/ready", &[]).await {
            let log = started.server.log();
            assert!(begun.elapsed() < DEADLINE, "not ready: {why}\n{log}");
            tokio::time::sleep(LOOK).await;
        }
        started
    }

    /// What a query says now.
    ///
    /// # Errors
    /// In Prometheus's words.
    pub async fn instant(&self, query: &str) -> Result<Vec<Series>, String> {
        let data = self.api("query", &[("query", query)]).await?;
        Ok(series(&data))
    }

    /// What a query said from `since` seconds ago until now, once a second.
    ///
    /// # Errors
    /// In Prometheus's words.
    pub async fn range(&self, query: &str, since: u64) -> Result<Vec<Series>, String> {
        let now = jiff::Timestamp::now().as_second();
        let start = now.saturating_sub_unsigned(since).to_string();
        let parameters = [
            ("query", query),
            ("start", &start),
            ("end", &now.to_string()),
            ("step", "1"),
        ];
        Ok(series(&self.api("query_range", &parameters).await?))
    }

    /// Waits until a query says what is wanted.
    ///
    /// # Panics
    /// At the deadline, with what it says then; at once if it is no query.
    pub async fn until(&self, query: &str, wanted: impl Fn(&[Series]) -> bool) -> Vec<Series> {
        let begun = Instant::now();
        loop {
            let found = self.instant(query).await.unwrap();
            if wanted(&found) {
                return found;
            }
            assert!(begun.elapsed() < DEADLINE, "{query} says {found:#?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The values of a label, of the series that a selector selects.
    ///
    /// # Errors
    /// In Prometheus's words.
    pub async fn label_values(&self, selector: &str, label: &str) -> Result<Vec<String>, String> {
        let path = format!("label/{label}/values");
        let values = self.api(&path, &[("match[]", selector)]).await?;
        Ok(serde_json::from_value(values).unwrap())
    }

    /// A query's syntax tree, as Prometheus's own user interface gets it.
    ///
    /// # Errors
    /// In Prometheus's words.
    pub async fn parse(&self, query: &str) -> Result<Value, String> {
        self.api("parse_query", &[("query", query)]).await
    }

    /// Waits until every rule has been evaluated; returns what went wrong with them.
    pub async fn failed_rules(&self) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let answer = self.api("rules", &[]).await.unwrap();
            let groups = answer["groups"].as_array().unwrap();
            let rules: Vec<&Value> = groups
                .iter()
                .flat_map(|group| group["rules"].as_array().unwrap())
                .collect();
            let is_evaluated = |rule: &&Value| rule["health"] != "unknown";
            if !rules.is_empty() && rules.iter().all(is_evaluated) {
                let failed = rules.iter().filter(|rule| rule["health"] != "ok");
                return failed.map(ToString::to_string).collect();
            }
            assert!(begun.elapsed() < DEADLINE, "not evaluated: {answer:#}");
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let path = format!("/api/v1/{path}");
        let text = self.server.get(&path, parameters).await?;
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        Ok(answer["data"].take())
    }
}

/// The configuration, with the rules where they are.
fn configured(targets: &[(&str, &str)], rules: &[&Path]) -> Value {
    let jobs: Vec<Value> = targets
        .iter()
        .map(|(job, address)| json!({"job_name": job, "static_configs": [{"targets": [address]}]}))
        .collect();
    json!({
        "global": {
            "scrape_interval": SCRAPE_INTERVAL,
            "scrape_timeout": SCRAPE_INTERVAL,
            "evaluation_interval": "1s",
        },
        "scrape_configs": jobs,
        "rule_files": rules,
    })
}

/// The series of a vector or a matrix.
fn series(data: &Value) -> Vec<Series> {
    let value = |sample: &Value| sample[1].as_str().unwrap().parse().unwrap();
    let all = data["result"].as_array().unwrap().iter();
    all.map(|series| Series {
        labels: serde_json::from_value(series["metric"].clone()).unwrap(),
        values: match series["values"].as_array() {
            Some(several) => several.iter().map(value).collect(),
            None => vec![value(&series["value"])],
        },
    })
    .collect()
}
