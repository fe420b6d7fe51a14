use std::collections::{HashMap, HashSet};

use dockline::ports::{InsertOutcome, Observation, ObserveOutcome, ReconcileCursor, ReleaseOutcome};
use dockline::{
    Account, AccountId, Binding, InstallationId, InstallationRecord, NewBinding, OrganizationId, StateDigest,
    Status,
};
use time::{OffsetDateTime, UtcOffset};

use super::record::BindingRecord;
use super::row::{Held, Known, Row};

/// One row per installation, bound or not, and a record of every binding there ever was.
#[derive(Default)]
pub(super) struct Bindings {
    installations: HashMap<InstallationId, Row>,
    /// The installation that each organization holds now. With [`Known::held`] this makes both sides unique (I1).
    holdings: HashMap<OrganizationId, InstallationId>,
    released: HashMap<OrganizationId, Vec<BindingRecord>>,
    /// Never shrinks: a state makes at most one binding ever (I3).
    spent: HashSet<(OrganizationId, StateDigest)>,
    installers: HashMap<InstallationId, AccountId>,
}

impl Bindings {
    pub(super) fn history(&self, organization: &OrganizationId) -> Vec<BindingRecord> {
        let released = self.released.get(organization).into_iter().flatten();
        let live = self.held_by(organization).map(|(_, _, held)| &held.record);
        released.chain(live).cloned().collect()
    }

    fn held(&self, installation: InstallationId) -> Option<(&Known, &Held)> {
        match self.installations.get(&installation)? {
            Row::Known(known) => Some((known, known.held.as_ref()?)),
            Row::GoneUnseen(_) => None,
        }
    }

    fn held_by(&self, organization: &OrganizationId) -> Option<(InstallationId, &Known, &Held)> {
        let installation = *self.holdings.get(organization)?;
        let (known, held) = self.held(installation)?;
        Some((installation, known, held))
    }

    pub(super) fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        self.held_by(organization).map(|(installation, known, held)| known.binding(installation, held))
    }

    pub(super) fn find_by_installation(&self, installation: InstallationId) -> Option<Binding> {
        self.held(installation).map(|(known, held)| known.binding(installation, held))
    }

    pub(super) fn installation(&self, installation: InstallationId) -> Option<InstallationRecord> {
        self.installations.get(&installation).map(Row::facts)
    }

    /// The row of an installation, made by these facts where it was never heard of.
    fn row(
        &mut self,
        installation: InstallationId,
        status: Status,
        account: &Account,
        verified_at: OffsetDateTime,
    ) -> &mut Row {
        self.installations
            .entry(installation)
            .or_insert_with(|| Row::first_seen(status, account.clone(), verified_at))
    }

    pub(super) fn observe(
        &mut self,
        installation: InstallationId,
        observation: Observation,
    ) -> ObserveOutcome {
        match observation {
            Observation::Present { status: Status::Uninstalled, account: _, verified_at }
            | Observation::Uninstalled { verified_at } => {
                let at = stored(verified_at);
                self.installations.entry(installation).or_insert(Row::GoneUnseen(at)).end(at);
                ObserveOutcome::Recorded
            }
            Observation::Present { status, account, verified_at } => {
                let at = stored(verified_at);
                // A row that is as new as the facts has nothing to learn from them.
                self.row(installation, status, &account, at).learn(status, account, at)
            }
            Observation::PermissionsChanged => {
                self.installations.get_mut(&installation).map_or(ObserveOutcome::Outdated, Row::regrant)
            }
        }
    }

    pub(super) fn insert(&mut self, new: NewBinding) -> InsertOutcome {
        if let Some(binding) = self.find(&new.organization) {
            return InsertOutcome::Occupied(binding);
        }
        if self.held(new.installation).is_some() {
            return InsertOutcome::Taken;
        }
        let gone = self.installations.get(&new.installation).is_some_and(Row::is_gone);
        if gone || new.status == Status::Uninstalled {
            return InsertOutcome::Gone;
        }
        if self.spent.contains(&(new.organization.clone(), new.spent)) {
            return InsertOutcome::Spent;
        }
        let held = Held {
            organization: new.organization.clone(),
            record: BindingRecord {
                installation: new.installation,
                proof: new.proof,
                proven_by: new.proven_by,
                actor: new.actor,
                spent: new.spent,
                registered_at: stored(new.registered_at),
                released_at: None,
            },
        };
        let at = stored(new.last_verified_at);
        let row = self.row(new.installation, new.status, &new.account, at);
        // Facts that are older than those kept teach nothing, and the binding is made all the same.
        row.learn(new.status, new.account, at);
        match row {
            Row::GoneUnseen(_) => InsertOutcome::Gone,
            Row::Known(known) => {
                let binding = known.binding(new.installation, &held);
                known.held = Some(held);
                self.spent.insert((new.organization.clone(), new.spent));
                self.holdings.insert(new.organization, new.installation);
                InsertOutcome::Inserted(binding)
            }
        }
    }

    pub(super) fn release(
        &mut self,
        organization: &OrganizationId,
        installation: InstallationId,
        released_at: OffsetDateTime,
    ) -> ReleaseOutcome {
        let Some(Row::Known(known)) = self.installations.get_mut(&installation) else {
            return ReleaseOutcome::NothingBound;
        };
        let Some(held) = known.held.take_if(|held| held.organization == *organization) else {
            return ReleaseOutcome::NothingBound;
        };
        let binding = known.binding(installation, &held);
        known.raise_generation();
        self.holdings.remove(organization);
        let record = BindingRecord { released_at: Some(stored(released_at)), ..held.record };
        self.released.entry(held.organization).or_default().push(record);
        ReleaseOutcome::Released(binding)
    }

    /// The first one stands.
    pub(super) fn record_installer(&mut self, installation: InstallationId, installer: AccountId) {
        self.installers.entry(installation).or_insert(installer);
    }

    pub(super) fn installer(&self, installation: InstallationId) -> Option<AccountId> {
        self.installers.get(&installation).copied()
    }

    pub(super) fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        let place = |it: &ReconcileCursor| (it.verified_at, it.installation);
        let (before, after) =
            (stored(before), after.map(|after| (stored(after.verified_at), after.installation)));
        let mut due: Vec<_> = self
            .holdings
            .values()
            .filter_map(|&installation| {
                let (known, _) = self.held(installation)?;
                let due = ReconcileCursor { verified_at: known.verified_at, installation };
                let in_reach = due.verified_at < before && after.is_none_or(|after| place(&due) > after);
                (in_reach && !known.is_gone()).then_some(due)
            })
            .collect();
        due.sort_unstable_by_key(place);
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        due
    }
}

/// As a database column would keep it: to the microsecond, in UTC.
fn stored(time: OffsetDateTime) -> OffsetDateTime {
    time.checked_to_offset(UtcOffset::UTC).unwrap_or(time).truncate_to_microsecond()
}
