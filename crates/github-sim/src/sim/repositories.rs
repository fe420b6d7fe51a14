//! Repositories, and which of them an installation reaches.

use super::GithubSim;
use crate::error::SimError;
use crate::model::installation::Selection;
use crate::model::repository::{NewRepository, RepositoryChange};

impl GithubSim {
    /// A repository of `owner`; its id, which grows with every repository.
    ///
    /// # Errors
    /// [`SimError::UnknownAccount`], [`SimError::Taken`], or [`SimError::Invalid`] for a name or a branch that GitHub would not take.
    pub fn create_repository(&self, owner: &str, new: NewRepository) -> Result<u64, SimError> {
        let mut world = self.world();
        let now = world.now();
        world.model.create_repository(owner, new, now)
    }

    /// Changes a repository, by its id.
    ///
    /// # Errors
    /// [`SimError::UnknownRepository`], and those of [`create_repository`](Self::create_repository).
    pub fn change_repository(&self, id: u64, change: RepositoryChange) -> Result<(), SimError> {
        let mut world = self.world();
        let now = world.now();
        world.model.change_repository(id, change, now)
    }

    /// The installation reaches all repositories of its account, also those to come.
    ///
    /// # Errors
    /// [`SimError::UnknownInstallation`].
    pub fn select_all_repositories(&self, installation: u64) -> Result<(), SimError> {
        let mut world = self.world();
        let now = world.now();
        world.model.select(installation, Selection::All, now)
    }

    /// The installation reaches exactly these repositories of its account, named without the owner; also none.
    ///
    /// # Errors
    /// [`SimError::UnknownInstallation`] or [`SimError::UnknownRepository`]; then nothing changed.
    pub fn select_repositories(&self, installation: u64, names: &[&str]) -> Result<(), SimError> {
        let mut world = self.world();
        let now = world.now();
        world.model.select_named(installation, names, now)
    }

    /// One repository more; fine if it was selected already.
    ///
    /// # Errors
    /// Those of [`select_repositories`](Self::select_repositories), and [`SimError::Invalid`] where the installation reaches all.
    pub fn add_selected_repository(&self, installation: u64, name: &str) -> Result<(), SimError> {
        self.change_selection(installation, &[name], true)
    }

    /// One repository less; fine if it was not selected. The last one may go, too.
    ///
    /// # Errors
    /// Those of [`add_selected_repository`](Self::add_selected_repository).
    pub fn remove_selected_repository(&self, installation: u64, name: &str) -> Result<(), SimError> {
        self.change_selection(installation, &[name], false)
    }

    pub(crate) fn change_selection(
        &self,
        installation: u64,
        names: &[&str],
        chosen: bool,
    ) -> Result<(), SimError> {
        let mut world = self.world();
        let now = world.now();
        world.model.change_selection(installation, names, chosen, now)
    }

    /// The ids of the repositories that the installation reaches, ascending.
    ///
    /// # Errors
    /// [`SimError::UnknownInstallation`].
    pub fn reachable_repositories(&self, installation: u64) -> Result<Vec<u64>, SimError> {
        let world = self.world();
        let unknown = SimError::UnknownInstallation(installation);
        let installation = world.model.installation(installation).ok_or(unknown)?;
        Ok(world.model.reach(installation).iter().map(|repository| repository.id).collect())
    }
}
