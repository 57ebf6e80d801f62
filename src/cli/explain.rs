//! `sudoless explain`: explains from the cluster's policies and records why a notebook is being
//! fixed now, or is not.
#![expect(
    clippy::doc_markdown,
    reason = "doc comments are help texts here, where backticks would be shown"
)]

use std::{io, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use serde::Serialize;

use super::terminal::{appearance, print};
use crate::{
    domain::{AccountId, Region},
    explain::{
        Facts, Found, InvalidQuery, NotebookReference, Query, explain, find, not_found,
        not_found_text, text,
    },
    kubernetes::{Reader, refusal},
};

/// Timeout of a connection to the API server, and of one page of a list.
const PATIENCE: Duration = Duration::from_secs(20);

/// Explain why a notebook is being fixed now, or is not
///
/// For each policy, the answer shows coverage, finding, matching exemption, and what the notebook
/// waits for: the next window, the records that use up the budget, or failures that nobody
/// acknowledged. Then it shows the notebook's record, and what to do.
///
/// The command reads only policies and records from the cluster. It needs no AWS credentials and
/// changes nothing. Facts from AWS are as of the operator's last scan. The ClusterRole
/// sudoless-viewer is enough.
///
/// To install it as a kubectl plugin: ln -s "$(command -v sudoless)" ~/.local/bin/kubectl-sudoless
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless explain churn-model
  sudoless explain churn-model --account 111122223333 --region us-east-1
  sudoless explain arn:aws:sagemaker:us-east-1:111122223333:notebook-instance/churn-model
  sudoless explain churn-model -o json
  sudoless explain churn-model --context prod

Exit codes:
  0  the notebook was found and explained, whatever the answer
  1  an error: no cluster, or no permission to list policies and records
  2  wrong usage, or several notebooks have that name; they are listed
  4  no finding and no record names the notebook: it may be compliant, or was not read. The
     number of policies, findings and records searched is printed")]
pub struct Arguments {
    /// ARN or name of the notebook instance
    #[arg(value_name = "NOTEBOOK")]
    notebook: String,

    /// Account of the notebook, needed if several accounts have a notebook of that name
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,

    /// Region of the notebook, needed if several regions have a notebook of that name
    #[arg(long, value_name = "REGION")]
    region: Option<Region>,

    /// Format of the answer
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,

    /// Kubeconfig file [default: KUBECONFIG, else ~/.kube/config, else the service account of the
    /// pod]
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    kubeconfig: Option<PathBuf>,

    /// Context in the kubeconfig [default: the current context]
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    context: Option<String>,
}

/// Format of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Text for people
    Text,
    /// One JSON object
    Json,
}

