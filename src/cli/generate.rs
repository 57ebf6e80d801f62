//! `sudoless generate`: prints what has to stand in AWS around the operator, and a first policy.
#![expect(
    clippy::doc_markdown,
    reason = "doc comments are help texts here, where backticks would be shown"
)]

mod iam;
mod terraform;

use std::io::{self, Write};

use clap::{Args, Subcommand, ValueEnum};

use crate::{
    domain::{self, Access, AccountId, ExternalId, Partition, Region, RoleName},
    generate::{self, KubernetesName, PrincipalPattern, Starter, Tag},
};

/// Print what has to stand in AWS around the operator: IAM policies, an SCP, templates; and a first policy
///
/// Nothing is sent to AWS or to Kubernetes: it prints, and you look at it before you use it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless generate iam --mode enforce
  sudoless generate scp
  sudoless generate cloudformation role > member-role.yaml
  sudoless generate terraform role --directory modules/sudoless-role
  sudoless generate policy --account 111122223333 --role sudoless > policy.yaml")]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Iam(Box<iam::Arguments>),
    Scp(Scp),
    #[command(name = "cloudformation", visible_alias = "cfn")]
    CloudFormation(CloudFormation),
    Terraform(terraform::Arguments),
    Policy(Policy),
}

/// Print a service control policy: no new notebook with root, and none that gets root back
///
/// A request to create a notebook must say that root access is Disabled, because without a word it is Enabled. A request to
/// update one may say nothing, or Disabled. It does not touch notebooks that have root already, nor the organization's
/// management account: AWS applies no service control policy there. Attach it to one organizational unit first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless generate scp
  sudoless generate scp --exempt-principal 'arn:aws:iam::*:role/notebook-admin'")]
struct Scp {
    /// A role or user that the policy does not bind, as an ARN; * and ? are wildcards. Can be repeated
    #[arg(long, value_name = "ARN")]
    exempt_principal: Vec<PrincipalPattern>,
}

/// Print a CloudFormation template
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless generate cloudformation role > member-role.yaml
  sudoless generate cloudformation role --exempt-tag sudoless-exempt > member-role.yaml
  sudoless generate cloudformation notebook > notebook.yaml")]
struct CloudFormation {
    /// Which
    #[arg(value_enum)]
    template: Template,

    /// For role: notebooks with this tag are neither stopped nor changed; KEY is any value. Can be repeated
    #[arg(long, value_name = "KEY[=VALUE]")]
    exempt_tag: Vec<Tag>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Template {
    /// The role that the operator assumes in an account; a StackSet makes it in many
    Role,
    /// A notebook instance whose users have no root
    Notebook,
}

/// Print a first NotebookRootAccessPolicy, to be edited
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless generate policy --account 111122223333 --region eu-west-1
  sudoless generate policy --account 111122223333,444455556666 --role sudoless --external-id 8f1c
  sudoless generate policy --account 111122223333 --role sudoless --mode enforce > policy.yaml")]
struct Policy {
    /// An account, as its twelve digits. Can be repeated, or a list with commas
    #[arg(long, value_name = "ID", required = true, value_delimiter = ',')]
    account: Vec<AccountId>,

    /// A region [default: every region that is enabled for the account]. Can be repeated, or a list with commas
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    region: Vec<Region>,

    /// The role to assume in each account [default: none, the operator's own identity]
    #[arg(long, value_name = "ROLE")]
    role: Option<RoleName>,

    /// What the role asks for
    #[arg(long, value_name = "ID", requires = "role")]
    external_id: Option<ExternalId>,

    /// What the policy does
    #[arg(long, value_enum, default_value_t = Mode::Audit)]
    mode: Mode,

    /// The policy's name
    #[arg(long, default_value = "no-root", value_name = "NAME")]
    name: KubernetesName,
}

/// What the operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Report only
    Audit,
    /// Also take root away
    Enforce,
}

impl From<Mode> for domain::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Audit => Self::Audit,
            Mode::Enforce => Self::Enforce,
        }
    }
}

/// Why it could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A document has no JSON form; a bug.
    #[error("cannot write the document as JSON: {0}")]
    Serialize(#[from] serde_json::Error),
    /// The output is closed or full.
    #[error("cannot write to the output: {0}")]
    Write(#[from] io::Error),
    /// A module's file.
    #[error(transparent)]
    Module(#[from] terraform::Error),
    /// An option that means nothing for what is asked for.
    #[error("{0}")]
    Usage(&'static str),
}

impl Error {
    /// The exit code: 2 where what was typed makes no sense, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Module(error) => error.exit_code(),
            Self::Serialize(_) | Self::Write(_) => 1,
        }
    }
}

/// Writes what is asked for to `output`.
pub fn run(arguments: &Arguments, mut output: impl Write) -> Result<(), Error> {
    let text = match &arguments.what {
        What::Iam(arguments) => arguments.document()?.json()?,
        What::Scp(arguments) => {
            generate::service_control_policy(&arguments.exempt_principal).json()?
        }
        What::CloudFormation(arguments) => arguments.template()?,
        What::Terraform(arguments) => arguments.text()?,
        What::Policy(arguments) => generate::starter(&arguments.starter()),
    };
    output.write_all(text.as_bytes())?;
    Ok(output.flush()?)
}

impl CloudFormation {
    fn template(&self) -> Result<String, Error> {
        match self.template {
            Template::Role => Ok(generate::member_role(&self.exempt_tag)),
            Template::Notebook if self.exempt_tag.is_empty() => Ok(generate::notebook()),
            Template::Notebook => Err(Error::Usage(
                "--exempt-tag goes with role: write `sudoless generate cloudformation role --exempt-tag …`",
            )),
        }
    }
}

impl Policy {
    fn starter(&self) -> Starter {
        Starter {
            name: self.name.clone(),
            mode: self.mode.into(),
            accounts: once_each(&self.account),
            access: Access {
                role: self.role.clone(),
                external_id: self.external_id.clone(),
            },
            regions: once_each(&self.region),
        }
    }
}

/// What was given, in its order, each once.
fn once_each<T: Clone + PartialEq>(given: &[T]) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(given.len());
    for value in given {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
    kept
}

/// A partition by its name in ARNs.
fn partition(text: &str) -> Result<Partition, String> {
    Partition::ALL
        .into_iter()
        .find(|partition| partition.as_str() == text)
        .ok_or_else(|| {
            let names = Partition::ALL.map(Partition::as_str).join(", ");
            format!("write one of {names}")
        })
}
