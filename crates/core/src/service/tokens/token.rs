use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use time::Duration;

use crate::cache::{Cache, Flight, Lookup};
use crate::error::{PortError, TokenError};
use crate::model::{Binding, InstallationId, InstallationToken, OrganizationId, TokenScope};
use crate::ports::{Event, MintOutcome};
use crate::service::{Dockline, RefreshOutcome};

pub(in crate::service) type Tokens = Cache<TokenScope, InstallationToken, TokenError>;

/// How often a mint is started that fails because the binding changed.
const ATTEMPTS: u32 = 4;

/// How long GitHub may reject a token that it has just issued.
const PROPAGATION_TIME: Duration = Duration::seconds(5);

/// The handling of a token that GitHub rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedToken {
    /// The token is so new that GitHub may not know it everywhere yet. Handling: use it again after this time.
    TooFresh {
        /// The time to wait.
        retry_after: std::time::Duration,
    },
    /// The token was evicted. Handling: call [`Dockline::token`] again, which looks up the installation and mints another.
    Forgotten,
}

impl Dockline {
    /// The remaining lifetime below which a token is not served any more: five minutes.
    pub const TOKEN_MARGIN: std::time::Duration = std::time::Duration::from_secs(5 * 60);

    /// Returns a token of the organization's installation with this scope, from the cache or newly minted. Never expose it
    /// by an HTTP endpoint. Tokens are kept in memory only.
    ///
    /// - The binding is read each time. A token is served only if the binding is active and has the generation for which
    ///   the token was minted; so no node serves a token after a detach, a suspension or a change of permissions that
    ///   another node stored.
    /// - Concurrent callers share one mint, which continues as long as one of them waits.
    /// - Before a mint, the installation is looked up, and must be on the bound account.
    /// - GitHub may reject a new token for some seconds; see [`Dockline::token_refused`].
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn token(
        &self,
        organization: &OrganizationId,
        scope: &TokenScope,
    ) -> Result<InstallationToken, TokenError> {
        Ok(self.cached_or_minted(organization, scope).await?.0)
    }

    /// As [`Self::token`]; also returns whether the token was minted for this call.
    pub(super) async fn cached_or_minted(
        &self,
        organization: &OrganizationId,
        scope: &TokenScope,
    ) -> Result<(InstallationToken, bool), TokenError> {
        let mut looked = false;
        for _ in 0..ATTEMPTS {
            let bound = self.0.ports.bindings.find(organization).await?.ok_or(TokenError::NotBound)?;
            if let Some(error) = TokenError::unusable(&bound) {
                if looked || !self.look_again(&bound).await {
                    return Err(error);
                }
                looked = true;
                continue;
            }
            let (installation, generation) = (bound.installation, bound.generation);
            let start = |flight| self.clone().mint(bound, scope.clone(), flight).boxed();
            match self.0.tokens.get_or_start(installation, scope, generation, self.now(), start) {
                Lookup::Fresh(token) => {
                    self.0.cache_hits.fetch_add(1, Ordering::Relaxed);
                    return Ok((token, false));
                }
                Lookup::InFlight(mint) => match mint.await {
                    Err(TokenError::Unsettled) => {}
                    result => return result.map(|token| (token, true)),
                },
                Lookup::Outdated => {}
            }
        }
        Err(TokenError::Unsettled)
    }

    /// Returns the number of tokens that were served from the cache since the start. A counter, since an event per token
    /// would cost more than the cache hit.
    #[must_use]
    pub fn token_cache_hits(&self) -> u64 {
        self.0.cache_hits.load(Ordering::Relaxed)
    }

    /// Reports that GitHub rejected a token of [`Dockline::token`] with 401 or 404. Evicts the installation's tokens unless
    /// the token is only seconds old.
    #[must_use]
    pub fn token_refused(&self, token: &InstallationToken) -> RefusedToken {
        if self.is_fresh(token) {
            return RefusedToken::TooFresh { retry_after: std::time::Duration::from_secs(1) };
        }
        self.evict_tokens(token.installation());
        RefusedToken::Forgotten
    }

    /// Evicts all cached tokens and revokes them at GitHub, for a host that shuts down. Returns the number of tokens that
    /// could not be revoked; they expire within an hour.
    pub async fn revoke_tokens(&self) -> usize {
        self.revoke(self.0.tokens.clear()).await
    }

