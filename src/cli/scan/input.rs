//! What is scanned: policies in files, or what the flags say.
#![expect(
    clippy::doc_markdown,
    reason = "doc comments are help texts here, where backticks would be shown"
)]

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use clap::Args;

use super::Failure;
use crate::{
    api::{AccountSpec, NotebookRootAccessPolicy, NotebookRootAccessPolicySpec},
    aws::AwsReads,
    decide::{self, FieldError},
    report::visible,
    scan::{
        Subject,
        manifests::{Manifests, Problem},
    },
};

/// The name of the policy that the flags make.
const NAME: &str = "command-line";

/// What in a folder may hold policies.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// What is scanned.
#[derive(Debug, Args)]
#[command(next_help_heading = "What to scan")]
pub(super) struct Input {
    /// Policies (NotebookRootAccessPolicy) to scan by: files, folders with *.yaml, *.yml and *.json below them, or - for standard input
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "FILE|DIR|-",
        num_args = 1..,
        conflicts_with_all = ["account", "role", "external_id", "region"]
    )]
    filename: Vec<PathBuf>,

    /// An account, by its twelve digits, alone or with regions of its own as ID=REGION,REGION; may be repeated [default: the account of
    /// the credentials]
    #[arg(long, value_name = "ID[=REGIONS]")]
    account: Vec<NamedAccount>,

    /// The IAM role to assume in each account, by its name or path and name [default: none; the credentials are used as they are]
    #[arg(long, value_name = "NAME")]
    role: Option<String>,

    /// The external id that the role's trust policy asks for
    #[arg(long, value_name = "ID", requires = "role")]
    external_id: Option<String>,

    /// Regions of the accounts that name none of their own, or '*' for every region that is enabled; may be repeated, or separated by
    /// commas [default: the region of the environment or profile]
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    region: Vec<String>,
}

/// An account as a flag names it.
#[derive(Clone, Debug)]
struct NamedAccount {
    id: String,
    regions: Vec<String>,
}

impl FromStr for NamedAccount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, regions) = match text.split_once('=') {
            None => (text, Vec::new()),
            Some((id, regions)) => (id, regions.split(',').map(str::to_owned).collect()),
        };
        if id.contains(',') {
            return Err(
                "repeat --account for each: what follows a comma is a region, in ID=REGION,REGION"
                    .to_owned(),
            );
        }
        Ok(Self {
            id: id.to_owned(),
            regions,
        })
    }
}

impl Input {
    /// The policies of the files; `None`: none are named.
    pub(super) fn in_files(&self) -> Result<Option<Vec<Subject>>, Failure> {
        if self.filename.is_empty() {
            return Ok(None);
        }
        let mut manifests = Manifests::default();
        for path in &self.filename {
            add(&mut manifests, path)?;
        }
        for ignored in &manifests.ignored {
            eprintln!("{}", visible(&ignored.to_string()));
        }
        if !manifests.problems.is_empty() {
            let problem = |problem: &Problem| visible(&problem.to_string()).into_owned();
            return Err(Failure::Usage(
                manifests.problems.iter().map(problem).collect(),
            ));
        }
        if manifests.subjects.is_empty() {
            let names: Vec<String> = self.filename.iter().map(|path| shown(path)).collect();
            return Err(Failure::Usage(vec![format!(
                "there is no NotebookRootAccessPolicy in {}",
                names.join(", ")
            )]));
        }
        Ok(Some(manifests.subjects))
    }

    /// The policy that the flags make, and what they leave open from the credentials.
    pub(super) async fn by_flags(
        &self,
        aws: &AwsReads,
        patience: Duration,
    ) -> Result<Subject, Failure> {
        let mut regions = self.region.clone();
        let open = self.account.is_empty()
            || self
                .account
                .iter()
                .any(|account| account.regions.is_empty());
        if regions.is_empty() && open {
            let region = aws.own_region().ok_or_else(|| {
                let words = "no region: write --region eu-west-1 (or '*' for every region that is enabled), or set AWS_REGION";
                Failure::Usage(vec![words.to_owned()])
            })?;
            regions.push(region.to_string());
        }
        let mut accounts: Vec<AccountSpec> = self
            .account
            .iter()
            .map(|account| self.spec(&account.id, &account.regions))
            .collect();
        if accounts.is_empty() {
            accounts.push(self.spec(&own_account(aws, patience).await?, &[]));
        }
        if accounts.iter().all(|account| !account.regions.is_empty()) {
            // They would say nothing, and a warning would.
            regions.clear();
        }
        let spec = NotebookRootAccessPolicySpec {
            accounts,
            regions,
            ..NotebookRootAccessPolicySpec::default()
        };
        let resource = NotebookRootAccessPolicy::new(NAME, spec);
        let policy = decide::validate(&resource)
            .map_err(|errors| Failure::Usage(errors.iter().map(of_flag).collect()))?;
        Ok(Subject {
            source: None,
            policy: Arc::new(policy),
        })
    }

    fn spec(&self, id: &str, regions: &[String]) -> AccountSpec {
        AccountSpec {
            id: id.to_owned(),
            role: self.role.clone(),
            external_id: self.external_id.clone(),
            regions: regions.to_vec(),
        }
    }
}

/// The account of the credentials.
async fn own_account(aws: &AwsReads, patience: Duration) -> Result<String, Failure> {
    match tokio::time::timeout(patience, aws.own_account()).await {
        Ok(Ok(account)) => Ok(account.to_string()),
        Ok(Err(failure)) => Err(Failure::OwnAccount(failure.message)),
        Err(_) => Err(Failure::OwnAccount("AWS did not answer in time".to_owned())),
    }
}

/// A field's error, as one of the flag that the field comes from.
fn of_flag(error: &FieldError) -> String {
    let path = error.path.as_str();
    let flag = match path.rsplit_once('.') {
        Some((_, "role")) => "--role",
        Some((_, "externalId")) => "--external-id",
        _ if path.contains(".accounts") => "--account",
        _ => "--region",
    };
    format!("{flag}: {}", error.problem)
}

fn add(manifests: &mut Manifests, path: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Read(shown(path), error);
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(failed)?;
        manifests.add("standard input", &text);
    } else if fs::metadata(path).map_err(failed)?.is_dir() {
        for file in files(path)? {
            add(manifests, &file)?;
        }
    } else {
        let text = fs::read_to_string(path).map_err(failed)?;
        manifests.add(&shown(path), &text);
    }
    Ok(())
}

/// The manifests below a folder, in order. What is hidden is not looked at, nor folders behind links: a mounted ConfigMap has both, and
/// its files are links themselves.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| Failure::Read(shown(folder), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() {
            found.extend(files(&path)?);
        } else if path.is_file() && path.extension().is_some_and(is_manifest) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn is_manifest(extension: &std::ffi::OsStr) -> bool {
    EXTENSIONS
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

fn shown(path: &Path) -> String {
    visible(&path.display().to_string()).into_owned()
}
