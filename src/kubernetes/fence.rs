//! Checks before each write to AWS that this process still holds the lease.
//!
//! AWS does not know the lease, so it cannot reject a write of an operator that has lost it. A
//! bound in time replaces this check: a write is sent only if the lease lasts longer than the write
//! can take. The next holder of an expired lease therefore finds no write of this process in
//! flight.
//!
//! Two cases are not covered: a process that pauses between this check and its request for longer
//! than the rest of the lease, and clocks that differ by more than [`CLOCK_SKEW`].

use std::{fmt, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease as LeaseObject, LeaseSpec};
use kube::{Api, Client};

use super::lease::{LEASE_SECONDS, Lease, RENEW_SECONDS_BEFORE};

/// Largest tolerated difference between the clocks of two operators. A candidate for the lease
/// compares the holder's `renewTime` with its own clock.
pub const CLOCK_SKEW: Duration = Duration::from_secs(2);

/// Longest write that is allowed at any time while the lease is renewed as scheduled. The lease
/// lasts at least this long, plus the clock skew, at its renewal.
pub const LONGEST_WRITE: Duration =
    Duration::from_secs(RENEW_SECONDS_BEFORE).saturating_sub(CLOCK_SKEW);

/// Timeout of the API server's answer. A later answer would say little about the present lease.
const ANSWER: Duration = Duration::from_secs(3);

// A lease of 15 s that is renewed every 5 s always has 10 s left. A write of 5 s (`write_timeout`
// of the options of `aws`) and the skew need 7 s. The API server's answer may take the rest.
const _: () = assert!(RENEW_SECONDS_BEFORE < LEASE_SECONDS);
const _: () = assert!(LONGEST_WRITE.as_secs() >= 5 + ANSWER.as_secs());

/// Permission of this process to write to AWS. Cheap to clone.
#[derive(Clone)]
pub struct Fence(Option<Held>);

#[derive(Clone)]
struct Held {
    leases: Api<LeaseObject>,
    name: String,
    identity: String,
}

/// Reason for holding back a write.
#[derive(Debug, thiserror::Error)]
pub enum Fenced {
    /// Another operator holds the lease, it has no holder, or it does not exist any more.
    #[error("this operator no longer holds the lease (holder: {})", holder.as_deref().unwrap_or("none"))]
    NotHeld {
        /// Identity of the holder, if any.
        holder: Option<String>,
    },
    /// This process holds the lease, but it expires before the write would end.
    #[error("the lease of this operator may expire before the write would end")]
    ExpiresTooSoon,
    /// The API server did not answer in time.
    #[error("the lease of this operator could not be read in time")]
    NoAnswer,
    /// The API server rejected the request, or could not be reached.
    #[error("the lease of this operator could not be read: {0}")]
    Unreadable(#[source] Box<kube::Error>),
}

impl Fence {
    /// Returns a fence without a lease. The caller has to make sure that no other operator runs.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Returns the fence of a lease that this process competes for. The client must reach the API
    /// server that the lease was acquired from.
    #[must_use]
    pub fn of(lease: Lease, client: Client) -> Self {
        Self(Some(Held {
            leases: Api::namespaced(client, &lease.namespace),
            name: lease.name,
            identity: lease.identity,
        }))
    }

    /// Checks that a write that takes at most `needed` may be sent now. Call it again before each
    /// write, and send the write at once.
    ///
    /// Reads the newest version of the `Lease` from the API server, because a watch or the election
    /// may not have seen a takeover yet.
    pub async fn allows(&self, needed: Duration) -> Result<(), Fenced> {
        let Some(held) = &self.0 else {
            return Ok(());
        };
        let lease = tokio::time::timeout(ANSWER, held.leases.get_opt(&held.name))
            .await
            .map_err(|_| Fenced::NoAnswer)?
            .map_err(|error| Fenced::Unreadable(Box::new(error)))?;
        let spec = lease.and_then(|lease| lease.spec).unwrap_or_default();
        // The clock is read after the answer, because the answer may take long.
        judge(&spec, &held.identity, needed, Timestamp::now())
    }
}

/// Checks that this process holds the lease, and that the lease expires after the write could end
/// by any operator's clock. `renewTime` is by this process's clock.
fn judge(
    lease: &LeaseSpec,
    identity: &str,
    needed: Duration,
    now: Timestamp,
) -> Result<(), Fenced> {
    if lease.holder_identity.as_deref() != Some(identity) {
        let holder = lease.holder_identity.clone();
        return Err(Fenced::NotHeld {
            holder: holder.filter(|holder| !holder.is_empty()),
        });
    }
    let ends = end_of(lease).ok_or(Fenced::ExpiresTooSoon)?;
    let over = SignedDuration::try_from(needed.saturating_add(CLOCK_SKEW))
        .ok()
        .and_then(|needed| now.checked_add(needed).ok())
        .ok_or(Fenced::ExpiresTooSoon)?;
    if over < ends {
        Ok(())
    } else {
        Err(Fenced::ExpiresTooSoon)
    }
}

/// Returns the expiry of the lease, or `None` if it was never renewed or has no duration.
fn end_of(lease: &LeaseSpec) -> Option<Timestamp> {
    let lasts = SignedDuration::from_secs(lease.lease_duration_seconds?.into());
    lease.renew_time.as_ref()?.0.checked_add(lasts).ok()
}

impl fmt::Debug for Fence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lease = self.0.as_ref().map(|held| &held.name);
        formatter.debug_tuple("Fence").field(&lease).finish()
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
    use kube::Config;

