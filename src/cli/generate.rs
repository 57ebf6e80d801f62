//! `sudoless generate`: prints the AWS resources that the operator needs, and a starter policy.
#![expect(
    clippy::doc_markdown,
    reason = "doc comments are help texts here, where backticks would be shown"
)]

mod iam;
mod terraform;

use std::io::{self, Write};

use clap::{Args, Subcommand, ValueEnum};
use strum::VariantArray;

use crate::{
    domain::{self, Access, AccountId, ExternalId, Partition, Region, RoleName},
    generate::{self, KubernetesName, PrincipalPattern, Starter, Tag},
};

/// Generate the AWS resources the operator needs (IAM policies, SCP, CloudFormation, Terraform) and
/// a starter policy
///
/// The output is text to review and apply yourself. Nothing is sent to AWS or Kubernetes.
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

/// Print a service control policy that denies creating notebooks with root access and enabling it
/// again
///
/// A request to create a notebook must set root access to Disabled, because AWS enables root access
/// by default. A request to update a notebook may omit root access or set it to Disabled. The
/// policy does not change notebooks that already give root access. It has no effect in the
/// organization's management account, because AWS applies no service control policy there. Attach
/// it to one organizational unit first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless generate scp
  sudoless generate scp --exempt-principal 'arn:aws:iam::*:role/notebook-admin'")]
struct Scp {
    /// ARN of a role or user that is exempt from the policy; * and ? are wildcards. May be repeated
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
    /// Template to print
    #[arg(value_enum)]
    template: Template,

    /// With role: tag of notebooks that the role may neither stop nor update. KEY alone matches any
    /// value. May be repeated
    #[arg(long, value_name = "KEY[=VALUE]")]
    exempt_tag: Vec<Tag>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Template {
    /// The role that the operator assumes in an account. A StackSet creates it in many accounts
    Role,
    /// A notebook instance whose users have no root
    Notebook,
}

/// Print a starter NotebookRootAccessPolicy to edit
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudoless generate policy --account 111122223333 --region eu-west-1
  sudoless generate policy --account 111122223333,444455556666 --role sudoless --external-id 8f1c
  sudoless generate policy --account 111122223333 --role sudoless --mode enforce > policy.yaml")]
struct Policy {
    /// Account of the policy, as twelve digits. May be repeated, or separated by commas
    #[arg(long, value_name = "ID", required = true, value_delimiter = ',')]
    account: Vec<AccountId>,

    /// Region of the policy. May be repeated, or separated by commas [default: every region that is
    /// enabled for the account]
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    region: Vec<Region>,

    /// Role to assume in each account [default: none, the operator's own identity is used]
    #[arg(long, value_name = "ROLE")]
    role: Option<RoleName>,

    /// External id that the role's trust policy requires
    #[arg(long, value_name = "ID", requires = "role")]
    external_id: Option<ExternalId>,

    /// Mode of the policy
    #[arg(long, value_enum, default_value_t = Mode::Audit)]
    mode: Mode,

    /// Name of the policy
    #[arg(long, default_value = "no-root", value_name = "NAME")]
    name: KubernetesName,
}

/// Mode of a policy or role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Report only
    Audit,
    /// Also disable root access
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

/// Error of `sudoless generate`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A document has no JSON form; a bug.
    #[error("cannot write the document as JSON: {0}")]
    Serialize(#[from] serde_json::Error),
    /// The output is closed or full.
    #[error("cannot write to the output: {0}")]
    Write(#[from] io::Error),
    /// A Terraform module cannot be printed or written.
    #[error(transparent)]
    Module(#[from] terraform::Error),
    /// An option does not belong to the requested document.
    #[error("{0}")]
    Usage(&'static str),
}

impl Error {
    /// Returns the exit code: 2 for wrong usage, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Module(error) => error.exit_code(),
            Self::Serialize(_) | Self::Write(_) => 1,
        }
    }
}

/// Writes the requested document to `output`.
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
                "--exempt-tag needs role: write `sudoless generate cloudformation role --exempt-tag …`",
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

/// Removes duplicates and keeps the order.
fn once_each<T: Clone + PartialEq>(given: &[T]) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(given.len());
    for value in given {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
    kept
}

/// Parses a partition's name in ARNs.
fn partition(text: &str) -> Result<Partition, String> {
    text.parse().map_err(|_| {
        let names = Partition::VARIANTS.iter().map(|each| each.as_str());
        format!("write one of {}", names.collect::<Vec<_>>().join(", "))
    })
}
