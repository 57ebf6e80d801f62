//! The client of AWS: readers, writers and regions of accounts.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use aws_config::{BehaviorVersion, SdkConfig};

use super::{
    attempts::RequestObserver, convert, fault::Fault, foundation::Foundation, limit::LimitedClient,
    options::Options, outcome::Operation, pages::Pages, reader::TargetReader, session::Session,
    writer::TargetWriter,
};
use crate::domain::{Access, AccountId, Partition, ReadFailure, Region, TargetKey};

/// AWS under the operator's identity. Cheap to clone.
#[derive(Clone)]
pub struct Aws {
    pub(super) foundation: Arc<Foundation>,
    sessions: Arc<Mutex<Sessions>>,
}

/// Key of a session. One set of credentials serves all regions of a partition.
#[derive(Clone, PartialEq, Eq, Hash)]
struct SessionKey {
    account: AccountId,
    access: Access,
    partition: Partition,
}

/// Sessions in use, and dropped sessions that await the next purge.
#[derive(Default)]
struct Sessions {
    by_key: HashMap<SessionKey, Weak<Session>>,
    /// Number of entries at which unused sessions are purged.
    purge_at: usize,
}

impl Aws {
    /// Creates the client from the default sources of the AWS SDKs for region, endpoint and
    /// identity: environment, profile, IRSA, Pod Identity, instance role. Never fails: without
    /// credentials, every target is `InvalidCredentials`.
    pub async fn from_environment(options: Options, requests: Arc<dyn RequestObserver>) -> Self {
        let http = LimitedClient::new(&options);
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .load()
            .await;
        Self::over(http, config, &options, requests)
    }

    /// Creates the client with only the region, endpoint and identity of an SDK configuration.
    #[must_use]
    pub fn new(config: SdkConfig, options: &Options, requests: Arc<dyn RequestObserver>) -> Self {
        Self::over(LimitedClient::new(options), config, options, requests)
    }

    fn over(
        http: LimitedClient,
        config: SdkConfig,
        options: &Options,
        requests: Arc<dyn RequestObserver>,
    ) -> Self {
        Self {
            foundation: Arc::new(Foundation::new(http, config, options, requests)),
            sessions: Arc::default(),
        }
    }

    /// Returns a reader for one target. Keep it as long as a policy names the target, because it
    /// remembers the target's read rate and keeps the account's credentials. Sends nothing.
    #[must_use]
    pub fn reader(&self, key: &TargetKey) -> TargetReader {
        let session = self.session(&key.account, &key.access, key.region.partition());
        TargetReader::new(session, key.region.clone())
    }

    /// Returns a writer for one target. It shares the credentials of the target's reader but not
    /// its rate limit, so that writes never wait for reads. Sends nothing.
    #[must_use]
    pub fn writer(&self, key: &TargetKey) -> TargetWriter {
        let session = self.session(&key.account, &key.access, key.region.partition());
        TargetWriter::new(session, key.region.clone())
    }

    /// Returns the regions enabled for an account, in the partition of the operator's own region
    /// (default: `aws`).
    ///
    /// Never fails as `RegionDisabled`, because that state does not count as unread. `ListRegions`
    /// is sent to a region that is always enabled. An answer that calls this region disabled is not
    /// understood, and leaves the account unread.
    pub async fn enabled_regions(
        &self,
        account: &AccountId,
        access: &Access,
    ) -> Result<BTreeSet<Region>, ReadFailure> {
        let session = self.session(account, access, self.foundation.own_partition());
        session.verify().await?;
        let mut listed = self.list_regions(&session).await;
        if listed.as_ref().is_err_and(Fault::is_of_old_credentials) {
            session.identity.forget();
            listed = self.list_regions(&session).await;
        }
        match listed {
            Ok(regions) => Ok(regions),
            Err(fault) => Err(session.failure(fault).await),
        }
    }

    async fn list_regions(&self, session: &Session) -> Result<BTreeSet<Region>, Fault> {
        use aws_sdk_account::types::RegionOptStatus::{Enabled, EnabledByDefault};
        const OPERATION: Operation = Operation::ListRegions;
        let client = session.account_client();
        let mut regions = BTreeSet::new();
        let mut pages = Pages::default();
        loop {
            let answer = client
                .list_regions()
                .max_results(50)
                .region_opt_status_contains(Enabled)
                .region_opt_status_contains(EnabledByDefault)
                .set_next_token(pages.next())
                .send()
                .await
                .map_err(|error| Fault::of(OPERATION, &error, None))?;
            let page = answer.regions.as_deref().and_then(convert::enabled_regions);
            regions.extend(
                page.ok_or_else(|| Fault::of_answer(OPERATION, "an answer without regions"))?,
            );
            if pages.end_at(answer.next_token, OPERATION)? {
                break;
            }
        }
        // An account has at least one region. An empty list would hide all its notebooks.
        if regions.is_empty() {
            return Err(Fault::of_answer(OPERATION, "no region is enabled"));
        }
        Ok(regions)
    }

    fn session(&self, account: &AccountId, access: &Access, partition: Partition) -> Arc<Session> {
        let key = SessionKey {
            account: account.clone(),
            access: access.clone(),
            partition,
        };
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = sessions.by_key.get(&key).and_then(Weak::upgrade) {
            return session;
        }
        let session = Arc::new(Session::new(
            Arc::clone(&self.foundation),
            account.clone(),
            access.clone(),
            partition,
        ));
        sessions.insert(key, Arc::downgrade(&session));
        session
    }
}

impl Sessions {
    fn insert(&mut self, key: SessionKey, session: Weak<Session>) {
        if self.by_key.len() >= self.purge_at {
            self.by_key.retain(|_, session| session.strong_count() > 0);
            self.purge_at = (self.by_key.len() * 2).max(64);
        }
        self.by_key.insert(key, session);
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Aws").finish_non_exhaustive()
    }
}
