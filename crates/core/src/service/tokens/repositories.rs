use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use time::Duration;

use crate::cache::{Cache, Flight, Lookup};
use crate::error::{PortError, PortErrorKind, PortName, RepositoriesError, TokenError};
use crate::model::{
    Binding, DenialCause, InstallationToken, OrganizationId, Repository, RepositoryId, TokenScope,
};
use crate::ports::{Event, ListOutcome};
use crate::rules::repositories::{RepositoriesPage, RepositoriesQuery};
use crate::service::Dockline;

pub(in crate::service) type Listings = Cache<(), Arc<[Repository]>, TokenError>;

/// How long the repositories of an installation are cached, so that a client that reads page after page causes one listing.
const CACHED_FOR: Duration = Duration::seconds(30);

/// How often a list that changes while its pages are read is read.
const READ_ATTEMPTS: u32 = 3;

/// How often a listing is started that fails because the binding changed or GitHub rejected the token.
const ATTEMPTS: u32 = 3;

#[derive(Debug, thiserror::Error)]
#[error("the installation has more than {} repositories", Dockline::MOST_REPOSITORIES)]
struct TooMany;

#[derive(Debug, thiserror::Error)]
#[error("the binding changed, or GitHub rejected a new token, during every attempt to list the repositories")]
struct Unsettled;

/// The outcome of reading all pages.
enum Reading {
    All(BTreeMap<RepositoryId, Repository>),
    TokenRefused,
    Denied(DenialCause),
}

impl Dockline {
    /// The maximum number of repositories of an installation that can be listed.
    pub const MOST_REPOSITORIES: u32 = 20_000;

    /// Returns a page of the repositories that the organization's installation has access to.
    ///
    /// GitHub's pages shift when repositories are added or removed, and GitHub cannot search them. So all pages are read,
    /// and this page is cut out of them in the order of ids. The list is cached for 30 seconds.
    ///
    /// # Errors
    /// See [`RepositoriesError`].
    pub async fn repositories(
        &self,
        organization: &OrganizationId,
        query: &RepositoriesQuery,
    ) -> Result<RepositoriesPage, RepositoriesError> {
        for _ in 0..ATTEMPTS {
            let bound = self.ports.bindings.find(organization).await?;
            let bound = bound.ok_or(RepositoriesError::NotBound)?;
            if TokenError::unusable(bound.status).is_some() {
                return Err(RepositoriesError::Unusable(Box::new(bound)));
            }
            let (installation, generation) = (bound.installation, bound.generation);
            let start = |flight| self.clone().list(bound.clone(), flight).boxed();
            let listed = match self.listings.get_or_start(installation, &(), generation, self.now(), start) {
                Lookup::Fresh(all) => Ok(all),
                Lookup::InFlight(listing) => listing.await,
                Lookup::Outdated => continue,
            };
            match listed {
                Ok(all) => return Ok(query.page(&all)),
                Err(TokenError::Port(error)) => return Err(error.into()),
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
        Err(PortError::new(PortName::GithubGateway, PortErrorKind::Unavailable, Unsettled).into())
    }

    async fn list(
        self,
        bound: Binding,
        flight: Flight<(), Arc<[Repository]>, TokenError>,
    ) -> Result<Arc<[Repository]>, TokenError> {
        let token = self.token(&bound.organization, &TokenScope::everything()).await?;
        if token.installation() != bound.installation {
            return Err(TokenError::Unsettled);
        }
        let all = match self.read_all(&token).await? {
            Reading::All(all) => all,
            Reading::TokenRefused => {
                self.evict_tokens(bound.installation);
                return Err(TokenError::Unsettled);
            }
            Reading::Denied(cause) => {
                let (organization, installation) = (Some(bound.organization), bound.installation);
                self.record(&Event::Denied { organization, installation, cause });
                return Err(TokenError::Denied(cause));
            }
        };
        let all: Arc<[Repository]> = all.into_values().collect();
        let now = self.now();
        if flight.complete(Arc::clone(&all), now, now + CACHED_FOR) {
            Ok(all)
        } else {
            Err(TokenError::Unsettled)
        }
    }

    async fn read_all(&self, token: &InstallationToken) -> Result<Reading, PortError> {
        let mut all = BTreeMap::new();
        for _ in 0..READ_ATTEMPTS {
            all.clear();
            let mut first_total = None;
            let mut steady = true;
            for page in 1..=Self::MOST_REPOSITORIES / ListOutcome::PER_PAGE {
                let (repositories, total) = match self.ports.github.repositories(token, page).await? {
                    ListOutcome::Page { repositories, total } => (repositories, total),
                    ListOutcome::TokenRefused => return Ok(Reading::TokenRefused),
                    ListOutcome::Denied(cause) => return Ok(Reading::Denied(cause)),
                };
                if total > u64::from(Self::MOST_REPOSITORIES) {
                    return Err(PortError::new(PortName::GithubGateway, PortErrorKind::Unexpected, TooMany));
                }
                steady &= *first_total.get_or_insert(total) == total;
                let last = repositories.len() < ListOutcome::PER_PAGE as usize;
                all.extend(repositories.into_iter().map(|repository| (repository.id, repository)));
                if last || all.len() as u64 >= total {
                    break;
                }
            }
            // If a repository is removed meanwhile, another one moves to a page that was read before, and is missed.
            if steady && first_total == Some(all.len() as u64) {
                break;
            }
        }
        Ok(Reading::All(all))
    }
}
