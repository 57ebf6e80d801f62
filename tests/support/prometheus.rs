//! A real Prometheus that scrapes what a test has started.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use kube::{Client, Config};
use local_cluster::{Tool, Toolbox, watchdog::Watchdog};
use serde_json::{Value, json};

/// Between two scrapes.
pub const SCRAPE_INTERVAL: &str = "500ms";

/// Until it is there, or what is waited for, on a machine that does five other things.
const DEADLINE: Duration = Duration::from_mins(1);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// A running Prometheus, with a port and a folder of its own. Both go with it, and it goes with the test's process.
pub struct Prometheus {
    process: Child,
    client: Client,
    log: Arc<Mutex<Vec<String>>>,
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
    /// Starts one that scrapes `host:port`s twice a second, each as a job of its own, and evaluates rules every second.
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
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = watchdog.adopt(&mut command).spawn().unwrap();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let address = listening(&mut process, &log);
        let config = Config::new(format!("http://{address}").parse().unwrap());
        let started = Self {
            process,
            client: Client::try_from(config).unwrap(),
            log,
            _watchdog: watchdog,
        };
        let begun = Instant::now();
        while let Err(why) = started.get("/-/ready", &[]).await {
            let log = started.log.lock().unwrap().join("\n");
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
        let text = self.get(&format!("/api/v1/{path}"), parameters).await?;
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        Ok(answer["data"].take())
    }

    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<String, String> {
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        let encoded = encoded.extend_pairs(parameters).finish();
        let request = Request::get(format!("{path}?{encoded}"))
            .body(kube::client::Body::empty())
            .unwrap();
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let is_good = answer.status().is_success();
        let body = to_bytes(Body::new(answer.into_body()), usize::MAX).await;
        let text = String::from_utf8(body.unwrap().to_vec()).unwrap();
        if is_good { Ok(text) } else { Err(text) }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
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

/// Waits until the log says where it listens; keeps the log from then on.
fn listening(process: &mut Child, log: &Arc<Mutex<Vec<String>>>) -> String {
    let (sender, addresses) = mpsc::channel();
    let lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let kept = Arc::clone(log);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if line.contains("Listening on") {
                let address = line.split_whitespace().find_map(|word| {
                    let address = word.strip_prefix("address=")?;
                    Some(address.trim_matches('"').to_owned())
                });
                let _ = sender.send(address.unwrap_or_default());
            }
            kept.lock().unwrap().push(line);
        }
    });
    addresses
        .recv_timeout(DEADLINE)
        .unwrap_or_else(|error| panic!("no address: {error}\n{}", log.lock().unwrap().join("\n")))
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
