//! Users' authorizations of Apps, with OAuth codes and user tokens, and browser sessions. Only SHA-256 hashes of secrets are stored.

use std::collections::{BTreeSet, HashMap};

use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use time::{Duration, OffsetDateTime};

use super::Model;
use super::change::Change;
use crate::error::SimError;
use crate::random;

const CODE_LIFETIME: Duration = Duration::minutes(10);
/// `expires_in` of user tokens.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::seconds(28_800);
/// `refresh_token_expires_in`, about six months.
pub(crate) const REFRESH_LIFETIME: Duration = Duration::seconds(15_897_600);

pub(crate) type SecretHash = [u8; 32];

pub(crate) fn hash_secret(secret: &str) -> SecretHash {
    let mut out = [0; 32];
    out.iter_mut().zip(digest(&SHA256, secret.as_bytes()).as_ref()).for_each(|(to, from)| *to = *from);
    out
}

#[derive(Debug, Default)]
pub(crate) struct Grants {
    codes: HashMap<SecretHash, Grant>,
    tokens: HashMap<SecretHash, Grant>,
    refresh_tokens: HashMap<SecretHash, (Grant, SecretHash)>,
    sessions: HashMap<SecretHash, u64>,
    /// Authorizations by App and user, also those without live tokens.
    authorized: BTreeSet<(u64, u64)>,
}

/// The App and the user of a code or a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    pub(crate) app_id: u64,
    pub(crate) user: u64,
    expires_at: OffsetDateTime,
}

/// A user token and its refresh token.
#[derive(Debug)]
pub(crate) struct TokenPair {
    pub(crate) access: SecretString,
    pub(crate) refresh: SecretString,
}

impl Grants {
    pub(crate) fn issue_code(&mut self, app_id: u64, user: u64, now: OffsetDateTime) -> SecretString {
        let code = random::hex(10);
        self.authorized.insert((app_id, user));
        self.codes.insert(hash_secret(&code), Grant { app_id, user, expires_at: now + CODE_LIFETIME });
        code.into()
    }

    /// Consumes the code and returns its user. `None` if it is unknown, used, expired or another App's, which does not consume it.
    pub(crate) fn redeem_code(&mut self, app_id: u64, code: &str, now: OffsetDateTime) -> Option<u64> {
        let key = hash_secret(code);
        self.codes.get(&key).filter(|grant| grant.app_id == app_id)?;
        self.codes.remove(&key).filter(|grant| now < grant.expires_at).map(|grant| grant.user)
    }

    pub(crate) fn issue_tokens(&mut self, app_id: u64, user: u64, now: OffsetDateTime) -> TokenPair {
        let pair = TokenPair {
            access: random::alphanumeric("ghu_", 36).into(),
            refresh: random::alphanumeric("ghr_", 76).into(),
        };
        self.authorized.insert((app_id, user));
        let access = hash_secret(pair.access.expose_secret());
        self.tokens.insert(access, Grant { app_id, user, expires_at: now + TOKEN_LIFETIME });
        let refresh = Grant { app_id, user, expires_at: now + REFRESH_LIFETIME };
        self.refresh_tokens.insert(hash_secret(pair.refresh.expose_secret()), (refresh, access));
        pair
    }

    /// Consumes the refresh token, revokes its user token and returns the user.
    pub(crate) fn redeem_refresh(&mut self, app_id: u64, token: &str, now: OffsetDateTime) -> Option<u64> {
        let key = hash_secret(token);
        self.refresh_tokens.get(&key).filter(|(grant, _)| grant.app_id == app_id)?;
        let (grant, access) = self.refresh_tokens.remove(&key)?;
        self.tokens.remove(&access);
        (now < grant.expires_at).then_some(grant.user)
    }

    pub(crate) fn token(&self, token: &str, now: OffsetDateTime) -> Option<Grant> {
        self.tokens.get(&hash_secret(token)).copied().filter(|grant| now < grant.expires_at)
    }

    /// Revokes a user token of the App with its refresh token. Returns whether it was live.
    pub(crate) fn revoke(&mut self, app_id: u64, token: &str, now: OffsetDateTime) -> bool {
        let key = hash_secret(token);
        if self.token(token, now).is_none_or(|grant| grant.app_id != app_id) {
            return false;
        }
        self.refresh_tokens.retain(|_, (_, access)| *access != key);
        self.tokens.remove(&key).is_some()
    }

    /// Revokes a user's authorization of an App with all codes and tokens. Returns whether there was one.
    fn revoke_authorization(&mut self, app_id: u64, user: u64) -> bool {
        let other = |grant: &Grant| (grant.app_id, grant.user) != (app_id, user);
        self.codes.retain(|_, grant| other(grant));
        self.tokens.retain(|_, grant| other(grant));
        self.refresh_tokens.retain(|_, (grant, _)| other(grant));
        self.authorized.remove(&(app_id, user))
    }

    pub(crate) fn live_tokens(&self, now: OffsetDateTime) -> usize {
        self.tokens.values().filter(|grant| now < grant.expires_at).count()
    }

    pub(crate) fn sign_in(&mut self, user: u64) -> SecretString {
        let session = random::hex(16);
        self.sessions.insert(hash_secret(&session), user);
        session.into()
    }

    pub(crate) fn session(&self, session: &str) -> Option<u64> {
        self.sessions.get(&hash_secret(session)).copied()
    }
}

impl Model {
    /// Revokes a user's authorization of an App. Installations stay.
    pub(crate) fn revoke_authorization(&mut self, app_id: u64, user: &str) -> Result<(), SimError> {
        let app_id = self.require_app(app_id)?.id;
        let user = self.user_id(user)?;
        if !self.grants.revoke_authorization(app_id, user) {
            return Err(SimError::Invalid("the user has not authorized the App"));
        }
        self.record_change(Change::AuthorizationRevoked { app_id, user });
        Ok(())
    }

    pub(crate) fn refuse_authorization(&mut self, user: &str, refuse: bool) -> Result<(), SimError> {
        let user = self.user_id(user)?;
        if refuse {
            self.refusing.insert(user)
        } else {
            self.refusing.remove(&user)
        };
        Ok(())
    }

    pub(crate) fn refuses_authorization(&self, user: u64) -> bool {
        self.refusing.contains(&user)
    }
}
