//! Repositories, and the selection of an installation.

use super::GithubSim;
use crate::error::SimError;
use crate::model::installation::RepositorySelection;
use crate::model::repository::NewRepository;

impl GithubSim {
    /// Creates a repository with default settings and returns its id.
    pub fn add_repository(&self, owner: &str, name: &str, private: bool) -> Result<u64, SimError> {
        self.create_repository(owner, NewRepository::new(name).private(private))
    }

    /// Creates a repository and returns its id. Ids are ascending.
    ///
    /// # Errors
    /// [`SimError::UnknownAccount`], [`SimError::Taken`], or [`SimError::Invalid`] if the name or the branch is not valid.
    pub fn create_repository(&self, owner: &str, new: NewRepository) -> Result<u64, SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        fixture.model.create_repository(owner, new, now)
    }

    /// Gives the installation access to all current and future repositories of its account.
    ///
    /// # Errors
    /// [`SimError::UnknownInstallation`].
    pub fn select_all_repositories(&self, installation: u64) -> Result<(), SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        fixture.model.select(installation, RepositorySelection::All, None, now)
    }

    /// Gives the installation access to exactly these repositories of its account. Names come without the owner; an empty list is allowed.
    ///
    /// # Errors
    /// [`SimError::UnknownInstallation`] or [`SimError::UnknownRepository`]. The selection stays as it is then.
    pub fn select_repositories(&self, installation: u64, names: &[&str]) -> Result<(), SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        let ids = fixture.model.repository_ids(installation, names)?;
        fixture.model.select(installation, RepositorySelection::Selected(ids), None, now)
    }
}
