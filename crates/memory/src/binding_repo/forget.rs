//! Erases organizations and persons from the repository.

use std::collections::BTreeSet;

use dockline::ports::{Forgotten, Pseudonyms};
use dockline::rules::life;
use dockline::{AccountId, InstallationId, OrganizationId};
use time::OffsetDateTime;

use super::table::Bindings;

impl Bindings {
    pub(crate) fn forget_organization(
        &mut self,
        organization: &OrganizationId,
        pseudonyms: &Pseudonyms,
        at: OffsetDateTime,
    ) -> Forgotten {
        if let Some(installation) = self.live.get(organization).copied() {
            self.release(organization, installation, &pseudonyms.actor, at);
        }
        let mut records = self.released.remove(organization).unwrap_or_default();
        for record in &mut records {
            record.actor = pseudonyms.actor.clone();
            record.released_by = record.released_by.take().map(|_| pseudonyms.actor.clone());
            record.proven_by = record.proven_by.map(|_| pseudonyms.person);
        }
        let used: BTreeSet<InstallationId> = records.iter().map(|record| record.installation).collect();
        let spent: Vec<_> = records.iter().map(|record| record.spent).collect();
        let bindings = records.len() as u64;
        for digest in spent {
            self.spent.remove(&(organization.clone(), digest));
            self.spent.insert((pseudonyms.organization.clone(), digest));
        }
        if !records.is_empty() {
            self.released.entry(pseudonyms.organization.clone()).or_default().append(&mut records);
        }
        let (installations, installers) = self.forget_installations(used);
        // After the release, which stores a change.
        let messages = self.outbox.as_mut().map_or(0, |outbox| outbox.forget(organization));
        Forgotten { messages, bindings, installations, installers, ..Forgotten::default() }
    }

    pub(crate) fn forget_person(&mut self, user: AccountId, pseudonyms: &Pseudonyms) -> Forgotten {
        let live = self.installations.values_mut().filter_map(|row| row.live.as_mut());
        let records = self.released.values_mut().flatten().chain(live.map(|live| &mut live.record));
        let mut bindings = 0;
        for record in records.filter(|record| record.proven_by == Some(user)) {
            record.proven_by = Some(pseudonyms.person);
            bindings += 1;
        }
        let mut installers = 0;
        for record in self.installers.values_mut().filter(|record| record.installer == user) {
            record.installer = pseudonyms.person;
            installers += 1;
        }
        for stored in self.facts.values_mut() {
            stored.facts.suspended_by.take_if(|suspender| suspender.id == user);
        }
        let kept: BTreeSet<InstallationId> = self.live.values().copied().collect();
        let (messages, still_waiting) = self.outbox.as_mut().map_or((0, 0), |outbox| {
            outbox.forget_person(user, pseudonyms.person, |installation| kept.contains(&installation))
        });
        let is_on_user = |account: Option<&dockline::Account>| account.is_some_and(|on| on.id == user);
        let on_user: Vec<_> = self
            .installations
            .iter()
            .filter(|(_, row)| is_on_user(row.record.account.as_ref()))
            .map(|(id, row)| (*id, row.live.is_some()))
            .collect();
        let still_bound = on_user.iter().filter(|(_, bound)| *bound).count() as u64;
        let (installations, removed) = self.forget_installations(on_user.into_iter().map(|(id, _)| id));
        Forgotten {
            bindings,
            installations,
            installers: installers + removed,
            messages,
            still_bound,
            still_waiting,
            ..Forgotten::default()
        }
    }

    /// Deletes account, facts and installer of those that are not bound. Returns the numbers of installations and installers.
    fn forget_installations(&mut self, ids: impl IntoIterator<Item = InstallationId>) -> (u64, u64) {
        let (mut installations, mut installers) = (0, 0);
        for id in ids {
            let Some(row) = self.installations.get_mut(&id).filter(|row| row.live.is_none()) else {
                continue;
            };
            life::forget(&mut row.record);
            self.facts.remove(&id);
            installations += 1;
            installers += u64::from(self.installers.remove(&id).is_some());
        }
        (installations, installers)
    }
}
