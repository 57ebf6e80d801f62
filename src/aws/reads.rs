//! Read-only access to AWS.

use std::{collections::BTreeSet, fmt, sync::Arc};

use super::{
    attempts::RequestObserver, client::Aws, fault::Fault, foundation::own_retries,
    options::Options, outcome::Operation, rate::RateController, reader::TargetReader,
    session::caller,
};
use crate::domain::{Access, AccountId, ReadFailure, Region, TargetKey, TargetState};

/// Read-only handle on AWS. Its holder cannot obtain a [`TargetWriter`](super::TargetWriter). Cheap
/// to clone.
#[derive(Clone)]
pub struct AwsReads(Aws);

impl Aws {
    /// Returns a read-only handle. It shares connections, credentials and rate limits with this
    /// client.
    #[must_use]
    pub fn reads(&self) -> AwsReads {
        AwsReads(self.clone())
    }
}

impl AwsReads {
    /// Same as [`Aws::from_environment`].
    pub async fn from_environment(options: Options, requests: Arc<dyn RequestObserver>) -> Self {
        Self(Aws::from_environment(options, requests).await)
    }

    /// Same as [`Aws::reader`].
    #[must_use]
    pub fn reader(&self, key: &TargetKey) -> TargetReader {
        self.0.reader(key)
    }

    /// Same as [`Aws::enabled_regions`].
    pub async fn enabled_regions(
        &self,
        account: &AccountId,
        access: &Access,
    ) -> Result<BTreeSet<Region>, ReadFailure> {
        self.0.enabled_regions(account, access).await
    }

    /// Returns the region from the environment or the profile, if any.
    #[must_use]
    pub fn own_region(&self) -> Option<&Region> {
        self.0.foundation.own_region()
    }

    /// Returns the account of the operator's own identity. Sends `GetCallerIdentity`, which needs
    /// no permission.
    pub async fn own_account(&self) -> Result<AccountId, ReadFailure> {
        const OPERATION: Operation = Operation::GetCallerIdentity;
        let foundation = &self.0.foundation;
        let rate = Arc::new(RateController::new(1));
        let sts = foundation.sts(
            foundation.own_partition(),
            &foundation.own,
            &own_retries(),
            &rate,
        );
        let account = caller(&sts).await.and_then(|account| {
            account
                .parse()
                .map_err(|_| Fault::of_answer(OPERATION, "an invalid account ID"))
        });
        account.map_err(|fault| {
            let state = fault.outcome.target_state();
            fault.reads(state.unwrap_or(TargetState::InvalidCredentials))
        })
    }
}

impl fmt::Debug for AwsReads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AwsReads").finish_non_exhaustive()
    }
}
