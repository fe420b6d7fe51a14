use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use time::Duration;

use crate::cache::{Cache, Flight, Found};
use crate::error::{PortError, PortErrorKind, PortName, RepositoriesError, TokenError};
use crate::model::{Binding, InstallationToken, OrganizationId, Repository, RepositoryId, TokenScope};
use crate::ports::ListOutcome;
use crate::rules::repositories::{RepositoriesPage, RepositoriesQuery};
use crate::service::Dockline;

pub(in crate::service) type Listings = Cache<(), Arc<[Repository]>, TokenError>;

/// How long all repositories of an installation are kept, so that whoever turns pages does not have GitHub list them
/// anew for each.
const KEPT: Duration = Duration::seconds(30);

/// How often a list that changed while it was read is read again.
const READINGS: u32 = 3;

/// How often a change of the binding, or a token that GitHub refuses, may make a listing start over.
const ROUNDS: u32 = 3;

#[derive(Debug, thiserror::Error)]
#[error("the installation reaches more than {} repositories", Dockline::MOST_REPOSITORIES)]
struct TooMany;

#[derive(Debug, thiserror::Error)]
#[error("GitHub refuses tokens that it has just given out")]
struct Refused;

impl Dockline {
    /// The most repositories of one installation that can be listed.
    pub const MOST_REPOSITORIES: u32 = 20_000;

    /// Returns a page of the repositories that the organization's installation reaches.
    ///
    /// GitHub lists by page numbers, which shift when repositories come and go, and cannot search: so all are read, and
    /// the page is cut out of them in the order of their numbers. They are kept for half a minute.
    ///
    /// # Errors
    /// See [`RepositoriesError`].
    pub async fn repositories(
        &self,
        organization: &OrganizationId,
        query: &RepositoriesQuery,
    ) -> Result<RepositoriesPage, RepositoriesError> {
        for _ in 0..ROUNDS {
            let found = self.ports.bindings.find(organization).await?;
            let bound = found.ok_or(RepositoriesError::NotBound)?;
            if TokenError::unusable(bound.status).is_some() {
                return Err(RepositoriesError::Unusable(Box::new(bound)));
            }
            let start = |flight| self.clone().list(bound.clone(), flight).boxed();
            let listed =
                match self.listings.look(bound.installation, &(), bound.generation, self.now(), start) {
                    Found::Fresh(all) => Ok(all),
                    Found::Flying(flight) => flight.await,
                    Found::Outdated => continue,
                };
            match listed {
                Ok(all) => return Ok(query.page(&all)),
                Err(TokenError::Port(error)) => return Err(error.into()),
                Err(TokenError::AccountChanged) => return Err(RepositoriesError::Unusable(Box::new(bound))),
                // The row says by now how it stands.
                Err(_) => {}
            }
        }
        Err(unsettled().into())
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
        let Some(all) = self.read_all(&token).await? else {
            self.forget_tokens(bound.installation);
            return Err(TokenError::Unsettled);
        };
        let all: Arc<[Repository]> = all.into_values().collect();
        let now = self.now();
        if flight.land(Arc::clone(&all), now, now + KEPT) { Ok(all) } else { Err(TokenError::Unsettled) }
    }

    /// All of them, each once; `None` where GitHub does not take the token.
    async fn read_all(
        &self,
        token: &InstallationToken,
    ) -> Result<Option<BTreeMap<RepositoryId, Repository>>, PortError> {
        let mut all = BTreeMap::new();
        for _ in 0..READINGS {
            all.clear();
            let mut first_total = None;
            let mut steady = true;
            for page in 1..=Self::MOST_REPOSITORIES / ListOutcome::PER_PAGE {
                let (repositories, total) = match self.ports.github.repositories(token, page).await? {
                    ListOutcome::Page { repositories, total } => (repositories, total),
                    ListOutcome::TokenRefused => return Ok(None),
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
            // A repository that went while the pages were read has moved another one to a page that was read already.
            if steady && first_total == Some(all.len() as u64) {
                break;
            }
        }
        Ok(Some(all))
    }
}

fn unsettled() -> PortError {
    PortError::new(PortName::GithubGateway, PortErrorKind::Unavailable, Refused)
}
