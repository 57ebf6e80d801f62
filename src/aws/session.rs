//! Identity of the operator in an account, and the meaning of its rejection.

use std::sync::Arc;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::{Region as SdkRegion, retry::RetryPartition};
use tokio::sync::OnceCell;

use super::{
    assumed_role::AssumedRole,
    fault::Fault,
    foundation::{Foundation, first_region, own_retries},
    identity::Identity,
    outcome::Operation,
    rate::RateController,
};
use crate::domain::{Access, AccountId, Partition, ReadFailure, TargetState};

/// Session of the operator in an account of a partition.
pub(super) struct Session {
    pub(super) foundation: Arc<Foundation>,
    pub(super) identity: Arc<Identity>,
    pub(super) account: AccountId,
    partition: Partition,
    /// True if the policy names no role. The operator's own identity then has to be in this
    /// account.
    is_own: bool,
    retries: RetryPartition,
    /// Rate and health of STS's answers for the account.
    pub(super) rate: Arc<RateController>,
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
        let rate = Arc::new(RateController::new(1));
        let is_own = access.role.is_none();
        let identity = match access.role {
            None => Arc::clone(&foundation.own),
            Some(role) => Arc::new(Identity::new(SharedCredentialsProvider::new(AssumedRole {
                foundation: Arc::clone(&foundation),
                partition,
                retries: retries.clone(),
                rate: Arc::clone(&rate),
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
            rate,
            verified: OnceCell::new(),
        }
    }

    /// Checks that the operator's own identity is in the account, if no role is named. The check is
    /// done once.
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

    /// Returns the account of the session's credentials.
    async fn caller(&self) -> Result<String, Fault> {
        let sts = self
            .foundation
            .sts(self.partition, &self.identity, &self.retries, &self.rate);
        caller(&sts).await
    }

    /// Returns the read failure for a fault. Unrecognized credentials are either invalid, or their
    /// region is not enabled for the account. The region is disabled only if STS accepts the same
    /// credentials.
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

/// Returns the account of an STS client's credentials.
pub(super) async fn caller(sts: &aws_sdk_sts::Client) -> Result<String, Fault> {
    const OPERATION: Operation = Operation::GetCallerIdentity;
    sts.get_caller_identity()
        .send()
        .await
        .map_err(|error| Fault::of(OPERATION, &error, None))?
        .account
        .ok_or_else(|| Fault::of_answer(OPERATION, "an answer without an account"))
}
