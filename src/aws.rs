//! Reads notebooks from AWS, and changes them. The only place that names the AWS SDK.
//!
//! One [`Aws`] serves the process: one HTTP connector, and one session, with its credentials, for each account and role
//! that some [`TargetReader`] or [`TargetWriter`] still uses. Nothing in here writes but `writer.rs`.
//!
//! What the SDK logs at level `trace` holds requests with their credentials: telemetry must not let it through.

mod attempts;
mod convert;
mod fault;
mod foundation;
mod identity;
mod outcome;
mod reader;
mod reads;
mod session;
mod wire;
mod wording;
mod writer;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use aws_config::{BehaviorVersion, SdkConfig};

pub use self::{
    attempts::RequestObserver,
    outcome::{Operation, Outcome},
    reader::TargetReader,
    reads::AwsReads,
    writer::TargetWriter,
};
use self::{fault::Fault, foundation::Foundation, session::Session, wire::Wire};
use crate::domain::{Access, AccountId, Partition, ReadFailure, Region, TargetKey};

/// Pages that one list may have, empty ones included. Ten thousand notebooks fill a hundred.
const MOST_PAGES: usize = 2_000;

/// How AWS is asked.
#[derive(Clone, Debug)]
pub struct Options {
    /// Describes (and tag reads) that a target may have in flight: where
    /// [`TargetReader::describes_in_flight`] begins.
    pub describes_per_target: usize,
    /// Describes (and tag reads) on the wire, over all targets.
    pub describes_overall: usize,
    /// How long one attempt of a read may take, from when it is sent until its answer is read.
    pub attempt_timeout: Duration,
    /// How long a connection may take, within `attempt_timeout`.
    pub connect_timeout: Duration,
    /// How long a write may take in all: credentials, connection, sending and answer. It has to fit into what is left of a
    /// lease.
    pub write_timeout: Duration,
    /// How often a read is sent at most; a write is sent once. Throttling needs ten: with three, one of 300 Describes is lost against a
    /// bucket of ten a second (measured).
    pub attempts: u32,
}

/// AWS, as the operator's identity reaches it. Cheap to clone.
#[derive(Clone)]
pub struct Aws {
    foundation: Arc<Foundation>,
    sessions: Arc<Mutex<Sessions>>,
}

/// Who reads where: one set of credentials serves all regions of a partition.
#[derive(Clone, PartialEq, Eq, Hash)]
struct SessionKey {
    account: AccountId,
    access: Access,
    partition: Partition,
}

/// The sessions that somebody uses, and some that nobody does any more.
#[derive(Default)]
struct Sessions {
    by_key: HashMap<SessionKey, Weak<Session>>,
    /// At this many, those that nobody uses are dropped.
    purge_at: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            describes_per_target: 20,
            describes_overall: 200,
            attempt_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            // At most `kubernetes::LONGEST_WRITE`; `tests/fence.rs` compares the two.
            write_timeout: Duration::from_secs(5),
            attempts: 10,
        }
    }
}

impl Aws {
    /// Takes region, endpoint and identity from where the AWS SDKs take them: environment, profile, IRSA, Pod Identity,
    /// instance role. Never fails: without credentials, every target is `InvalidCredentials`.
    pub async fn from_environment(options: Options, requests: Arc<dyn RequestObserver>) -> Self {
        let wire = Wire::new(&options);
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(wire.clone())
            .load()
            .await;
        Self::over(wire, config, &options, requests)
    }

    /// Takes region, endpoint and identity from a configuration of the SDK, and nothing else.
    #[must_use]
    pub fn new(config: SdkConfig, options: &Options, requests: Arc<dyn RequestObserver>) -> Self {
        Self::over(Wire::new(options), config, options, requests)
    }

    fn over(
        wire: Wire,
        config: SdkConfig,
        options: &Options,
        requests: Arc<dyn RequestObserver>,
    ) -> Self {
        Self {
            foundation: Arc::new(Foundation::new(wire, config, options, requests)),
            sessions: Arc::default(),
        }
    }

    /// A reader for one target, to be kept as long as the target is named: it remembers how fast the target may be
    /// read, and keeps the account's credentials. Nothing is sent yet.
    #[must_use]
    pub fn reader(&self, key: &TargetKey) -> TargetReader {
        let session = self.session(&key.account, &key.access, key.region.partition());
        TargetReader::new(session, key.region.clone())
    }

    /// A writer for one target. It shares the credentials of the target's reader, and not its rate: a write waits for no
    /// read. Nothing is sent yet.
    #[must_use]
    pub fn writer(&self, key: &TargetKey) -> TargetWriter {
        let session = self.session(&key.account, &key.access, key.region.partition());
        TargetWriter::new(session, key.region.clone())
    }

    /// The regions enabled for an account, in the partition of the operator's own region (else `aws`).
    ///
    /// Never fails as `RegionDisabled`, which would not count as unread: the region that is asked here is always
    /// enabled, so that an answer which says otherwise is not understood, and the account unread.
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
        // An account without any region does not exist: nothing would be read, and nothing found.
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

/// The tokens of a list that is read page by page.
#[derive(Debug, Default)]
struct Pages {
    next: Option<String>,
    seen: HashSet<String>,
}

impl Pages {
    /// The token to send.
    fn next(&mut self) -> Option<String> {
        self.next.take()
    }

    /// Whether the page that came with this token is the last. A page may be empty and still not be the last. A token
    /// that comes back, or too many pages, is a list without end, and what was read of it is not the whole.
    fn end_at(&mut self, token: Option<String>, operation: Operation) -> Result<bool, Fault> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(true);
        };
        if !self.seen.insert(token.clone()) {
            return Err(Fault::of_answer(
                operation,
                "a page's token was given twice",
            ));
        }
        if self.seen.len() >= MOST_PAGES {
            return Err(Fault::of_answer(operation, "too many pages"));
        }
        self.next = Some(token);
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TargetState;

    const LIST: Operation = Operation::ListNotebookInstances;

    #[test]
    fn pages_end_without_a_token() {
        let mut pages = Pages::default();
        assert_eq!(pages.next(), None);
        assert!(!pages.end_at(Some("a".into()), LIST).unwrap());
        assert_eq!(pages.next().as_deref(), Some("a"));
        assert!(!pages.end_at(Some("b".into()), LIST).unwrap());
        assert!(pages.end_at(Some(String::new()), LIST).unwrap());
        assert!(pages.end_at(None, LIST).unwrap());
    }

    #[test]
    fn pages_never_go_round() {
        let mut pages = Pages::default();
        pages.end_at(Some("a".into()), LIST).unwrap();
        pages.end_at(Some("b".into()), LIST).unwrap();
        let fault = pages.end_at(Some("a".into()), LIST).unwrap_err();
        assert_eq!(fault.outcome.target_state(), Some(TargetState::Unreachable));

        let mut pages = Pages::default();
        let ends = (0..=MOST_PAGES).find(|n| pages.end_at(Some(n.to_string()), LIST).is_err());
        assert_eq!(ends, Some(MOST_PAGES - 1));
    }
}
