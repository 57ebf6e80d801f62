//! A server program that a test starts, and its pages.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use kube::{Client, Config};

/// Until a program has started, on a machine that does five other things.
const DEADLINE: Duration = Duration::from_mins(1);

/// A running program that serves. Dropping it ends it.
pub struct Server {
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
    /// One for each address that it listens on.
    pages: Vec<Client>,
}

impl Server {
    /// Starts a program and waits until it has logged, as the servers of Prometheus's family do,
    /// that it listens on so many addresses. It is for the caller to see to it that the program
    /// ends with the test's process.
    ///
    /// # Panics
    /// If it does not.
    pub fn start(command: &mut Command, addresses: usize) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let (sender, heard) = mpsc::channel();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(address) = listening(&line) {
                    let _ = sender.send(address);
                }
                kept.lock().unwrap().push(line);
            }
        });
        let mut started = Self {
            process,
            log,
            pages: Vec::new(),
        };
        for _ in 0..addresses {
            let address = heard.recv_timeout(DEADLINE);
            let address = address.unwrap_or_else(|why| panic!("{why}:\n{}", started.log()));
            let config = Config::new(format!("http://{address}").parse().unwrap());
            started.pages.push(Client::try_from(config).unwrap());
        }
        started
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// GET of a page at each of its addresses.
    pub async fn get_all(&self, path: &str) -> Vec<String> {
        let mut all = Vec::new();
        for page in &self.pages {
            all.extend(get(page, path).await);
        }
        all
    }

    /// GET of a page, with parameters.
    ///
    /// # Errors
    /// The body of an answer that is none, or why there is none.
    pub async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<String, String> {
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        let encoded = encoded.extend_pairs(parameters).finish();
        get(&self.pages[0], &format!("{path}?{encoded}")).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The address in a line such as `msg="Listening on" address=127.0.0.1:41234`.
fn listening(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("Listening on")?;
    let (_, address) = rest.split_once("address=")?;
    let address = address.split_whitespace().next()?;
    Some(address.trim_matches('"').to_owned())
}

async fn get(page: &Client, path: &str) -> Result<String, String> {
    let request = Request::get(path)
        .body(kube::client::Body::empty())
        .unwrap();
    let answer = page.send(request).await.map_err(|why| why.to_string())?;
    let is_good = answer.status().is_success();
    let body = to_bytes(Body::new(answer.into_body()), usize::MAX).await;
    let text = String::from_utf8(body.unwrap().to_vec()).unwrap();
    if is_good { Ok(text) } else { Err(text) }
}
