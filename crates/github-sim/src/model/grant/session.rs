//! Browser sessions, and sign-ins to organizations with SAML.

use secrecy::SecretString;
use time::OffsetDateTime;

use super::{Grant, Grants, hash_secret};
use crate::random;

impl Grants {
    pub(crate) fn sign_in(&mut self, user: u64) -> SecretString {
        let session = random::hex(16);
        self.sessions.insert(hash_secret(&session), user);
        session.into()
    }

    pub(crate) fn session(&self, session: &str) -> Option<u64> {
        self.sessions.get(&hash_secret(session)).copied()
    }

    /// Signs the user in to an organization with SAML.
    pub(crate) fn sign_in_with_sso(&mut self, organization: u64, user: u64, now: OffsetDateTime) {
        self.sso_sessions.insert((organization, user), now);
    }

    /// Returns whether the user was signed in to the organization when the token was issued. Like GitHub, older tokens stay refused.
    pub(crate) fn has_sso(&self, organization: u64, token: &Grant) -> bool {
        self.sso_sessions.get(&(organization, token.user)).is_some_and(|since| token.issued_at >= *since)
    }
}
