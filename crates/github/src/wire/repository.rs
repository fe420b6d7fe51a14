//! Repositories: seven of about a hundred fields.

use dockline::ports::ListOutcome;
use dockline::{Repository, RepositoryId};
use serde::Deserialize;

use super::id_out_of_range;
use crate::error::GithubError;
use crate::http::PageOf;

/// One page: an object with the list, not an array.
#[derive(Deserialize)]
pub(crate) struct RepositoriesWire {
    total_count: u64,
    repositories: Vec<RepositoryWire>,
}

impl RepositoriesWire {
    pub(crate) const fn page_of(&self, number: u32) -> PageOf {
        PageOf { number, entries: self.repositories.len(), total: self.total_count }
    }

    pub(crate) fn page(self, next: Option<u32>) -> Result<ListOutcome, GithubError> {
        if self.repositories.len() > ListOutcome::PER_PAGE as usize {
            return Err(GithubError::invalid_response("more repositories than requested"));
        }
        let repositories = self.repositories.into_iter().map(TryFrom::try_from).collect::<Result<_, _>>()?;
        Ok(ListOutcome::Page { repositories, total: self.total_count, next })
    }
}

#[derive(Deserialize)]
struct RepositoryWire {
    id: u64,
    full_name: String,
    owner: OwnerWire,
    private: bool,
    default_branch: String,
    language: Option<String>,
    html_url: String,
}

#[derive(Deserialize)]
struct OwnerWire {
    login: String,
}

impl TryFrom<RepositoryWire> for Repository {
    type Error = GithubError;

    fn try_from(wire: RepositoryWire) -> Result<Self, GithubError> {
        Ok(Self {
            id: RepositoryId::new(wire.id).map_err(|_| id_out_of_range())?,
            full_name: wire.full_name,
            owner: wire.owner.login,
            private: wire.private,
            default_branch: wire.default_branch,
            language: wire.language,
            html_url: wire.html_url,
        })
    }
}
