use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use time::Duration;

use crate::cache::{Cache, Flight, Found};
use crate::error::TokenError;
use crate::model::{Binding, InstallationId, InstallationToken, OrganizationId, TokenScope};
use crate::ports::{Event, MintOutcome};
use crate::service::{Dockline, RefreshOutcome};

pub(in crate::service) type Tokens = Cache<TokenScope, InstallationToken, TokenError>;

/// How often a change of the binding may make a mint start over.
const ROUNDS: u32 = 4;

/// How long GitHub may refuse a token that it has just given out (GitHub fact 21).
const SETTLING: Duration = Duration::seconds(5);

/// What became of a token that GitHub refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedToken {
    /// It is only seconds old, which GitHub may not have noticed yet: use the same one again after this long (L-49).
    TooFresh {
        /// How long to wait.
        retry_after: std::time::Duration,
    },
    /// It is served no more; the next call of [`Dockline::token`] asks GitHub how the installation stands, and mints
    /// another.
    Forgotten,
}

impl Dockline {
    /// The longest before its end that a token is served: five minutes (`design.md` §6).
    pub const TOKEN_MARGIN: std::time::Duration = std::time::Duration::from_secs(5 * 60);

    /// A token for the organization's installation, reaching no more than `scope` (`design.md` §6). A library call only,
    /// never an HTTP endpoint; nothing of it is ever stored.
    ///
    /// Goes through the organization's binding, which is read each time (L-12): a token is served only while the
    /// binding is active and its row is the one under which the token was minted, so that no node serves one after a
    /// detach, a suspension or a change of permissions that another node heard of (invariants I8, I9). Minted at most
    /// once for any number of callers, as long as one of them still waits (L-38); before minting, GitHub is asked
    /// whether the installation still is on the account that was bound (L-13). One that GitHub has just given out may
    /// be refused for seconds: see [`Dockline::token_refused`].
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn token(
        &self,
        organization: &OrganizationId,
        scope: &TokenScope,
    ) -> Result<InstallationToken, TokenError> {
        for _ in 0..ROUNDS {
            let bound = self.usable(organization).await?;
            let (installation, generation) = (bound.installation, bound.generation);
            let start = |flight| self.clone().mint(bound, scope.clone(), flight).boxed();
            match self.tokens.look(installation, scope, generation, self.now(), start) {
                Found::Fresh(token) => {
                    self.served.fetch_add(1, Ordering::Relaxed);
                    return Ok(token);
                }
                Found::Flying(flight) => match flight.await {
                    Err(TokenError::Unsettled) => {}
                    settled => return settled,
                },
                Found::Outdated => {}
            }
        }
        Err(TokenError::Unsettled)
    }

    /// How many tokens were served from memory since the start, without asking GitHub: for gauges and counters that are
    /// read now and then. There is no event for it, since that would cost more than serving one.
    #[must_use]
    pub fn token_cache_hits(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Tells that GitHub answered 401 or 404 to a token that [`Dockline::token`] gave.
    #[must_use]
    pub fn token_refused(&self, token: &InstallationToken) -> RefusedToken {
        let age = self.now() - token.issued_at();
        // The gateway's clock may be a little ahead of ours.
        if age.abs() < SETTLING {
            return RefusedToken::TooFresh { retry_after: std::time::Duration::from_secs(1) };
        }
        self.forget_tokens(token.installation());
        RefusedToken::Forgotten
    }

    /// Ends all tokens that are kept, at GitHub and here: for a host that shuts down. How many could not be ended; they
    /// end by themselves within the hour.
    pub async fn revoke_tokens(&self) -> usize {
        self.revoke(self.tokens.clear()).await
    }

    pub(in crate::service) async fn revoke(&self, tokens: Vec<InstallationToken>) -> usize {
        let mut left = 0;
        for token in tokens {
            left += usize::from(self.ports.github.revoke(&token).await.is_err());
        }
        left
    }

    /// What changed at an installation makes its tokens worthless, or worth more than they should be (L-41). Those that
    /// were kept.
    pub(in crate::service) fn forget_tokens(&self, installation: InstallationId) -> Vec<InstallationToken> {
        self.listings.evict(installation);
        self.tokens.evict(installation)
    }

    /// The organization's binding, if it gives tokens.
    pub(in crate::service) async fn usable(
        &self,
        organization: &OrganizationId,
    ) -> Result<Binding, TokenError> {
        let bound = self.ports.bindings.find(organization).await?.ok_or(TokenError::NotBound)?;
        TokenError::unusable(bound.status).map_or(Ok(bound), Err)
    }

    async fn mint(
        self,
        bound: Binding,
        scope: TokenScope,
        flight: Flight<TokenScope, InstallationToken, TokenError>,
    ) -> Result<InstallationToken, TokenError> {
        let installation = bound.installation;
        match self.refresh(installation).await? {
            RefreshOutcome::Present(status) => TokenError::unusable(status).map_or(Ok(()), Err)?,
            RefreshOutcome::Gone => return Err(TokenError::Uninstalled),
            RefreshOutcome::AccountChanged => return Err(TokenError::AccountChanged),
            RefreshOutcome::Unknown => return Err(TokenError::Unsettled),
        }
        if !flight.is_wanted() {
            return Err(TokenError::Unsettled);
        }
        let token = match self.ports.github.mint(installation, &scope).await? {
            MintOutcome::Minted(token) => token,
            MintOutcome::Missing => {
                let known = self.ports.bindings.installation(installation).await?;
                self.end(installation, known).await?;
                return Err(TokenError::Uninstalled);
            }
            MintOutcome::Suspended => {
                // It was active a moment ago: have that on record, too.
                self.refresh(installation).await?;
                return Err(TokenError::Suspended);
            }
            MintOutcome::NotGranted { message } => return Err(TokenError::NotGranted { message }),
        };
        // Whatever happened meanwhile, on this node or another, must not end in a token that nobody should have.
        let stands = self.ports.bindings.find(&bound.organization).await;
        let stands = stands.map(|now| {
            now.is_some_and(|now| {
                (now.installation, now.generation, now.status)
                    == (installation, bound.generation, bound.status)
            })
        });
        let fresh_until = token.expires_at() - Self::TOKEN_MARGIN;
        let landed = matches!(stands, Ok(true)) && flight.land(token.clone(), self.now(), fresh_until);
        if !landed {
            self.revoke(vec![token]).await;
            stands?;
            return Err(TokenError::Unsettled);
        }
        let narrowed = scope != TokenScope::everything();
        self.record(&Event::TokenMinted { organization: bound.organization, installation, narrowed });
        Ok(token)
    }
}