/// Error of `sudoless explain`.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The query is invalid.
    #[error(transparent)]
    Query(#[from] InvalidQuery),
    /// The name matches several notebooks.
    #[error("{0}")]
    Several(String),
    /// The kubeconfig is unreadable.
    #[error("the cluster cannot be reached: {0}")]
    Kubeconfig(#[from] KubeconfigError),
    /// There is neither a kubeconfig nor a service account.
    #[error("no API server is configured: set KUBECONFIG or --kubeconfig ({0})")]
    NoCluster(#[from] kube::config::InferConfigError),
    /// The client cannot be created.
    #[error("the cluster cannot be reached: {0}")]
    Unreachable(#[source] kube::Error),
    /// A list request failed.
    #[error("{what} cannot be listed: {advice}{error}")]
    List {
        what: &'static str,
        advice: &'static str,
        #[source]
        error: kube::Error,
    },
    /// The asynchronous runtime cannot start.
    #[error("cannot start the process: {0}")]
    Process(#[source] io::Error),
    /// The answer has no JSON form; a bug.
    #[error("the answer has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
    /// Standard output is not writable.
    #[error("cannot write to standard output: {0}")]
    Write(#[source] io::Error),
}

/// Exit code if no finding and no record names the notebook. `scan` has the same code for unknown
/// results.
const NOTHING_KNOWN: u8 = 4;

/// Runs `sudoless explain`. The help text lists the exit codes.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    match try_run(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn try_run(arguments: &Arguments) -> Result<u8, Failure> {
    let query = Query::new(
        &arguments.notebook,
        arguments.account.clone(),
        arguments.region.clone(),
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Process)?;
    let facts = runtime.block_on(read(arguments))?;
    let now = Timestamp::now();
    match find(&facts, &query) {
        Found::One(notebook) => {
            arguments.print(&facts, &notebook, now)?;
            Ok(0)
        }
        Found::Unlisted(notebook) => {
            arguments.print(&facts, &notebook, now)?;
            Ok(NOTHING_KNOWN)
        }
        Found::Nothing => {
            let answer = not_found(&facts, &query);
            let text = match arguments.output {
                Output::Text => not_found_text(&answer, appearance()),
                Output::Json => json(&answer)?,
            };
            print(&text).map_err(Failure::Write)?;
            Ok(NOTHING_KNOWN)
        }
        Found::Several(notebooks) => Err(Failure::Several(several(&query, &notebooks))),
    }
}

/// Lists policies and records.
async fn read(arguments: &Arguments) -> Result<Facts, Failure> {
    let mut config = arguments.cluster().await?;
    config.connect_timeout = Some(PATIENCE);
    config.read_timeout = Some(PATIENCE);
    // The client's own retries of 429, 503 and 504 take minutes.
    config.default_retry = false;
    let reader = Reader::new(config).map_err(Failure::Unreachable)?;
    let policies = reader
        .policies()
        .await
        .map_err(|error| Failure::list("policies", error))?;
    let records = reader
        .records()
        .await
        .map_err(|error| Failure::list("records", error))?;
    Ok(Facts {
        policies: policies.objects,
        records: records.objects,
        undecodable_policies: policies.undecodable,
        undecodable_records: records.undecodable,
    })
}

impl Arguments {
    async fn cluster(&self) -> Result<Config, Failure> {
        if self.kubeconfig.is_none() && self.context.is_none() {
            return Ok(Config::infer().await?);
        }
        let kubeconfig = match &self.kubeconfig {
            Some(file) => Kubeconfig::read_from(file)?,
            None => Kubeconfig::read()?,
        };
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        Ok(Config::from_custom_kubeconfig(kubeconfig, &options).await?)
    }

    fn print(
        &self,
        facts: &Facts,
        notebook: &NotebookReference,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let explanation = explain(facts, notebook, now);
        let text = match self.output {
            Output::Text => text(&explanation, appearance()),
            Output::Json => json(&explanation)?,
        };
        print(&text).map_err(Failure::Write)
    }
}

impl Failure {
    /// Selects the advice by the HTTP status of the error.
    fn list(what: &'static str, error: kube::Error) -> Self {
        let advice = match refusal(&error) {
            Some(403) => {
                "ask for the ClusterRole sudoless-viewer, which allows listing both kinds. "
            }
            Some(404) => {
                "sudoless is not installed in this cluster, or this is the wrong cluster. "
            }
            _ => "",
        };
        Self::List {
            what,
            advice,
            error,
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Query(_) | Self::Several(_) => 2,
            Self::Kubeconfig(_)
            | Self::NoCluster(_)
            | Self::Unreachable(_)
            | Self::List { .. }
            | Self::Process(_)
            | Self::Json(_)
            | Self::Write(_) => 1,
        }
    }
}

fn several(query: &Query, notebooks: &[NotebookReference]) -> String {
    let mut lines = vec![format!(
        "{} notebooks are named {}: write the ARN of the notebook, or --account and --region",
        notebooks.len(),
        query.name()
    )];
    lines.extend(notebooks.iter().filter_map(|notebook| {
        let arn = notebook.arn.as_ref()?;
        Some(format!("  {}", crate::report::visible(arn.as_str())))
    }));
    lines.join("\n")
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