    pub(in crate::service) async fn revoke(&self, tokens: Vec<InstallationToken>) -> usize {
        let mut failed = 0;
        for token in tokens {
            failed += usize::from(self.0.ports.github.revoke(&token).await.is_err());
        }
        failed
    }

    /// Evicts the tokens and the repositories of an installation, and returns the tokens.
    pub(in crate::service) fn evict_tokens(&self, installation: InstallationId) -> Vec<InstallationToken> {
        self.0.listings.evict(installation);
        self.0.readings.evict(installation);
        self.0.tokens.evict(installation)
    }

    /// Returns whether the token is so new that GitHub may not know it everywhere yet.
    pub(super) fn is_fresh(&self, token: &InstallationToken) -> bool {
        // The gateway's clock may be slightly ahead of ours.
        (self.now() - token.issued_at()).abs() < PROPAGATION_TIME
    }

    /// Returns the error for a binding that GitHub did not show just now, with the time of the stored next look.
    async fn not_shown(&self, bound: &Binding) -> Result<TokenError, PortError> {
        let stored = self.0.ports.bindings.find(&bound.organization).await?;
        let stored = stored.filter(|stored| stored.installation == bound.installation);
        Ok(match stored {
            Some(stored) => TokenError::unusable(&stored).unwrap_or_else(|| TokenError::Missing {
                next_look: stored.life.next_look_at.unwrap_or(stored.life.observed_at),
            }),
            None => TokenError::Unsettled,
        })
    }

    async fn mint(
        self,
        bound: Binding,
        scope: TokenScope,
        flight: Flight<TokenScope, InstallationToken, TokenError>,
    ) -> Result<InstallationToken, TokenError> {
        let installation = bound.installation;
        match self.refresh(installation).await? {
            RefreshOutcome::Present(status) => TokenError::unusable_status(status).map_or(Ok(()), Err)?,
            RefreshOutcome::Missing | RefreshOutcome::Held | RefreshOutcome::Ending => {
                return Err(self.not_shown(&bound).await?);
            }
            RefreshOutcome::Gone => return Err(TokenError::Uninstalled),
            RefreshOutcome::AccountChanged => return Err(TokenError::AccountChanged),
            RefreshOutcome::Unknown => return Err(TokenError::Unsettled),
            RefreshOutcome::Denied(cause) => return Err(TokenError::Denied(cause)),
        }
        if !flight.is_current() {
            return Err(TokenError::Unsettled);
        }
        // Not before the lookup, also if this clock is behind.
        let asked_at = self.now().max(bound.life.observed_at.saturating_add(Duration::MICROSECOND));
        let token = match self.0.ports.github.mint(installation, &scope).await? {
            MintOutcome::Minted(token) => token,
            MintOutcome::Missing => {
                if let Some(known) = self.0.ports.bindings.installation(installation).await? {
                    self.record_not_shown(installation, &known, asked_at).await?;
                }
                return Err(self.not_shown(&bound).await?);
            }
            MintOutcome::Suspended => {
                // The lookup before said active, so store the new status.
                self.refresh(installation).await?;
                return Err(TokenError::Suspended);
            }
            MintOutcome::Denied(cause) => {
                let organization = Some(bound.organization);
                self.record(&Event::Denied { organization, installation, cause });
                return Err(TokenError::Denied(cause));
            }
            MintOutcome::NotGranted { message } => return Err(TokenError::NotGranted { message }),
        };
        // If the binding changed during the mint, on this node or another, the token must not be used.
        let unchanged = self.0.ports.bindings.find(&bound.organization).await.map(|now| {
            now.is_some_and(|now| {
                (now.installation, now.generation, now.status)
                    == (installation, bound.generation, bound.status)
            })
        });
        let fresh_until = token.expires_at() - Self::TOKEN_MARGIN;
        let stored = matches!(unchanged, Ok(true)) && flight.complete(token.clone(), self.now(), fresh_until);
        if !stored {
            self.revoke(vec![token]).await;
            unchanged?;
            return Err(TokenError::Unsettled);
        }
        let narrowed = scope != TokenScope::everything();
        self.record(&Event::TokenMinted { organization: bound.organization, installation, narrowed });
        Ok(token)
    }
}
