//! The App's JWT: RS256, sixty seconds back, nine minutes ahead, signed once in eight minutes (lesson L-43), by whoever
//! has the key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use secrecy::SecretString;
use time::OffsetDateTime;
use tokio::time::timeout;

use crate::fault::GithubFault;
use crate::observer::Observer;
use crate::public_key::PublicKey;
use crate::signer::{Signer, SignerError};

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

/// Has the App's JWTs signed and keeps the one in use.
pub(crate) struct Jwts {
    signer: Arc<dyn Signer>,
    public_key: Option<PublicKey>,
    signing_timeout: Duration,
    issuer: String,
    observer: Option<Arc<dyn Observer>>,
    kept: Mutex<Kept>,
    /// Held while the signer is asked: one signature for all who wait for it. Never while `kept` is locked.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    ahead: Ahead,
    jwt: Option<Jwt>,
    /// One for a corrected clock that GitHub has not accepted yet.
    candidate: Option<Jwt>,
    /// How often the signer has failed, and how it did last.
    failures: (u64, Option<GithubFault>),
}

impl Kept {
    fn fresh(&self, now: OffsetDateTime) -> Option<Jwt> {
        self.jwt.as_ref().filter(|jwt| jwt.is_fresh(now)).cloned()
    }

    /// The one in use or the candidate, where it is for a clock that is so far ahead.
    fn fitting(&self, now: OffsetDateTime, ahead: Ahead) -> Option<Jwt> {
        let mut kept = self.candidate.iter().chain(&self.jwt);
        kept.find(|jwt| jwt.is_fresh(now) && !differs(jwt.ahead, ahead)).cloned()
    }
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

impl Jwts {
    pub(crate) fn new(
        signer: Arc<dyn Signer>,
        public_key: Option<PublicKey>,
        signing_timeout: Duration,
        issuer: String,
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        let (kept, asking) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { signer, public_key, signing_timeout, issuer, observer, kept, asking }
    }

    /// The JWT in use, or a new one.
    pub(crate) async fn jwt(&self, now: OffsetDateTime) -> Result<Jwt, GithubFault> {
        let found = |kept: &Kept| kept.fresh(now);
        let keep = |kept: &mut Kept, jwt: Jwt| kept.jwt = Some(jwt);
        self.found_or_signed(now, |kept| kept.ahead, found, keep).await
    }

    /// How far GitHub's clock is ahead of ours, where that can be why it refused `jwt`.
    pub(crate) fn measured(jwt: &Jwt, github: Option<OffsetDateTime>, now: OffsetDateTime) -> Option<Ahead> {
        let ahead = github?.unix_timestamp().saturating_sub(now.unix_timestamp());
        differs(ahead, jwt.ahead).then_some(ahead)
    }

    /// A JWT for a GitHub whose clock is `ahead` of ours: one that another caller had signed, or a new one, which is not
    /// in use before GitHub has accepted it.
    pub(crate) async fn corrected(&self, now: OffsetDateTime, ahead: Ahead) -> Result<Jwt, GithubFault> {
        let found = |kept: &Kept| kept.fitting(now, ahead);
        let keep = |kept: &mut Kept, jwt: Jwt| kept.candidate = Some(jwt);
        self.found_or_signed(now, |_| ahead, found, keep).await
    }

    /// What GitHub's clock is taken to be ahead of ours.
    pub(crate) fn ahead(&self) -> Ahead {
        self.kept().ahead
    }

    /// Keeps a corrected JWT that GitHub has accepted. False where it is kept already.
    pub(crate) fn adopt(&self, jwt: Jwt) -> bool {
        let mut kept = self.kept();
        let is_news = differs(kept.ahead, jwt.ahead);
        if is_news {
            (kept.ahead, kept.jwt, kept.candidate) = (jwt.ahead, Some(jwt), None);
        }
        is_news
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `found` finds, without waiting; or else what the signer gives. Of many callers at once one asks it, and the
    /// others have what it got: its JWT, or its failure, so that a signer that hangs does not hang once for each of them.
    /// Where the one is dropped meanwhile, the next one asks.
    async fn found_or_signed(
        &self,
        now: OffsetDateTime,
        ahead: impl Fn(&Kept) -> Ahead + Send + Sync,
        found: impl Fn(&Kept) -> Option<Jwt> + Send + Sync,
        keep: impl Fn(&mut Kept, Jwt) + Send + Sync,
    ) -> Result<Jwt, GithubFault> {
        let failures = {
            let kept = self.kept();
            if let Some(jwt) = found(&kept) {
                return Ok(jwt);
            }
            kept.failures.0
        };
        let _asking = self.asking.lock().await;
        let ahead = {
            let kept = self.kept();
            if let Some(jwt) = found(&kept) {
                return Ok(jwt);
            }
            if let (true, Some(fault)) = (kept.failures.0 != failures, &kept.failures.1) {
                return Err(fault.clone());
            }
            ahead(&kept)
        };
        let signed = self.sign(now, ahead).await;
        let mut kept = self.kept();
        match &signed {
            Ok(jwt) => keep(&mut kept, jwt.clone()),
            Err(fault) => kept.failures = (kept.failures.0.wrapping_add(1), Some(fault.clone())),
        }
        signed
    }

    async fn sign(&self, now: OffsetDateTime, ahead: Ahead) -> Result<Jwt, GithubFault> {
        let github_now = now.unix_timestamp().saturating_add(ahead);
        let claims = serde_json::json!({
            "iat": github_now.saturating_sub(BACK),
            "exp": github_now.saturating_add(AHEAD),
            "iss": self.issuer,
        });
        let mut text = BASE64URL_NOPAD.encode(br#"{"alg":"RS256","typ":"JWT"}"#);
        text.push('.');
        text.push_str(&BASE64URL_NOPAD.encode(claims.to_string().as_bytes()));
        let signing = timeout(self.signing_timeout, self.signer.sign(text.as_bytes()));
        let signature = signing.await.unwrap_or_else(|_| {
            let limit = self.signing_timeout;
            Err(SignerError::Unavailable(format!("it did not answer within {limit:?}")))
        })?;
        if let Some(key) = &self.public_key {
            key.verify(text.as_bytes(), &signature)?;
        }
        if let Some(observer) = &self.observer {
            observer.signed();
        }
        text.push('.');
        text.push_str(&BASE64URL_NOPAD.encode(signature.as_bytes()));
        Ok(Jwt { text: text.into(), signed: github_now, ahead })
    }
}
