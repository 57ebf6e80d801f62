//! Who the operator is in an account, and what it means when that is not accepted.

use std::sync::Arc;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::{Region as SdkRegion, retry::RetryPartition};
use tokio::sync::OnceCell;

use super::{
    Operation,
    attempts::Pulse,
    fault::Fault,
    foundation::{Foundation, first_region, own_retries},
    identity::{AssumedRole, Identity},
};
use crate::domain::{Access, AccountId, Partition, ReadFailure, TargetState};

/// The operator in an account of a partition.
pub(super) struct Session {
    pub(super) foundation: Arc<Foundation>,
    pub(super) identity: Arc<Identity>,
    pub(super) account: AccountId,
    partition: Partition,
    /// No role is named: the account of the operator's own identity has to be this one.
    is_own: bool,
    retries: RetryPartition,
    /// How STS has been answering for the account.
    pub(super) pulse: Arc<Pulse>,
    verified: OnceCell<()>,
}

impl Session {
    pub(super) fn new(
        foundation: Arc<Foundation>,
        account: AccountId,
        access: Access,
        partition: Partition,
    ) -> Self {
        let retries = own_retries();
        let pulse = Arc::new(Pulse::new(1));
        let is_own = access.role.is_none();
        let identity = match access.role {
            None => Arc::clone(&foundation.own),
            Some(role) => Arc::new(Identity::new(SharedCredentialsProvider::new(AssumedRole {
                foundation: Arc::clone(&foundation),
                partition,
                retries: retries.clone(),
                pulse: Arc::clone(&pulse),
                arn: role.arn(partition, &account),
                external_id: access.external_id,
            }))),
        };
        Self {
            foundation,
            identity,
            account,
            partition,
            is_own,
            retries,
            pulse,
            verified: OnceCell::new(),
        }
    }

    /// Makes sure, once, that the operator's own identity is in the account, where no role says so.
    pub(super) async fn verify(&self) -> Result<(), ReadFailure> {
        if !self.is_own {
            return Ok(());
        }
        let verify = async || {
            let caller = match self.caller().await {
                Ok(caller) => caller,
                Err(fault) => return Err(self.failure(fault).await),
            };
            if caller == self.account.as_str() {
                return Ok(());
            }
            Err(ReadFailure {
                state: TargetState::InvalidCredentials,
                message: format!(
                    "sudoless's own identity is in account {caller}, not in {}: write the role to assume there in \
                     accounts[].role",
                    self.account
                ),
            })
        };
        self.verified.get_or_try_init(verify).await.copied()
    }

    /// The account that the session's credentials are in.
    async fn caller(&self) -> Result<String, Fault> {
        let sts = self
            .foundation
            .sts(self.partition, &self.identity, &self.retries, &self.pulse);
        caller(&sts).await
    }

    /// What a fault means for what was to be read. Credentials that are not recognized are bad, or the region is not
    /// enabled for the account: it is the latter only if STS takes the same credentials.
    pub(super) async fn failure(&self, fault: Fault) -> ReadFailure {
        let failure = match fault.outcome.target_state() {
            Some(state) => fault.reads(state),
            None => match self.caller().await {
                Ok(_) if fault.operation == Operation::ListRegions => {
                    fault.reads(TargetState::Unreachable)
                }
                Ok(_) => ReadFailure {
                    state: TargetState::RegionDisabled,
                    message: format!("the region is not enabled for the account: {fault}"),
                },
                Err(check) => match check.outcome.target_state() {
                    None | Some(TargetState::InvalidCredentials) => {
                        fault.reads(TargetState::InvalidCredentials)
                    }
                    Some(state) => check.reads(state),
                },
            },
        };
        if failure.state == TargetState::InvalidCredentials {
            self.identity.forget();
        }
        failure
    }

    pub(super) fn account_client(&self) -> aws_sdk_account::Client {
        let mut config = self.foundation.account.to_builder();
        config.set_credentials_provider(Some(self.identity.provider.clone()));
        aws_sdk_account::Client::from_conf(
            config
                .identity_cache(self.identity.cache())
                .region(SdkRegion::from_static(first_region(self.partition)))
                .retry_partition(self.retries.clone())
                .build(),
        )
    }
}

/// The account of the credentials that a client of STS has.
pub(super) async fn caller(sts: &aws_sdk_sts::Client) -> Result<String, Fault> {
    const OPERATION: Operation = Operation::GetCallerIdentity;
    sts.get_caller_identity()
        .send()
        .await
        .map_err(|error| Fault::of(OPERATION, &error, None))?
        .account
        .ok_or_else(|| Fault::of_answer(OPERATION, "an answer without an account"))
}
