//! The App's JWT: RS256, sixty seconds back, nine minutes ahead, signed once in eight minutes (lesson L-43).

use std::fmt;
use std::sync::{Mutex, PoisonError};

use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::SecretString;
use time::OffsetDateTime;

use crate::fault::GithubFault;

/// `iat` lies this far back, so that a clock slightly fast does not make it the future.
const BACK: i64 = 60;
/// `exp` lies this far ahead. GitHub takes up to 600 s by its own clock: the rest is room for ours.
const AHEAD: i64 = 540;
/// A JWT is used until this long before its `exp`.
const MARGIN: i64 = 60;
/// Clocks that differ by no more than this are not why a JWT was refused.
const TOLERATED: i64 = 30;

/// Seconds that GitHub's clock is ahead of ours.
pub(crate) type Ahead = i64;

/// Signs the App's JWTs and keeps the one in use.
pub(crate) struct Signer {
    key: RsaKeyPair,
    issuer: String,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    ahead: Ahead,
    jwt: Option<Jwt>,
}

/// A JWT and when it was signed, by GitHub's clock.
#[derive(Clone)]
pub(crate) struct Jwt {
    text: SecretString,
    signed: i64,
}

impl Jwt {
    pub(crate) fn text(&self) -> &SecretString {
        &self.text
    }

    /// Also false where the clock was set back behind its `iat`.
    fn is_fresh(&self, github_now: i64) -> bool {
        (self.signed.saturating_sub(BACK)..self.signed.saturating_add(AHEAD - MARGIN)).contains(&github_now)
    }
}

impl Signer {
    pub(crate) fn new(key: RsaKeyPair, issuer: String) -> Self {
        Self { key, issuer, kept: Mutex::default() }
    }

    /// The JWT in use, or a new one. Signing happens under the lock: below a millisecond, and one signature for all who
    /// wait for it.
    pub(crate) fn jwt(&self, now: OffsetDateTime) -> Result<Jwt, GithubFault> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let github_now = now.unix_timestamp().saturating_add(kept.ahead);
        if let Some(jwt) = kept.jwt.as_ref().filter(|jwt| jwt.is_fresh(github_now)) {
            return Ok(jwt.clone());
        }
        let jwt = self.sign(github_now)?;
        kept.jwt = Some(jwt.clone());
        Ok(jwt)
    }

    /// How far GitHub's clock is ahead of ours, where that can be why it refused a JWT that was corrected as far as
    /// known.
    pub(crate) fn measured(&self, github: Option<OffsetDateTime>, now: OffsetDateTime) -> Option<Ahead> {
        let ahead = github?.unix_timestamp().saturating_sub(now.unix_timestamp());
        let known = self.kept.lock().unwrap_or_else(PoisonError::into_inner).ahead;
        (ahead.saturating_sub(known).saturating_abs() > TOLERATED).then_some(ahead)
    }

    /// A JWT for a GitHub whose clock is `ahead` of ours; nothing is kept of it yet.
    pub(crate) fn corrected(&self, now: OffsetDateTime, ahead: Ahead) -> Result<Jwt, GithubFault> {
        self.sign(now.unix_timestamp().saturating_add(ahead))
    }

    /// Keeps a correction that GitHub has accepted.
    pub(crate) fn adopt(&self, jwt: Jwt, ahead: Ahead) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Kept { ahead, jwt: Some(jwt) };
    }

    fn sign(&self, github_now: i64) -> Result<Jwt, GithubFault> {
        let claims = serde_json::json!({
            "iat": github_now.saturating_sub(BACK),
            "exp": github_now.saturating_add(AHEAD),
            "iss": self.issuer,
        });
        let mut text = BASE64URL_NOPAD.encode(br#"{"alg":"RS256","typ":"JWT"}"#);
        text.push('.');
        text.push_str(&BASE64URL_NOPAD.encode(claims.to_string().as_bytes()));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| GithubFault::Signing)?;
        text.push('.');
        text.push_str(&BASE64URL_NOPAD.encode(&signature));
        Ok(Jwt { text: text.into(), signed: github_now })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.issuer)
    }
}
