use std::sync::Arc;

use futures_util::FutureExt;
use time::{Duration, OffsetDateTime};

use super::reading::Reading;
use crate::cache::{Cache, Flight, Lookup};
use crate::error::{PortError, PortErrorKind, PortName, RepositoriesError, TokenError};
use crate::model::{Binding, DenialCause, InstallationToken, OrganizationId, Repository, TokenScope};
use crate::ports::Event;
use crate::rules::listing::Listing;
use crate::rules::repositories::{RepositoriesPage, RepositoriesQuery};
use crate::service::Dockline;

pub(in crate::service) type Listings = Cache<(), Listed, TokenError>;

pub(super) type ListingFlight = Flight<(), Listed, TokenError>;

/// The outcome of a listing.
#[derive(Debug, Clone)]
pub(in crate::service) enum Listed {
    /// All repositories, in ascending order of their ids.
    All(Arc<[Repository]>),
    /// There are more than can be listed.
    TooMany,
    /// GitHub rejects the token.
    TokenRefused,
}

/// How long the repositories of an installation are cached, so that a client that reads page after page causes one listing.
const CACHED_FOR: Duration = Duration::seconds(30);

/// How long no token is minted to list the repositories of an installation after GitHub rejected a new one.
const REFUSED_FOR: Duration = Duration::MINUTE;

/// How often a listing is started that fails because the binding changed.
const ATTEMPTS: u32 = 3;

#[derive(Debug, thiserror::Error)]
#[error("the binding changed during every attempt to list the repositories")]
struct Unsettled;

#[derive(Debug, thiserror::Error)]
#[error(
    "GitHub rejected a new token of the installation: its repositories are not requested again for a minute"
)]
struct NewTokenRefused;

impl Dockline {
    /// The maximum number of repositories of an installation that can be listed.
    pub const MOST_REPOSITORIES: u32 = Listing::MOST;

    /// Returns a page of the repositories that the organization's installation has access to.
    ///
    /// GitHub's pages shift when repositories are added or removed, and GitHub cannot search them. So all pages are read,
    /// several at a time, and this page is cut out of them in the order of ids. The list is cached for 30 seconds. If the
    /// future is dropped before the end, the next call continues with the pages that are missing.
    ///
    /// # Errors
    /// See [`RepositoriesError`].
    pub async fn repositories(
        &self,
        organization: &OrganizationId,
        query: &RepositoriesQuery,
    ) -> Result<RepositoriesPage, RepositoriesError> {
        let mut looked = false;
        for _ in 0..ATTEMPTS {
            let bound = self.0.ports.bindings.find(organization).await?;
            let bound = bound.ok_or(RepositoriesError::NotBound)?;
            if let Some(error) = TokenError::unusable(&bound) {
                if !looked && self.look_again(&bound).await {
                    looked = true;
                    continue;
                }
                if let TokenError::Missing { next_look } = error {
                    return Err(self.missing_until(next_look));
                }
                return Err(RepositoriesError::Unusable(Box::new(bound)));
            }
            let (installation, generation) = (bound.installation, bound.generation);
            let start = |flight| self.clone().list(bound.clone(), flight).boxed();
            let listed = match self.0.listings.get_or_start(installation, &(), generation, self.now(), start)
            {
                Lookup::Fresh(listed) => Ok(listed),
                Lookup::InFlight(listing) => {
                    let _call = self.begin_github_call(organization)?;
                    listing.await
                }
                Lookup::Outdated => continue,
            };
            match listed {
                Ok(Listed::All(all)) => return Ok(query.page(&all)),
                Ok(Listed::TooMany) => return Err(RepositoriesError::TooMany(Box::new(bound))),
                Ok(Listed::TokenRefused) => return Err(unavailable(NewTokenRefused)),
                Err(TokenError::Port(error)) => return Err(error.into()),
                Err(TokenError::Missing { next_look }) => return Err(self.missing_until(next_look)),
                Err(TokenError::AccountChanged) => return Err(RepositoriesError::Unusable(Box::new(bound))),
                // All that was granted was requested, so the account grants less than GitHub needs for the list.
                Err(TokenError::NotGranted { .. }) => {
                    let cause = DenialCause::PermissionMissing;
                    return Err(RepositoriesError::Denied { binding: Box::new(bound), cause });
                }
                Err(TokenError::Denied(cause)) => {
                    return Err(RepositoriesError::Denied { binding: Box::new(bound), cause });
                }
                // The binding changed; read it again.
                Err(_) => {}
            }
        }
        Err(unavailable(Unsettled))
    }

    fn missing_until(&self, next_look: OffsetDateTime) -> RepositoriesError {
        let retry_after = (next_look - self.now()).max(Duration::SECOND).unsigned_abs();
        RepositoriesError::Missing { retry_after }
    }

    /// Lists with a token that may be cached, and with a new one if GitHub rejects the first. If it rejects a new one, this
    /// outcome is cached, because another one would be rejected, too.
    async fn list(self, bound: Binding, flight: ListingFlight) -> Result<Listed, TokenError> {
        let mut reading = Reading::continued(&self, &bound, flight);
        let (mut token, mut is_new) = self.token_to_list(&bound).await?;
        let listed = loop {
            let read = reading.read(&token).await;
            if let Err(TokenError::Denied(cause)) = read {
                let (organization, installation) = (Some(bound.organization.clone()), bound.installation);
                self.record(&Event::Denied { organization, installation, cause });
            }
            match read? {
                Listed::TokenRefused if is_new => {
                    self.forget(token).await;
                    // Evicts the listing if the installation has ended or is suspended. If GitHub cannot say now, the next
                    // refresh finds out.
                    let _ = self.refresh(bound.installation).await;
                    break Listed::TokenRefused;
                }
                Listed::TokenRefused => {
                    self.forget(token).await;
                    token = self.token_to_list(&bound).await?.0;
                    is_new = true;
                }
                listed @ (Listed::All(_) | Listed::TooMany) => break listed,
            }
        };
        let fresh_for = if matches!(listed, Listed::TokenRefused) { REFUSED_FOR } else { CACHED_FOR };
        if reading.complete(listed.clone(), fresh_for) { Ok(listed) } else { Err(TokenError::Unsettled) }
    }

    /// Returns a token, and whether it is new.
    async fn token_to_list(&self, bound: &Binding) -> Result<(InstallationToken, bool), TokenError> {
        let (token, minted) = self.cached_or_minted(&bound.organization, &TokenScope::everything()).await?;
        if token.installation() != bound.installation {
            return Err(TokenError::Unsettled);
        }
        let is_new = minted || self.is_fresh(&token);
        Ok((token, is_new))
    }

    /// Evicts the installation's tokens and revokes this one, which may work for other requests.
    async fn forget(&self, token: InstallationToken) {
        self.0.tokens.evict(token.installation());
        self.revoke(vec![token]).await;
    }
}

fn unavailable(source: impl std::error::Error + Send + Sync + 'static) -> RepositoriesError {
    PortError::new(PortName::GithubGateway, PortErrorKind::Unavailable, source).into()
}
