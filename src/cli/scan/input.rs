//! The policies of a scan, from files or from flags.
#![expect(
    clippy::doc_markdown,
    reason = "doc comments are help texts here, where backticks would be shown"
)]

use std::{
    collections::HashMap, io::Write as _, path::PathBuf, str::FromStr, sync::Arc, time::Duration,
};

use clap::Args;
use jiff::Timestamp;

use super::{
    super::manifests::{Examined, InFile, Located, examine},
    Failure,
};
use crate::{
    api::{AccountSpec, NotebookRootAccessPolicy, NotebookRootAccessPolicySpec},
    aws::AwsReads,
    decide::{self, FieldError, counted},
    offline::{FieldPath, Problem, Severity, Source},
    scan::Subject,
};

/// Name of the policy that is made from flags.
const NAME: &str = "command-line";

/// Flags that select what to scan.
#[derive(Debug, Args)]
#[command(next_help_heading = "What to scan")]
pub(super) struct Input {
    /// Policies (NotebookRootAccessPolicy) to scan by: files, folders that are searched for *.yaml,
    /// *.yml and *.json, or - for standard input
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "FILE|DIR|-",
        num_args = 1..,
        conflicts_with_all = ["account", "role", "external_id", "region"]
    )]
    filename: Vec<PathBuf>,

    /// Account to scan, as twelve digits, or with its own regions as ID=REGION,REGION. May be
    /// repeated [default: the account of the credentials]
    #[arg(long, value_name = "ID[=REGIONS]")]
    account: Vec<NamedAccount>,

    /// IAM role to assume in each account, as name, or path and name [default: none, the
    /// credentials are used directly]
    #[arg(long, value_name = "NAME")]
    role: Option<String>,

    /// External id that the role's trust policy requires
    #[arg(long, value_name = "ID", requires = "role")]
    external_id: Option<String>,

    /// Regions of the accounts without their own regions, or '*' for every enabled region. May be
    /// repeated, or separated by commas [default: the region of the environment or profile]
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    region: Vec<String>,
}

/// An account of a flag.
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
                "repeat --account for each account: a comma separates regions, as in ID=REGION,REGION"
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
    /// Returns the policies in files, or `None` without `-f`. Problems are printed on stderr.
    pub(super) fn in_files(&self, now: Timestamp) -> Result<Option<Vec<Subject>>, Failure> {
        if self.filename.is_empty() {
            return Ok(None);
        }
        let mut examined = examine(&self.filename, now)?;
        // Advice on a field is about applying the manifest, which a scan does not do.
        examined.problems.retain(|located| {
            located.problem.source != Source::Advice || located.problem.path == FieldPath::default()
        });
        refuse_names(&mut examined);
        let mut stderr = anstream::stderr().lock();
        examined.text(&mut stderr)?;
        if examined.skipped > 0 {
            let skipped = counted(
                examined.skipped,
                "object of another kind",
                "objects of other kinds",
            );
            writeln!(stderr, "{skipped} skipped")?;
        }
        if !examined.unread.is_empty() {
            return Err(Failure::Unread(examined.unread.len()));
        }
        if examined.errors() > 0 {
            return Err(Failure::Policies(examined.errors()));
        }
        let subjects: Vec<Subject> = examined.policies.into_iter().filter_map(subject).collect();
        if subjects.is_empty() {
            let words = "no NotebookRootAccessPolicy to scan by";
            return Err(Failure::Usage(vec![words.to_owned()]));
        }
        Ok(Some(subjects))
    }

    /// Returns the policy that the flags describe. The credentials supply a missing account or
    /// region.
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
                let words = "no region: write --region eu-west-1 (or '*' for every enabled region), or set AWS_REGION";
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
            // Unused regions would only cause a warning.
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

/// Returns the account of the credentials.
async fn own_account(aws: &AwsReads, patience: Duration) -> Result<String, Failure> {
    match tokio::time::timeout(patience, aws.own_account()).await {
        Ok(Ok(account)) => Ok(account.to_string()),
        Ok(Err(failure)) => Err(Failure::OwnAccount(failure.message)),
        Err(_) => Err(Failure::OwnAccount("AWS did not answer in time".to_owned())),
    }
}

/// Returns a field's error as an error of the flag that sets the field.
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

/// Adds an error for each missing or duplicate name, because the report identifies policies by
/// name.
fn refuse_names(examined: &mut Examined) {
    let mut seen: HashMap<&str, String> = HashMap::new();
    let mut refusals = Vec::new();
    for found in &examined.policies {
        let Some(policy) = &found.policy else {
            continue;
        };
        let name = policy.name.as_str();
        if name.is_empty() {
            let message = "is missing: the report identifies policies by name";
            refusals.push(of_name(found, message.to_owned()));
        } else if let Some(first) = seen.get(name) {
            let message =
                format!("is also the name of the policy in {first}: names must be unique");
            refusals.push(of_name(found, message));
        } else {
            seen.insert(name, found.location());
        }
    }
    examined.problems.extend(refusals);
}

fn of_name(found: &InFile, message: String) -> Located {
    let problem = Problem {
        severity: Severity::Error,
        source: Source::Advice,
        position: found.named,
        policy: None,
        path: FieldPath::parse("metadata.name"),
        message,
    };
    Located::new(found.file.clone(), None, problem)
}

fn subject(found: InFile) -> Option<Subject> {
    let source = Some(found.location());
    let policy = Arc::new(found.policy?);
    Some(Subject { source, policy })
}
