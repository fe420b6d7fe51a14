use std::collections::{HashMap, HashSet};

use dockline::ports::{InsertOutcome, Observation, ObserveOutcome, ReconcileCursor, ReleaseOutcome};
use dockline::rules::bucket::in_utc;
use dockline::{
    Account, Binding, InstallationId, InstallationRecord, InstallerRecord, NewBinding, OrganizationId,
    StateDigest, Status,
};
use time::OffsetDateTime;

use super::BindingRecord;
use super::row::{Known, LiveBinding, Row};

/// The tables of the repository.
#[derive(Default)]
pub(super) struct Bindings {
    installations: HashMap<InstallationId, Row>,
    /// The installation of each organization's live binding. Together with [`Known::live`], both sides are unique.
    live: HashMap<OrganizationId, InstallationId>,
    released: HashMap<OrganizationId, Vec<BindingRecord>>,
    /// Never shrinks, so that a state makes at most one binding.
    spent: HashSet<(OrganizationId, StateDigest)>,
    installers: HashMap<InstallationId, InstallerRecord>,
}

impl Bindings {
    pub(super) fn history(&self, organization: &OrganizationId) -> Vec<BindingRecord> {
        let released = self.released.get(organization).into_iter().flatten();
        let live = self.live_of(organization).map(|(_, _, live)| &live.record);
        released.chain(live).cloned().collect()
    }

    fn live(&self, installation: InstallationId) -> Option<(&Known, &LiveBinding)> {
        match self.installations.get(&installation)? {
            Row::Known(known) => Some((known, known.live.as_ref()?)),
            Row::UninstalledUnseen(_) => None,
        }
    }

    fn live_of(&self, organization: &OrganizationId) -> Option<(InstallationId, &Known, &LiveBinding)> {
        let installation = *self.live.get(organization)?;
        let (known, live) = self.live(installation)?;
        Some((installation, known, live))
    }

    pub(super) fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        self.live_of(organization).map(|(installation, known, live)| known.binding(installation, live))
    }

    pub(super) fn installation(&self, installation: InstallationId) -> Option<InstallationRecord> {
        self.installations.get(&installation).map(Row::to_record)
    }

    /// Returns the row of an installation, and creates it from these facts if it is unknown.
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
                let at = stored_time(verified_at);
                self.installations
                    .entry(installation)
                    .or_insert(Row::UninstalledUnseen(at))
                    .observe_uninstalled(at);
                ObserveOutcome::Recorded
            }
            Observation::Present { status, account, verified_at } => {
                let at = stored_time(verified_at);
                // Observing the facts of a row that was just created changes nothing.
                self.row(installation, status, &account, at).observe_present(status, account, at)
            }
            Observation::PermissionsChanged => self
                .installations
                .get_mut(&installation)
                .map_or(ObserveOutcome::Outdated, Row::observe_permissions_changed),
        }
    }

    pub(super) fn insert(&mut self, new: NewBinding) -> InsertOutcome {
        if let Some(binding) = self.find(&new.organization) {
            return InsertOutcome::Occupied(binding);
        }
        if self.live(new.installation).is_some() {
            return InsertOutcome::Taken;
        }
        let uninstalled = self.installations.get(&new.installation).is_some_and(Row::is_uninstalled);
        if uninstalled || new.status == Status::Uninstalled {
            return InsertOutcome::Gone;
        }
        if self.spent.contains(&(new.organization.clone(), new.spent)) {
            return InsertOutcome::Spent;
        }
        let live = LiveBinding {
            organization: new.organization.clone(),
            record: BindingRecord {
                installation: new.installation,
                proof: new.proof,
                proven_by: new.proven_by,
                actor: new.actor,
                spent: new.spent,
                registered_at: stored_time(new.registered_at),
                released_at: None,
            },
        };
        let at = stored_time(new.last_verified_at);
        let row = self.row(new.installation, new.status, &new.account, at);
        // Ignores facts that are older than the stored ones, but makes the binding.
        row.observe_present(new.status, new.account, at);
        match row {
            Row::UninstalledUnseen(_) => InsertOutcome::Gone,
            Row::Known(known) => {
                let binding = known.binding(new.installation, &live);
                known.live = Some(live);
                self.spent.insert((new.organization.clone(), new.spent));
                self.live.insert(new.organization, new.installation);
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
        let Some(live) = known.live.take_if(|live| live.organization == *organization) else {
            return ReleaseOutcome::NothingBound;
        };
        let binding = known.binding(installation, &live);
        known.raise_generation();
        self.live.remove(organization);
        let record = BindingRecord { released_at: Some(stored_time(released_at)), ..live.record };
        self.released.entry(live.organization).or_default().push(record);
        ReleaseOutcome::Released(binding)
    }

    /// Keeps the first installer.
    pub(super) fn record_installer(&mut self, installation: InstallationId, record: InstallerRecord) {
        self.installers.entry(installation).or_insert(record);
    }

    pub(super) fn installer(&self, installation: InstallationId) -> Option<InstallerRecord> {
        self.installers.get(&installation).copied()
    }

    pub(super) fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        let position = |cursor: &ReconcileCursor| (cursor.verified_at, cursor.installation);
        let (before, after) =
            (stored_time(before), after.map(|after| (stored_time(after.verified_at), after.installation)));
        let mut stale: Vec<_> = self
            .live
            .values()
            .filter_map(|&installation| {
                let (known, _) = self.live(installation)?;
                let cursor = ReconcileCursor { verified_at: known.verified_at, installation };
                let in_range =
                    cursor.verified_at < before && after.is_none_or(|after| position(&cursor) > after);
                (in_range && !known.is_uninstalled()).then_some(cursor)
            })
            .collect();
        stale.sort_unstable_by_key(position);
        stale.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        stale
    }
}

/// Truncates to microseconds in UTC, the precision that the port promises.
fn stored_time(time: OffsetDateTime) -> OffsetDateTime {
    in_utc(time).truncate_to_microsecond()
}
