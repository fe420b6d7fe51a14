//! The repositories that an installation can access.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::Model;
use super::change::{Change, NamedRepository, Sender};
use super::installation::{Installation, RepositorySelection};
use super::repository::Repository;
use crate::error::SimError;

impl Model {
    /// Returns the repositories that the installation can access, by ascending id.
    pub(crate) fn repositories_of(&self, installation: &Installation) -> Vec<&Repository> {
        let owned = self.account(installation.account).map(|account| account.repositories.iter());
        let selected = |repository: &&Repository| installation.selection.covers(repository.id);
        owned.into_iter().flatten().filter(selected).collect()
    }

    /// Returns the same repositories with their full names.
    pub(crate) fn named_repositories_of(&self, installation: &Installation) -> Vec<NamedRepository> {
        let owner = self.account(installation.account).map_or("", |account| account.login.as_str());
        let named = |repository: &Repository| NamedRepository {
            full_name: format!("{owner}/{}", repository.name),
            repository: repository.clone(),
        };
        self.repositories_of(installation).into_iter().map(named).collect()
    }

    /// Returns the ids of repositories of the installation's account.
    pub(crate) fn repository_ids(
        &self,
        installation: u64,
        names: &[&str],
    ) -> Result<BTreeSet<u64>, SimError> {
        let account = self.account(self.require_installation(installation)?.account);
        let id = |name: &&str| match account.and_then(|account| account.repository(name)) {
            Some(repository) => Ok(repository.id),
            None => Err(SimError::UnknownRepository((*name).to_owned())),
        };
        names.iter().map(id).collect()
    }

    /// Changes the selection, as `sender` or as the user who installed the App. Additions are recorded before removals. A change between
    /// all and selected repositories is recorded even if it changes no repository.
    pub(crate) fn select(
        &mut self,
        id: u64,
        selection: RepositorySelection,
        sender: Option<u64>,
        now: OffsetDateTime,
    ) -> Result<(), SimError> {
        let before = self.require_installation(id)?.clone();
        let sender = Sender::User(sender.unwrap_or(before.installed_by));
        let installation = Installation { selection, updated_at: now, ..before.clone() };
        self.installations.insert(id, installation.clone());
        let (old, new) = (self.named_repositories_of(&before), self.named_repositories_of(&installation));
        let (added, removed) = (difference(&new, &old), difference(&old, &new));
        let all = installation.selection == RepositorySelection::All;
        let all_before = before.selection == RepositorySelection::All;
        if !added.is_empty() || (all && !all_before) {
            let installation = installation.clone();
            self.record_change(Change::RepositoriesAdded { installation, repositories: added, sender });
        }
        if !removed.is_empty() || (!all && all_before) {
            self.record_change(Change::RepositoriesRemoved { installation, repositories: removed, sender });
        }
        Ok(())
    }
}

fn difference(these: &[NamedRepository], those: &[NamedRepository]) -> Vec<NamedRepository> {
    let among = |id: u64| those.iter().any(|other| other.repository.id == id);
    these.iter().filter(|named| !among(named.repository.id)).cloned().collect()
}
