//! The App's JWT: RS256, sixty seconds back, nine minutes ahead, signed once in eight minutes (lesson L-43).

use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::SecretString;
use time::OffsetDateTime;

use crate::fault::GithubFault;
use crate::observer::Observer;

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
    observer: Option<Arc<dyn Observer>>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    ahead: Ahead,
    jwt: Option<Jwt>,
}

/// A JWT, when it was signed by GitHub's clock, and what that clock was taken to be.
#[derive(Clone)]
pub(crate) struct Jwt {
    text: SecretString,
    signed: i64,
    ahead: Ahead,
}

impl Jwt {
    pub(crate) fn text(&self) -> &SecretString {
        &self.text
    }

    /// Also false where the clock was set back behind its `iat`.
    fn is_fresh(&self, now: OffsetDateTime) -> bool {
        let github_now = now.unix_timestamp().saturating_add(self.ahead);
        (self.signed.saturating_sub(BACK)..self.signed.saturating_add(AHEAD - MARGIN)).contains(&github_now)
    }
}

/// Whether two measurements are so far apart that a JWT may be refused for it.
fn differs(one: Ahead, other: Ahead) -> bool {
    one.saturating_sub(other).saturating_abs() > TOLERATED
}

impl Signer {
    pub(crate) fn new(key: RsaKeyPair, issuer: String, observer: Option<Arc<dyn Observer>>) -> Self {
        Self { key, issuer, observer, kept: Mutex::default() }
    }

    /// The JWT in use, or a new one. Signing happens under the lock: below a millisecond, and one signature for all who
    /// wait for it.
    pub(crate) fn jwt(&self, now: OffsetDateTime) -> Result<Jwt, GithubFault> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(jwt) = kept.jwt.as_ref().filter(|jwt| jwt.is_fresh(now)) {
            return Ok(jwt.clone());
        }
        let jwt = self.sign(now, kept.ahead)?;
        kept.jwt = Some(jwt.clone());
        Ok(jwt)
    }

    /// How far GitHub's clock is ahead of ours, where that can be why it refused `jwt`.
    pub(crate) fn measured(jwt: &Jwt, github: Option<OffsetDateTime>, now: OffsetDateTime) -> Option<Ahead> {
        let ahead = github?.unix_timestamp().saturating_sub(now.unix_timestamp());
        differs(ahead, jwt.ahead).then_some(ahead)
    }

    /// A JWT for a GitHub whose clock is `ahead` of ours: the one in use where another caller was first, or a new one,
    /// of which nothing is kept yet.
    pub(crate) fn corrected(&self, now: OffsetDateTime, ahead: Ahead) -> Result<Jwt, GithubFault> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).jwt.clone();
        match kept.filter(|jwt| jwt.is_fresh(now) && !differs(jwt.ahead, ahead)) {
            Some(jwt) => Ok(jwt),
            None => self.sign(now, ahead),
        }
    }

    /// What GitHub's clock is taken to be ahead of ours.
    pub(crate) fn ahead(&self) -> Ahead {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).ahead
    }

    /// Keeps a corrected JWT that GitHub has accepted. False where it is kept already.
    pub(crate) fn adopt(&self, jwt: Jwt) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = differs(kept.ahead, jwt.ahead);
        if is_news {
            *kept = Kept { ahead: jwt.ahead, jwt: Some(jwt) };
        }
        is_news
    }

    fn sign(&self, now: OffsetDateTime, ahead: Ahead) -> Result<Jwt, GithubFault> {
        let github_now = now.unix_timestamp().saturating_add(ahead);
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
        if let Some(observer) = &self.observer {
            observer.signed();
        }
        text.push('.');
        text.push_str(&BASE64URL_NOPAD.encode(&signature));
        Ok(Jwt { text: text.into(), signed: github_now, ahead })
    }
}
