use std::collections::{HashMap, HashSet};

use dockline::ports::{
    InsertOutcome, Observation, ObserveOutcome, Observed, ReconcileCursor, ReconcileScope, ReleaseOutcome,
};
use dockline::rules::life::{self, LiveBindings};
use dockline::{
    Actor, Binding, Change, InstallationId, InstallationRecord, InstallerRecord, Life, NewBinding,
    OrganizationId, StateDigest, Status, StoredFacts, TombstoneReset,
};
use time::OffsetDateTime;

use super::BindingRecord;
use super::row::{LiveBinding, Row};
use crate::outbox::Queues;
use crate::stored_time;

/// The tables of the repository.
#[derive(Default)]
pub(crate) struct Bindings {
    /// The outbox; `None` unless it is open.
    pub(crate) outbox: Option<Queues>,
    pub(super) installations: HashMap<InstallationId, Row>,
    /// The installation of each organization's live binding. Together with [`Row::live`], both sides are unique.
    pub(super) live: HashMap<OrganizationId, InstallationId>,
    pub(super) released: HashMap<OrganizationId, Vec<BindingRecord>>,
    /// Never shrinks, so that a state makes at most one binding.
    pub(super) spent: HashSet<(OrganizationId, StateDigest)>,
    pub(super) installers: HashMap<InstallationId, InstallerRecord>,
    pub(super) facts: HashMap<InstallationId, StoredFacts>,
    /// Oldest first.
    pub(super) resets: Vec<TombstoneReset>,
}

impl Bindings {
    pub(super) fn history(&self, organization: &OrganizationId) -> Vec<BindingRecord> {
        let released = self.released.get(organization).into_iter().flatten();
        let live = self.live_of(organization).map(|(_, _, live)| &live.record);
        released.chain(live).cloned().collect()
    }

    pub(super) fn live(&self, installation: InstallationId) -> Option<(&Row, &LiveBinding)> {
        let row = self.installations.get(&installation)?;
        Some((row, row.live.as_ref()?))
    }

    fn live_of(&self, organization: &OrganizationId) -> Option<(InstallationId, &Row, &LiveBinding)> {
        let installation = *self.live.get(organization)?;
        let (row, live) = self.live(installation)?;
        Some((installation, row, live))
    }

