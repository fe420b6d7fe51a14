//! The App's JWT: RS256, `iat` 60 seconds back, `exp` 540 seconds ahead, signed about once in eight minutes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use secrecy::SecretString;
use time::OffsetDateTime;
use tokio::time::timeout;

use super::public_key::PublicKey;
use super::signer::Signer;
use crate::config::GithubAppConfig;
use crate::error::{ConfigError, GithubError, SignerError};
use crate::observer::Observer;

/// Seconds from `iat` to now, so that a slightly fast clock does not date the JWT in GitHub's future.
const IAT_LEEWAY: i64 = 60;
/// Seconds from now to `exp`. GitHub accepts up to 600 by its own clock; the rest is leeway for ours.
const LIFETIME: i64 = 540;
/// A JWT is replaced this many seconds before its `exp`.
const EXPIRY_MARGIN: i64 = 60;
/// Clocks that differ by no more seconds than this do not explain a rejected JWT.
const TOLERATED_SKEW: i64 = 30;

/// Seconds by which GitHub's clock is ahead of ours.
type ClockOffset = i64;

/// Signs the App's JWT and caches it.
pub(crate) struct JwtCache {
    signer: Arc<dyn Signer>,
    public_key: Option<PublicKey>,
    signing_timeout: Duration,
    issuer: String,
    observer: Option<Arc<dyn Observer>>,
    state: Mutex<State>,
    /// Held while the signer works, so that concurrent callers share one signature. `state` is not locked meanwhile.
    signing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    offset: ClockOffset,
    current: Option<Jwt>,
    /// Dated by a corrected clock, and not yet accepted by GitHub.
    candidate: Option<Jwt>,
    /// Number of failed signatures, and the error of the last one.
    failures: (u64, Option<GithubError>),
}

impl State {
    fn fresh(&self, now: OffsetDateTime) -> Option<Jwt> {
        self.current.as_ref().filter(|jwt| jwt.is_fresh(now)).cloned()
    }

    /// Returns the candidate or the current JWT if it is dated by about this offset.
    fn fresh_at(&self, now: OffsetDateTime, offset: ClockOffset) -> Option<Jwt> {
        let mut cached = self.candidate.iter().chain(&self.current);
        cached.find(|jwt| jwt.is_fresh(now) && !is_skew(jwt.offset, offset)).cloned()
    }
}

/// A signed JWT with the clock offset that its dates assume.
#[derive(Clone)]
pub(crate) struct Jwt {
    text: SecretString,
    /// By GitHub's clock.
    signed_at: i64,
    offset: ClockOffset,
}

impl Jwt {
    pub(crate) const fn text(&self) -> &SecretString {
        &self.text
    }

    /// Also false if the clock has been set back to before `iat`.
    fn is_fresh(&self, now: OffsetDateTime) -> bool {
        let github_now = now.unix_timestamp().saturating_add(self.offset);
        let from = self.signed_at.saturating_sub(IAT_LEEWAY);
        (from..self.signed_at.saturating_add(LIFETIME - EXPIRY_MARGIN)).contains(&github_now)
    }

    /// Returns the measured clock offset if it explains why GitHub rejected this JWT.
    pub(crate) fn skew(
        &self,
        github_now: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> Option<ClockOffset> {
        let offset = github_now?.unix_timestamp().saturating_sub(now.unix_timestamp());
        is_skew(offset, self.offset).then_some(offset)
    }
}

/// Whether two offsets differ enough to make GitHub reject a JWT.
const fn is_skew(one: ClockOffset, other: ClockOffset) -> bool {
    one.saturating_sub(other).saturating_abs() > TOLERATED_SKEW
}

impl JwtCache {
    pub(crate) fn new(config: &GithubAppConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            signer: config.signer()?,
            public_key: config.public_key.clone(),
            signing_timeout: config.signing_timeout,
            issuer: config.issuer_text(),
            observer: config.observer.clone(),
            state: Mutex::default(),
            signing: tokio::sync::Mutex::default(),
        })
    }

    /// Returns the cached JWT, or signs one.
    pub(crate) async fn jwt(&self, now: OffsetDateTime) -> Result<Jwt, GithubError> {
        let cached = |state: &State| state.fresh(now);
        let store = |state: &mut State, jwt: Jwt| state.current = Some(jwt);
        self.cached_or_signed(now, |state| state.offset, cached, store).await
    }

    /// Returns a JWT dated by a clock with this offset. It replaces the current one only after [`Self::adopt`].
    pub(crate) async fn corrected(
        &self,
        now: OffsetDateTime,
        offset: ClockOffset,
    ) -> Result<Jwt, GithubError> {
        let cached = |state: &State| state.fresh_at(now, offset);
        let store = |state: &mut State, jwt: Jwt| state.candidate = Some(jwt);
        self.cached_or_signed(now, |_| offset, cached, store).await
    }

    /// Returns the clock offset that the current JWT assumes.
    pub(crate) fn offset(&self) -> ClockOffset {
        self.state().offset
    }

    /// Makes a corrected JWT, which GitHub has accepted, the current one. Returns false if another caller did so before.
    pub(crate) fn adopt(&self, jwt: Jwt) -> bool {
        let mut state = self.state();
        let is_new = is_skew(state.offset, jwt.offset);
        if is_new {
            (state.offset, state.current, state.candidate) = (jwt.offset, Some(jwt), None);
        }
        is_new
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Single flight: one of several concurrent callers signs, the others get its JWT or its error, so that a hanging
    /// signer delays all of them once. If that caller is dropped, the next one signs.
    async fn cached_or_signed(
        &self,
        now: OffsetDateTime,
        offset: impl Fn(&State) -> ClockOffset + Send + Sync,
        cached: impl Fn(&State) -> Option<Jwt> + Send + Sync,
        store: impl Fn(&mut State, Jwt) + Send + Sync,
    ) -> Result<Jwt, GithubError> {
        let failures_before = {
            let state = self.state();
            if let Some(jwt) = cached(&state) {
                return Ok(jwt);
            }
            state.failures.0
        };
        let _signing = self.signing.lock().await;
        let offset = {
            let state = self.state();
            if let Some(jwt) = cached(&state) {
                return Ok(jwt);
            }
            if let (true, Some(error)) = (state.failures.0 != failures_before, &state.failures.1) {
                return Err(error.clone());
            }
            offset(&state)
        };
        let signed = self.sign(now, offset).await;
        let mut state = self.state();
        match &signed {
            Ok(jwt) => store(&mut state, jwt.clone()),
            Err(error) => state.failures = (state.failures.0.wrapping_add(1), Some(error.clone())),
        }
        signed
    }

    async fn sign(&self, now: OffsetDateTime, offset: ClockOffset) -> Result<Jwt, GithubError> {
        let github_now = now.unix_timestamp().saturating_add(offset);
        let claims = serde_json::json!({
            "iat": github_now.saturating_sub(IAT_LEEWAY),
            "exp": github_now.saturating_add(LIFETIME),
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
            observer.jwt_signed();
        }
        text.push('.');
        text.push_str(&BASE64URL_NOPAD.encode(signature.as_bytes()));
        Ok(Jwt { text: text.into(), signed_at: github_now, offset })
    }
}
