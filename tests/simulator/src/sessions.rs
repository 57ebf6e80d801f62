//! Credentials: the caller of a request, and the temporary keys issued by STS.

use std::{collections::HashMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::fleet::Home;

/// Caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) account: String,
    /// ARN shown by `GetCallerIdentity`.
    pub(crate) arn: String,
    pub(crate) user_id: String,
}

/// Reason why a request's credentials were rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request has no Authorization header.
    Missing,
    /// The key is unknown, or its token is not the issued one.
    Invalid,
    /// The credentials have expired.
    Expired,
}

/// Issued temporary credentials.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) caller: Caller,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) token: String,
    pub(crate) expires: Timestamp,
}

/// All valid and expired credentials.
#[derive(Debug)]
pub(crate) struct Sessions {
    home: Home,
    random: fastrand::Rng,
    handed_out: HashMap<String, Session>,
    longest: Option<Duration>,
}

impl Sessions {
    /// Creates the sessions. Each lasts as long as requested, or for `longest` if that is shorter.
    pub(crate) fn new(home: Home, longest: Option<Duration>) -> Self {
        Self {
            home,
            random: fastrand::Rng::new(),
            handed_out: HashMap::new(),
            longest,
        }
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Returns the caller with this key and token.
    pub(crate) fn authenticate(
        &self,
        access_key_id: Option<&str>,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Caller, Refusal> {
        let access_key_id = access_key_id.ok_or(Refusal::Missing)?;
        if access_key_id == self.home.access_key_id {
            return match token {
                None => Ok(self.home_user()),
                Some(_) => Err(Refusal::Invalid),
            };
        }
        let session = self.handed_out.get(access_key_id).ok_or(Refusal::Invalid)?;
        if token != Some(session.token.as_str()) {
            return Err(Refusal::Invalid);
        }
        if session.expires <= now {
            return Err(Refusal::Expired);
        }
        Ok(session.caller.clone())
    }

    /// Returns the account of a key for the counters, even if its token is invalid.
    pub(crate) fn account_of(&self, access_key_id: &str) -> Option<&str> {
        if access_key_id == self.home.access_key_id {
            return Some(&self.home.account);
        }
        let session = self.handed_out.get(access_key_id)?;
        Some(&session.caller.account)
    }

    /// Issues credentials of a role. `role` may contain a path, which is not part of the session's
    /// ARN.
    pub(crate) fn assume(
        &mut self,
        partition: &str,
        account: &str,
        role: &str,
        name: &str,
        lasts: Duration,
        now: Timestamp,
    ) -> Session {
        let lasts = self.longest.map_or(lasts, |longest| longest.min(lasts));
        let lasts = SignedDuration::try_from(lasts).unwrap_or(SignedDuration::MAX);
        let role = role.rsplit('/').next().unwrap_or(role);
        let session = Session {
            caller: Caller {
                account: account.to_owned(),
                arn: format!("arn:{partition}:sts::{account}:assumed-role/{role}/{name}"),
                user_id: format!("AROA{}:{name}", self.letters(17)),
            },
            access_key_id: format!("ASIA{}", self.letters(16)),
            secret_access_key: self.letters(40),
            token: self.letters(200),
            expires: now.saturating_add(lasts).unwrap_or(Timestamp::MAX),
        };
        self.handed_out
            .insert(session.access_key_id.clone(), session.clone());
        session
    }

    /// Expires all issued credentials now, whatever expiry their answers contained.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        for session in self.handed_out.values_mut() {
            session.expires = session.expires.min(now);
        }
    }

    fn home_user(&self) -> Caller {
        let account = &self.home.account;
        Caller {
            account: account.clone(),
            arn: format!("arn:aws:iam::{account}:user/operator"),
            user_id: "AIDASIMULATOROPERATOR".to_owned(),
        }
    }

    fn letters(&mut self, count: usize) -> String {
        (0..count).map(|_| self.random.char('A'..='Z')).collect()
    }
}
