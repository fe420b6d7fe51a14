//! What a person granted: browser sessions, OAuth codes and user tokens. Only fingerprints are kept.

use std::collections::{BTreeSet, HashMap};

use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use time::{Duration, OffsetDateTime};

use crate::error::SimError;
use crate::random;

const CODE_LIVES: Duration = Duration::minutes(10);
/// What GitHub calls `expires_in`: eight hours.
pub(crate) const TOKEN_LIVES: Duration = Duration::seconds(28_800);
/// What GitHub calls `refresh_token_expires_in`: about six months.
pub(crate) const REFRESH_LIVES: Duration = Duration::seconds(15_897_600);

pub(crate) type Fingerprint = [u8; 32];

pub(crate) fn fingerprint(secret: &str) -> Fingerprint {
    let mut out = [0; 32];
    out.iter_mut().zip(digest(&SHA256, secret.as_bytes()).as_ref()).for_each(|(to, from)| *to = *from);
    out
}

#[derive(Debug, Default)]
pub(crate) struct Grants {
    codes: HashMap<Fingerprint, Grant>,
    tokens: HashMap<Fingerprint, Grant>,
    refresh_tokens: HashMap<Fingerprint, (Grant, Fingerprint)>,
    sessions: HashMap<Fingerprint, u64>,
    /// By App and user, whether or not a token lives.
    authorized: BTreeSet<(u64, u64)>,
}

/// A person's grant to an App.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    pub(crate) app_id: u64,
    pub(crate) user: u64,
    expires_at: OffsetDateTime,
}

/// A pair of tokens, as the OAuth endpoint answers it.
#[derive(Debug)]
pub(crate) struct TokenPair {
    pub(crate) access: SecretString,
    pub(crate) refresh: SecretString,
}

impl Grants {
    pub(crate) fn issue_code(
        &mut self,
        app_id: u64,
        user: u64,
        now: OffsetDateTime,
    ) -> Result<SecretString, SimError> {
        let code = random::hex(10)?;
        self.authorized.insert((app_id, user));
        self.codes.insert(fingerprint(&code), Grant { app_id, user, expires_at: now + CODE_LIVES });
        Ok(code.into())
    }

    /// Takes the code: it is good once, for its App, and not for long. Another App's attempt does not use it up.
    pub(crate) fn redeem_code(&mut self, app_id: u64, code: &str, now: OffsetDateTime) -> Option<u64> {
        let key = fingerprint(code);
        self.codes.get(&key).filter(|grant| grant.app_id == app_id)?;
        self.codes.remove(&key).filter(|grant| now < grant.expires_at).map(|grant| grant.user)
    }

    pub(crate) fn issue_tokens(
        &mut self,
        app_id: u64,
        user: u64,
        now: OffsetDateTime,
    ) -> Result<TokenPair, SimError> {
        let pair = TokenPair {
            access: random::alphanumeric("ghu_", 36)?.into(),
            refresh: random::alphanumeric("ghr_", 76)?.into(),
        };
        self.authorized.insert((app_id, user));
        let access = fingerprint(pair.access.expose_secret());
        self.tokens.insert(access, Grant { app_id, user, expires_at: now + TOKEN_LIVES });
        let refresh = Grant { app_id, user, expires_at: now + REFRESH_LIVES };
        self.refresh_tokens.insert(fingerprint(pair.refresh.expose_secret()), (refresh, access));
        Ok(pair)
    }

    /// Takes the refresh token, good once, and ends the access token that came with it.
    pub(crate) fn redeem_refresh(&mut self, app_id: u64, token: &str, now: OffsetDateTime) -> Option<u64> {
        let key = fingerprint(token);
        self.refresh_tokens.get(&key).filter(|(grant, _)| grant.app_id == app_id)?;
        let (grant, access) = self.refresh_tokens.remove(&key)?;
        self.tokens.remove(&access);
        (now < grant.expires_at).then_some(grant.user)
    }

    pub(crate) fn token(&self, token: &str, now: OffsetDateTime) -> Option<Grant> {
        self.tokens.get(&fingerprint(token)).copied().filter(|grant| now < grant.expires_at)
    }

    /// Revokes an access token of the App, with its refresh token; whether there was one.
    pub(crate) fn revoke(&mut self, app_id: u64, token: &str, now: OffsetDateTime) -> bool {
        let key = fingerprint(token);
        if self.token(token, now).is_none_or(|grant| grant.app_id != app_id) {
            return false;
        }
        self.refresh_tokens.retain(|_, (_, access)| *access != key);
        self.tokens.remove(&key).is_some()
    }

    /// The person ends their authorization of the App, with every code and token; whether there was one.
    pub(super) fn revoke_authorization(&mut self, app_id: u64, user: u64) -> bool {
        let other = |grant: &Grant| (grant.app_id, grant.user) != (app_id, user);
        self.codes.retain(|_, grant| other(grant));
        self.tokens.retain(|_, grant| other(grant));
        self.refresh_tokens.retain(|_, (grant, _)| other(grant));
        self.authorized.remove(&(app_id, user))
    }

    pub(crate) fn live_tokens(&self, now: OffsetDateTime) -> usize {
        self.tokens.values().filter(|grant| now < grant.expires_at).count()
    }

    pub(crate) fn sign_in(&mut self, user: u64) -> Result<SecretString, SimError> {
        let session = random::hex(16)?;
        self.sessions.insert(fingerprint(&session), user);
        Ok(session.into())
    }

    pub(crate) fn session(&self, session: &str) -> Option<u64> {
        self.sessions.get(&fingerprint(session)).copied()
    }
}
