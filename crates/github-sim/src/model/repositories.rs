//! Which repositories installations reach, as that changes: a new selection, and a repository that moves to another account.

use time::OffsetDateTime;

use super::Model;
use super::account::Repository;
use super::change::{Actor, Change, NamedRepository};
use super::installation::{Installation, Selection};
use crate::error::SimError;

impl Model {
    /// A new selection. What it adds is told before what it removes; a selection of another kind is told even where it reaches the same.
    pub(crate) fn select_by(
        &mut self,
        id: u64,
        selection: Selection,
        sender: Actor,
        now: OffsetDateTime,
    ) -> Result<(), SimError> {
        let before = self.known_installation(id)?.clone();
        let installation = Installation { selection, updated_at: now, ..before.clone() };
        self.installations.insert(id, installation.clone());
        let (had, has) = (self.reached(&before), self.reached(&installation));
        let (added, removed) = (without(&has, &had), without(&had, &has));
        let all = installation.selection == Selection::All;
        let widened = all && before.selection != Selection::All;
        let narrowed = !all && before.selection == Selection::All;
        if !added.is_empty() || widened {
            let installation = installation.clone();
            self.changed(Change::RepositoriesAdded { installation, repositories: added, sender });
        }
        if !removed.is_empty() || narrowed {
            self.changed(Change::RepositoriesRemoved { installation, repositories: removed, sender });
        }
        Ok(())
    }

    /// The repository keeps its id. Installations on its old account lose it; those on the new one that reach all repositories gain it.
    pub(crate) fn transfer(
        &mut self,
        repository: u64,
        to: &str,
        now: OffsetDateTime,
    ) -> Result<(), SimError> {
        let unknown = SimError::Invalid("there is no such repository");
        let has =
            |account: &&super::account::Account| account.repositories.iter().any(|r| r.id == repository);
        let from = self.accounts().find(has).map(|account| account.id).ok_or(unknown)?;
        let to = self.id_of(to)?;
        if from == to {
            return Err(SimError::Invalid("the repository is there already"));
        }
        let name = self.account(from).into_iter().flat_map(|a| &a.repositories).find(|r| r.id == repository);
        let name = name.map(|r| r.name.clone()).unwrap_or_default();
        if self.account(to).is_some_and(|a| a.repositories.iter().any(|r| r.name.eq_ignore_ascii_case(&name)))
        {
            return Err(SimError::Taken(name));
        }
        let sender = self.owner_of(from);
        let sender = |installation: &Installation| Actor::Person(sender.unwrap_or(installation.installed_by));
        let losing = self.reaching(from, repository);
        self.move_repository(repository, from, to);
        for (installation, lost) in losing {
            let sender = sender(&installation);
            let installation = self.forget(installation.id, repository, now)?;
            self.changed(Change::RepositoriesRemoved { installation, repositories: vec![lost], sender });
        }
        for (installation, gained) in self.reaching(to, repository) {
            let sender = sender(&installation);
            self.changed(Change::RepositoriesAdded { installation, repositories: vec![gained], sender });
        }
        Ok(())
    }

    /// The installations on an account that reach a repository, and its name there.
    fn reaching(&self, account: u64, repository: u64) -> Vec<(Installation, NamedRepository)> {
        let reached = |installation: &Installation| {
            let named =
                self.reached(installation).into_iter().find(|named| named.repository.id == repository);
            named.map(|named| (installation.clone(), named))
        };
        self.installations().filter(|i| i.account == account).filter_map(reached).collect()
    }

    fn move_repository(&mut self, repository: u64, from: u64, to: u64) {
        let Some(source) = self.accounts.get_mut(&from) else { return };
        let Some(at) = source.repositories.iter().position(|r| r.id == repository) else { return };
        let repository: Repository = source.repositories.remove(at);
        if let Some(target) = self.accounts.get_mut(&to) {
            target.repositories.push(repository);
        }
    }

    fn forget(&mut self, id: u64, repository: u64, now: OffsetDateTime) -> Result<Installation, SimError> {
        let installation = self.known_installation(id)?;
        if let Selection::Selected(ids) = &mut installation.selection {
            ids.remove(&repository);
        }
        installation.updated_at = now;
        Ok(installation.clone())
    }
}

fn without(these: &[NamedRepository], those: &[NamedRepository]) -> Vec<NamedRepository> {
    let among = |id: u64| those.iter().any(|other| other.repository.id == id);
    these.iter().filter(|named| !among(named.repository.id)).cloned().collect()
}
