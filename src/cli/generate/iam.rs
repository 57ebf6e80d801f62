//! `sudoless generate iam`.

use clap::{ArgGroup, Args, ValueEnum};

use super::{Error, Mode, once_each, partition};
use crate::{
    domain::{AccountId, ExternalId, Partition, RoleName},
    generate::{
        self, ClusterArn, Document, KubernetesName, OidcProvider, PartitionName, Permissions,
        RoleArn, RolePattern, ServiceAccount, Tag,
    },
};

/// Print an IAM policy for the role in an account or for the operator's own role, or a trust policy
/// of either
///
/// The role in an account needs a policy (--mode) and a trust policy (--trust account). The
/// operator's own role needs a policy (--operator) and a trust policy (--trust irsa or
/// pod-identity).
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").args(["mode", "operator", "trust"]).required(true),
    after_help = "Examples:
  sudoless generate iam --mode audit
  sudoless generate iam --mode enforce --exempt-tag sudoless-exempt
  sudoless generate iam --operator --role sudoless --account 111122223333,444455556666
  sudoless generate iam --trust account --external-id 8f1c \\
    --operator-role arn:aws:iam::123456789012:role/sudoless-operator
  sudoless generate iam --trust pod-identity \\
    --cluster arn:aws:eks:eu-west-1:123456789012:cluster/platform
  sudoless generate iam --trust irsa \\
    --oidc-provider arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/EXAMPLE"
)]
pub struct Arguments {
    /// Permissions of the role in an account
    #[arg(long, value_enum)]
    mode: Option<Mode>,

    /// Permissions of the operator's own role: to assume the roles in the accounts
    #[arg(long)]
    operator: bool,

    /// Trust policy: the principals that may assume a role
    #[arg(long, value_enum, value_name = "HOW")]
    trust: Option<Trust>,

    /// Partition of the ARNs: aws, aws-cn, aws-us-gov, …
    #[arg(long, default_value = "aws", value_name = "NAME", value_parser = partition, conflicts_with = "trust")]
    partition: Partition,

    #[command(flatten)]
    mode_options: ModeOptions,

    #[command(flatten)]
    operator_options: OperatorOptions,

    #[command(flatten)]
    trust_options: TrustOptions,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "With --mode enforce")]
struct ModeOptions {
    /// Tag of notebooks that the role may neither stop nor update, whatever a policy says. KEY
    /// alone matches any value. May be repeated
    #[arg(long, value_name = "KEY[=VALUE]", conflicts_with_all = ["operator", "trust"])]
    exempt_tag: Vec<Tag>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "With --operator")]
struct OperatorOptions {
    /// Role in each account, as name, or path and name
    #[arg(long, default_value = "sudoless", value_name = "ROLE", conflicts_with_all = ["mode", "trust"])]
    role: RoleName,

    /// Account whose role may be assumed. May be repeated, or separated by commas [default: every
    /// account whose role trusts the operator]
    #[arg(long, value_name = "ID", value_delimiter = ',', conflicts_with_all = ["mode", "trust"])]
    account: Vec<AccountId>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "With --trust")]
struct TrustOptions {
    /// account: ARN of the operator's own role
    #[arg(long, value_name = "ARN", required_if_eq("trust", "account"), conflicts_with_all = ["mode", "operator"])]
    operator_role: Option<RoleArn>,

    /// account: external id that the role requires, as externalId in the policy
    #[arg(long, value_name = "ID", requires = "operator_role")]
    external_id: Option<ExternalId>,

    /// irsa: ARN of the cluster's OIDC provider in IAM, as listed by
    /// `aws iam list-open-id-connect-providers`
    #[arg(long, value_name = "ARN", required_if_eq("trust", "irsa"), conflicts_with_all = ["mode", "operator", "operator_role"])]
    oidc_provider: Option<OidcProvider>,

    /// pod-identity: ARN of the cluster [default: every cluster of the account]
    #[arg(long, value_name = "ARN", conflicts_with_all = ["mode", "operator", "operator_role", "oidc_provider"])]
    cluster: Option<ClusterArn>,

    /// irsa, pod-identity: namespace of the operator's service account
    #[arg(long, default_value = "sudoless-system", value_name = "NAME", conflicts_with_all = ["mode", "operator", "operator_role"])]
    namespace: KubernetesName,

    /// irsa, pod-identity: name of the operator's service account
    #[arg(long, default_value = "sudoless", value_name = "NAME", conflicts_with_all = ["mode", "operator", "operator_role"])]
    service_account: KubernetesName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Trust {
    /// The operator's own role, by IAM roles for service accounts
    Irsa,
    /// The operator's own role, by EKS Pod Identity
    PodIdentity,
    /// The role in an account, assumed by the operator's own role
    Account,
}

impl Arguments {
    /// Returns the requested document. The parser guarantees exactly one of `--mode`, `--operator`
    /// and `--trust`.
    pub(super) fn document(&self) -> Result<Document, Error> {
        let partition = PartitionName::Fixed(self.partition);
        if let Some(how) = self.trust {
            self.trust_options.document(how)
        } else if let Some(mode) = self.mode {
            let exempt = self.mode_options.exempt_tag.clone();
            if mode == Mode::Audit && !exempt.is_empty() {
                return Err(Error::Usage(
                    "--exempt-tag needs --mode enforce: in mode audit the role can neither stop nor update notebooks",
                ));
            }
            Ok(generate::member(&Permissions {
                mode: mode.into(),
                partition,
                exempt,
            }))
        } else {
            Ok(generate::operator(&RolePattern {
                role: self.operator_options.role.clone(),
                accounts: once_each(&self.operator_options.account),
                partition,
            }))
        }
    }
}

impl TrustOptions {
    /// Returns the trust policy. The parser guarantees the options that `how` needs, and rejects
    /// the others.
    fn document(&self, how: Trust) -> Result<Document, Error> {
        let account = ServiceAccount {
            namespace: self.namespace.clone(),
            name: self.service_account.clone(),
        };
        match (how, &self.operator_role, &self.oidc_provider) {
            (Trust::Account, Some(operator), _) => {
                Ok(generate::member_trust(operator, self.external_id.as_ref()))
            }
            (Trust::Irsa, None, Some(provider)) => Ok(generate::irsa(provider, &account)),
            (Trust::PodIdentity, None, None) => {
                Ok(generate::pod_identity(&account, self.cluster.as_ref()))
            }
            (Trust::Irsa | Trust::PodIdentity, Some(_), _) => {
                Err(Error::Usage("--operator-role needs --trust account"))
            }
            (Trust::Account, None, _) => Err(Error::Usage("--trust account needs --operator-role")),
            (Trust::Irsa, None, None) => Err(Error::Usage("--trust irsa needs --oidc-provider")),
            (Trust::PodIdentity, None, Some(_)) => {
                Err(Error::Usage("--oidc-provider needs --trust irsa"))
            }
        }
    }
}