    use super::*;

    const ME: &str = "me-0000002a";
    const WRITE: Duration = Duration::from_secs(5);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A lease renewed at noon for fifteen seconds.
    fn mine() -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(ME.into()),
            renew_time: Some(MicroTime(at("2026-01-02T12:00:00Z"))),
            lease_duration_seconds: Some(15),
            ..LeaseSpec::default()
        }
    }

    /// Judges a lease at a time, and returns the result in short.
    fn said(lease: &LeaseSpec, needed: Duration, now: &str) -> &'static str {
        match judge(lease, ME, needed, at(now)) {
            Ok(()) => "allowed",
            Err(Fenced::NotHeld { holder: None }) => "nobody's",
            Err(Fenced::NotHeld { holder: Some(_) }) => "another's",
            Err(Fenced::ExpiresTooSoon) => "too late",
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_is_left_must_be_longer_than_the_write_and_the_skew() {
        for (needed, now, expected) in [
            (WRITE, "2026-01-02T12:00:00Z", "allowed"),
            // The latest scheduled renewal: ten seconds are left.
            (WRITE, "2026-01-02T12:00:05Z", "allowed"),
            (LONGEST_WRITE, "2026-01-02T12:00:04.999999Z", "allowed"),
            (LONGEST_WRITE, "2026-01-02T12:00:05Z", "too late"),
            (WRITE, "2026-01-02T12:00:07.999999Z", "allowed"),
            (WRITE, "2026-01-02T12:00:08Z", "too late"),
            (WRITE, "2026-01-02T12:00:14Z", "too late"),
            (WRITE, "2026-01-02T12:00:15Z", "too late"),
            (WRITE, "2026-01-02T13:00:00Z", "too late"),
            (Duration::ZERO, "2026-01-02T12:00:12.999999Z", "allowed"),
            (Duration::ZERO, "2026-01-02T12:00:13Z", "too late"),
            (Duration::from_secs(13), "2026-01-02T12:00:00Z", "too late"),
            (Duration::MAX, "2026-01-02T12:00:00Z", "too late"),
        ] {
            assert_eq!(said(&mine(), needed, now), expected, "{needed:?} at {now}");
        }
    }

    #[test]
    fn what_is_not_plainly_ours_is_not() {
        let other = |change: fn(&mut LeaseSpec)| {
            let mut lease = mine();
            change(&mut lease);
            lease
        };
        let table = [
            (mine(), "allowed"),
            (LeaseSpec::default(), "nobody's"),
            (other(|it| it.holder_identity = None), "nobody's"),
            (
                other(|it| it.holder_identity = Some(String::new())),
                "nobody's",
            ),
            (
                other(|it| it.holder_identity = Some("me-0000002b".into())),
                "another's",
            ),
            (
                other(|it| it.holder_identity = Some("me".into())),
                "another's",
            ),
            (other(|it| it.renew_time = None), "too late"),
            (other(|it| it.lease_duration_seconds = None), "too late"),
            (other(|it| it.lease_duration_seconds = Some(0)), "too late"),
            (
                other(|it| it.lease_duration_seconds = Some(i32::MIN)),
                "too late",
            ),
            (
                other(|it| it.renew_time = Some(MicroTime(Timestamp::MAX))),
                "too late",
            ),
        ];
        for (lease, expected) in table {
            let said = said(&lease, WRITE, "2026-01-02T12:00:01Z");
            assert_eq!(said, expected, "{lease:?}");
        }
    }

    #[tokio::test]
    async fn without_a_lease_everything_is_allowed() {
        assert!(Fence::none().allows(Duration::MAX).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_does_not_answer_allows_nothing() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let silent = Client::try_from(Config::new(url.parse().unwrap())).unwrap();
        let lease = Lease {
            name: "sudoless".into(),
            namespace: "default".into(),
            identity: ME.into(),
        };
        let fenced = Fence::of(lease, silent).allows(WRITE).await.unwrap_err();
        assert!(matches!(fenced, Fenced::NoAnswer), "{fenced}");
    }
}
