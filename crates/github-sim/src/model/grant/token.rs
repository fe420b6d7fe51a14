//! User tokens and their refresh tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use time::{Duration, OffsetDateTime};

use super::{Grants, hash_secret};
use crate::random;

/// `expires_in` of user tokens.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::seconds(28_800);
/// `refresh_token_expires_in`, about six months.
pub(crate) const REFRESH_LIFETIME: Duration = Duration::seconds(15_897_600);

/// The App and the user of a code or a token.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) app_id: u64,
    pub(crate) user: u64,
    pub(crate) issued_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    /// The installation and repositories to which a token is restricted.
    pub(crate) scope: Option<Arc<Scope>>,
}

impl Grant {
    pub(super) fn new(app_id: u64, user: u64, now: OffsetDateTime, lifetime: Duration) -> Self {
        Self { app_id, user, issued_at: now, expires_at: now + lifetime, scope: None }
    }

    /// Returns whether the token can access the installation.
    pub(crate) fn covers(&self, installation: u64) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.installation == installation)
    }

    /// Returns whether the token can access the repository of an installation that it can access.
    pub(crate) fn covers_repository(&self, repository: u64) -> bool {
        let repositories = self.scope.as_ref().and_then(|scope| scope.repositories.as_ref());
        repositories.is_none_or(|ids| ids.contains(&repository))
    }
}

/// The access of a scoped user token.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) installation: u64,
    /// `None` is all repositories of the installation.
    pub(crate) repositories: Option<BTreeSet<u64>>,
    pub(crate) permissions: BTreeMap<String, String>,
}

/// A user token and its refresh token.
#[derive(Debug)]
pub(crate) struct TokenPair {
    pub(crate) access: SecretString,
    pub(crate) refresh: SecretString,
}

impl Grants {
    pub(crate) fn issue_tokens(&mut self, app_id: u64, user: u64, now: OffsetDateTime) -> TokenPair {
        let refresh: SecretString = random::alphanumeric("ghr_", 76).into();
        self.authorized.insert((app_id, user));
        let access = self.issue(Grant::new(app_id, user, now, TOKEN_LIFETIME));
        let (key, access_key) = (hash_secret(refresh.expose_secret()), hash_secret(access.expose_secret()));
        self.refresh_tokens.insert(key, (Grant::new(app_id, user, now, REFRESH_LIFETIME), access_key));
        TokenPair { access, refresh }
    }

    fn issue(&mut self, grant: Grant) -> SecretString {
        let token = random::alphanumeric("ghu_", 36);
        self.tokens.insert(hash_secret(&token), grant);
        token.into()
    }

    /// Consumes the refresh token, revokes its user token and returns the user.
    pub(crate) fn redeem_refresh(&mut self, app_id: u64, token: &str, now: OffsetDateTime) -> Option<u64> {
        let key = hash_secret(token);
        self.refresh_tokens.get(&key).filter(|(grant, _)| grant.app_id == app_id)?;
        let (grant, access) = self.refresh_tokens.remove(&key)?;
        self.tokens.remove(&access);
        (now < grant.expires_at).then_some(grant.user)
    }

    pub(crate) fn token(&self, token: &str, now: OffsetDateTime) -> Option<&Grant> {
        self.tokens.get(&hash_secret(token)).filter(|grant| now < grant.expires_at)
    }

    /// Returns a live token of the App.
    pub(crate) fn token_of_app(&self, app_id: u64, token: &str, now: OffsetDateTime) -> Option<&Grant> {
        self.token(token, now).filter(|grant| grant.app_id == app_id)
    }

    /// Revokes a user token of the App with its refresh token. Returns whether it was live.
    pub(crate) fn revoke(&mut self, app_id: u64, token: &str, now: OffsetDateTime) -> bool {
        if self.token_of_app(app_id, token, now).is_none() {
            return false;
        }
        let key = hash_secret(token);
        self.refresh_tokens.retain(|_, (_, access)| *access != key);
        self.tokens.remove(&key).is_some()
    }

    /// Replaces a live user token of the App. Its refresh token now belongs to the new one.
    pub(crate) fn reset(&mut self, app_id: u64, token: &str, now: OffsetDateTime) -> Option<SecretString> {
        let old = self.token_of_app(app_id, token, now)?;
        let new = Grant { scope: old.scope.clone(), ..Grant::new(app_id, old.user, now, TOKEN_LIFETIME) };
        let key = hash_secret(token);
        self.tokens.remove(&key);
        let token = self.issue(new);
        let new_key = hash_secret(token.expose_secret());
        let refresh = self.refresh_tokens.values_mut().find(|(_, access)| *access == key);
        if let Some((_, access)) = refresh {
            *access = new_key;
        }
        Some(token)
    }

    /// Issues a restricted token for the user of a live token of the App.
    pub(crate) fn issue_scoped(
        &mut self,
        app_id: u64,
        token: &str,
        scope: Scope,
        now: OffsetDateTime,
    ) -> Option<SecretString> {
        let user = self.token_of_app(app_id, token, now)?.user;
        let grant = Grant { scope: Some(Arc::new(scope)), ..Grant::new(app_id, user, now, TOKEN_LIFETIME) };
        Some(self.issue(grant))
    }

    pub(crate) fn live_tokens(&self, now: OffsetDateTime) -> usize {
        self.tokens.values().filter(|grant| now < grant.expires_at).count()
    }
}