    pub(super) fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        let (installation, row, live) = self.live_of(organization)?;
        row.binding(installation, live)
    }

    pub(crate) fn installation(&self, installation: InstallationId) -> Option<InstallationRecord> {
        self.installations.get(&installation).map(Row::to_record)
    }

    /// Counts the live bindings, for the bound on missing ones.
    fn count(&self, now: OffsetDateTime) -> LiveBindings {
        let rows = self.live.values().filter_map(|installation| self.installations.get(installation));
        let not_shown = rows.filter(|row| life::counts_as_not_shown(&row.record, now)).count();
        LiveBindings { all: self.live.len() as u64, not_shown: not_shown as u64 }
    }

    pub(super) fn observe(&mut self, installation: InstallationId, observation: Observation) -> Observed {
        let observation = observation.stored();
        let before = self.installation(installation);
        let outcome = self.apply(installation, &observation);
        let after = self.installation(installation);
        let change = after.and_then(|after| Change::between(installation, before.as_ref(), &after));
        self.push_change(change.as_ref(), observation.at());
        Observed { outcome, change }
    }

    /// Stores a change in the outbox, if it is open.
    fn push_change(&mut self, change: Option<&Change>, at: OffsetDateTime) {
        if let (Some(outbox), Some(change)) = (&mut self.outbox, change) {
            outbox.push_change(change, at);
        }
    }

    fn apply(&mut self, installation: InstallationId, observation: &Observation) -> ObserveOutcome {
        // Computed before the row is borrowed, and only where it can matter.
        let live = match observation {
            Observation::Missing { asked_at } => self.count(*asked_at),
            Observation::Present { .. }
            | Observation::Ending { .. }
            | Observation::UninstalledByUs { .. }
            | Observation::Deleted { .. }
            | Observation::PermissionsChanged { .. } => LiveBindings::default(),
        };
        match self.installations.get_mut(&installation) {
            Some(row) => life::observe(&mut row.record, observation, || live),
            None => match life::first(observation) {
                Some(record) => {
                    self.installations.insert(installation, Row { record, live: None });
                    ObserveOutcome::Recorded
                }
                None => ObserveOutcome::Outdated,
            },
        }
    }

    pub(super) fn insert(&mut self, new: NewBinding) -> InsertOutcome {
        if let Some(binding) = self.find(&new.organization) {
            return InsertOutcome::Occupied(binding);
        }
        if self.live(new.installation).is_some() {
            return InsertOutcome::Taken;
        }
        let asked_at = stored_time(new.last_verified_at);
        let row = self.installations.get(&new.installation);
        if row.is_some_and(|row| !life::can_be_bound(&row.record, asked_at))
            || new.status == Status::Uninstalled
        {
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
                released_by: None,
            },
        };
        // Ignores facts that are older than the stored ones, but makes the binding.
        let next_look_at = stored_time(new.next_look_at);
        let before = self.installation(new.installation);
        self.apply(
            new.installation,
            &Observation::Present { status: new.status, account: new.account, asked_at, next_look_at },
        );
        let Some(row) = self.installations.get_mut(&new.installation) else { return InsertOutcome::Gone };
        let Some(binding) = row.binding(new.installation, &live) else { return InsertOutcome::Gone };
        row.live = Some(live);
        self.spent.insert((new.organization.clone(), new.spent));
        if let Some(facts) = &new.facts {
            self.record_facts(new.installation, facts, Some(asked_at));
        }
        self.live.insert(new.organization, new.installation);
        if let Some(after) = self.installation(new.installation) {
            let change = Change {
                installation: new.installation,
                before: before.as_ref().map(Into::into),
                after: (&after).into(),
                actor: Some(binding.actor.clone()),
            };
            self.push_change(Some(&change), new.registered_at);
        }
        InsertOutcome::Inserted(binding)
    }

    pub(super) fn release(
        &mut self,
        organization: &OrganizationId,
        installation: InstallationId,
        actor: &Actor,
        released_at: OffsetDateTime,
    ) -> ReleaseOutcome {
        let before = self.installation(installation);
        let Some(row) = self.installations.get_mut(&installation) else {
            return ReleaseOutcome::NothingBound;
        };
        let Some(live) = row.live.take_if(|live| live.organization == *organization) else {
            return ReleaseOutcome::NothingBound;
        };
        let Some(binding) = row.binding(installation, &live) else { return ReleaseOutcome::NothingBound };
        row.raise_generation();
        self.live.remove(organization);
        let record = BindingRecord {
            released_at: Some(stored_time(released_at)),
            released_by: Some(actor.clone()),
            ..live.record
        };
        self.released.entry(live.organization).or_default().push(record);
        let after = self.installation(installation);
        let change = after.and_then(|after| Change::between(installation, before.as_ref(), &after));
        let change = change.map(|change| Change { actor: Some(actor.clone()), ..change });
        self.push_change(change.as_ref(), released_at);
        ReleaseOutcome::Released(binding)
    }

    /// Keeps the first installer.
    pub(super) fn record_installer(&mut self, installation: InstallationId, record: InstallerRecord) {
        self.installers.entry(installation).or_insert(record);
    }

    pub(super) fn installer(&self, installation: InstallationId) -> Option<InstallerRecord> {
        self.installers.get(&installation).copied()
    }

    pub(super) fn postpone(&mut self, installation: InstallationId, next_look_at: OffsetDateTime) {
        if let Some(row) = self.installations.get_mut(&installation) {
            let next = &mut row.record.life.next_look_at;
            *next = next.map(|next| next.max(stored_time(next_look_at)));
        }
    }

    pub(super) fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        let position = |cursor: &ReconcileCursor| match scope {
            ReconcileScope::Due(_) => (Some(cursor.next_look_at), cursor.installation),
            ReconcileScope::ObservedBefore(_) => (None, cursor.installation),
        };
        let after = after.map(|after| {
            position(&ReconcileCursor { next_look_at: stored_time(after.next_look_at), ..after })
        });
        let is_in_scope = |row: Life| match scope {
            ReconcileScope::Due(before) => row.next_look_at.is_some_and(|next| {
                let before = stored_time(before);
                next < before || row.observed_at > before.saturating_add(life::CLOCK_TOLERANCE)
            }),
            ReconcileScope::ObservedBefore(before) => {
                !row.presence.is_final() && row.observed_at < stored_time(before)
            }
        };
        let mut due: Vec<_> = self
            .live
            .values()
            .filter_map(|&installation| {
                let life = self.installations.get(&installation)?.record.life;
                let next_look_at = life.next_look_at.unwrap_or(life.observed_at);
                let cursor = ReconcileCursor { next_look_at, installation };
                let is_after = after.is_none_or(|after| position(&cursor) > after);
                (is_after && is_in_scope(life)).then_some(cursor)
            })
            .collect();
        due.sort_unstable_by_key(position);
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        due
    }
}
