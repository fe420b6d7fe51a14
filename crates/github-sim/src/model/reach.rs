//! Which repositories an installation reaches.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::Model;
use super::installation::{Installation, Selection};
use super::repository::Repository;
use crate::error::SimError;

impl Model {
    /// The repositories that the installation reaches, in the order of their ids.
    pub(crate) fn reach(&self, installation: &Installation) -> Vec<&Repository> {
        let owned = self.account(installation.account).map(|account| account.repositories.iter());
        let mut reached: Vec<&Repository> = owned
            .into_iter()
            .flatten()
            .filter(|repository| installation.selection.covers(repository.id))
            .collect();
        // A repository that came from another account keeps its lower id.
        reached.sort_by_key(|repository| repository.id);
        reached
    }

    /// The installation reaches exactly these repositories of its account.
    pub(crate) fn select_named(
        &mut self,
        id: u64,
        names: &[&str],
        now: OffsetDateTime,
    ) -> Result<(), SimError> {
        let ids = self.named_repositories(id, names)?;
        self.select(id, Selection::Selected(ids), now)
    }

    /// One repository more, or one less. An installation on all repositories has none to choose.
    pub(crate) fn change_selection(
        &mut self,
        id: u64,
        names: &[&str],
        chosen: bool,
        now: OffsetDateTime,
    ) -> Result<(), SimError> {
        let named = self.named_repositories(id, names)?;
        let installation = self.installation(id).ok_or(SimError::UnknownInstallation(id))?;
        let Selection::Selected(present) = &installation.selection else {
            return Err(SimError::Invalid("the installation reaches all repositories"));
        };
        let changed: BTreeSet<u64> = if chosen { present | &named } else { present - &named };
        self.select(id, Selection::Selected(changed), now)
    }

    fn named_repositories(&self, installation: u64, names: &[&str]) -> Result<BTreeSet<u64>, SimError> {
        let unknown = SimError::UnknownInstallation(installation);
        let account = self.installation(installation).and_then(|i| self.account(i.account)).ok_or(unknown)?;
        let id = |name: &&str| match account.repository(name) {
            Some(repository) => Ok(repository.id),
            None => Err(SimError::UnknownRepository((*name).to_owned())),
        };
        names.iter().map(id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::account::AccountKind;
    use crate::model::app::NewApp;
    use crate::model::installation::NewInstallation;
    use crate::model::repository::NewRepository;

    #[test]
    fn the_reach_is_in_the_order_of_ids_however_the_account_came_by_them() {
        let now = time::macros::datetime!(2026-01-01 12:00 UTC);
        let mut model = Model::default();
        let account = model.create_account(AccountKind::Organization, "acme", now).unwrap();
        let app_id = model.create_app(NewApp::new("app", "http://127.0.0.1:1/"), now).unwrap().app_id;
        let selection = Selection::All;
        let new = NewInstallation { id: None, app_id, account, sender: account, requester: None, selection };
        let installation = model.install(new, now).unwrap();
        let ids = ["a", "b", "c"]
            .map(|name| model.create_repository("acme", NewRepository::new(name), now).unwrap());
        model.accounts.get_mut(&account).unwrap().repositories.rotate_left(1);
        let reach = model.reach(model.installation(installation).unwrap());
        assert_eq!(reach.iter().map(|repository| repository.id).collect::<Vec<_>>(), ids);
    }
}
