//! A repository that keeps only a log, and computes every answer from all of it.

use dockline::ports::{
    InsertOutcome, Observation, ObserveOutcome, ReconcileCursor, ReconcileScope, ReleaseOutcome,
};
use dockline::rules::life::{self, LiveBindings};
use dockline::{
    Binding, InstallationId, InstallationRecord, InstallerRecord, NewBinding, OrganizationId, Status,
};
use time::{Duration, OffsetDateTime};

use super::NOON;

fn truncated(time: OffsetDateTime) -> OffsetDateTime {
    let nanoseconds = (time - NOON).whole_nanoseconds();
    NOON + Duration::microseconds(i64::try_from(nanoseconds.div_euclid(1_000)).unwrap())
}

#[derive(Debug, Clone)]
enum Entry {
    Observed(InstallationId, Observation),
    Bound(NewBinding),
    Released(OrganizationId, InstallationId),
    Postponed(InstallationId, OffsetDateTime),
    Installer(InstallationId, InstallerRecord),
}

/// Applies an observation to the record of its installation. A sequence has too few bindings for the bound.
fn apply(record: &mut Option<InstallationRecord>, observation: &Observation) -> ObserveOutcome {
    let observation = match observation.clone() {
        Observation::Present { status: Status::Uninstalled, asked_at, .. }
        | Observation::Missing { asked_at } => Observation::Missing { asked_at: truncated(asked_at) },
        Observation::Present { status, account, asked_at, next_look_at } => Observation::Present {
            status,
            account,
            asked_at: truncated(asked_at),
            next_look_at: truncated(next_look_at),
        },
        Observation::Ending { at } => Observation::Ending { at: truncated(at) },
        Observation::UninstalledByUs { at } => Observation::UninstalledByUs { at: truncated(at) },
        Observation::Deleted { at } => Observation::Deleted { at: truncated(at) },
        Observation::PermissionsChanged { at } => Observation::PermissionsChanged { at: truncated(at) },
    };
    match record {
        Some(known) => life::observe(known, &observation, LiveBindings::default),
        None => {
            *record = life::first(&observation);
            if record.is_some() { ObserveOutcome::Recorded } else { ObserveOutcome::Outdated }
        }
    }
}

#[derive(Default)]
pub(super) struct Reference(Vec<Entry>);

impl Reference {
    /// The record of an installation, without its organization.
    fn record(&self, id: InstallationId) -> Option<InstallationRecord> {
        let mut record = None;
        for entry in &self.0 {
            match entry {
                Entry::Observed(observed, observation) if *observed == id => {
                    apply(&mut record, observation);
                }
                Entry::Bound(new) if new.installation == id => {
                    let observation = Observation::Present {
                        status: new.status,
                        account: new.account.clone(),
                        asked_at: new.last_verified_at,
                        next_look_at: new.next_look_at,
                    };
                    apply(&mut record, &observation);
                }
                Entry::Released(_, released) if *released == id => {
                    record.as_mut().unwrap().generation += 1;
                }
                Entry::Postponed(postponed, to) if *postponed == id => {
                    if let Some(next) = record.as_mut().and_then(|record| record.life.next_look_at.as_mut()) {
                        *next = truncated(*to).max(*next);
                    }
                }
                Entry::Observed(..)
                | Entry::Bound(_)
                | Entry::Released(..)
                | Entry::Postponed(..)
                | Entry::Installer(..) => {}
            }
        }
        record
    }

    pub(super) fn is_final(&self, id: InstallationId) -> bool {
        self.record(id).is_some_and(|record| record.life.presence.is_final())
    }

    pub(super) fn postpone(&mut self, id: InstallationId, to: OffsetDateTime) {
        self.0.push(Entry::Postponed(id, to));
    }

    pub(super) fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let organization =
            self.live().into_iter().find(|row| row.installation == id).map(|row| row.organization);
        self.record(id).map(|record| InstallationRecord { organization, ..record })
    }

    /// The bindings that no later entry released.
    pub(super) fn live(&self) -> Vec<Binding> {
        let mut live: Vec<&NewBinding> = Vec::new();
        for entry in &self.0 {
            match entry {
                Entry::Bound(new) => live.push(new),
                Entry::Released(organization, id) => {
                    live.retain(|new| (&new.organization, &new.installation) != (organization, id));
                }
                Entry::Observed(..) | Entry::Postponed(..) | Entry::Installer(..) => {}
            }
        }
        live.into_iter().map(|new| self.row(new)).collect()
    }

    fn row(&self, new: &NewBinding) -> Binding {
        let record = self.record(new.installation).unwrap();
        Binding {
            organization: new.organization.clone(),
            installation: new.installation,
            account: record.account.unwrap(),
            status: record.status,
            life: record.life,
            proof: new.proof,
            proven_by: new.proven_by,
            actor: new.actor.clone(),
            registered_at: truncated(new.registered_at),
            last_verified_at: record.verified_at,
            generation: record.generation,
        }
    }

    pub(super) fn observe(&mut self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let outcome = apply(&mut self.record(id), &observation);
        self.0.push(Entry::Observed(id, observation));
        outcome
    }

    pub(super) fn insert(&mut self, new: NewBinding) -> InsertOutcome {
        let live = self.live();
        let has_spent = |entry: &Entry| match entry {
            Entry::Bound(old) => (&old.organization, old.spent) == (&new.organization, new.spent),
            Entry::Observed(..) | Entry::Released(..) | Entry::Postponed(..) | Entry::Installer(..) => false,
        };
        if let Some(row) = live.iter().find(|row| row.organization == new.organization) {
            InsertOutcome::Occupied(row.clone())
        } else if live.iter().any(|row| row.installation == new.installation) {
            InsertOutcome::Taken
        } else if self.has_ended(&new) || new.status == Status::Uninstalled {
            InsertOutcome::Gone
        } else if self.0.iter().any(has_spent) {
            InsertOutcome::Spent
        } else {
            self.0.push(Entry::Bound(new.clone()));
            InsertOutcome::Inserted(self.row(&new))
        }
    }

    /// Whether the installation has ended, or is ending at the time of the lookup.
    fn has_ended(&self, new: &NewBinding) -> bool {
        self.record(new.installation).is_some_and(|record| {
            let presence = record.life.presence;
            presence.is_final() || life::is_ending(presence, truncated(new.last_verified_at))
        })
    }

    pub(super) fn release(&mut self, organization: OrganizationId, id: InstallationId) -> ReleaseOutcome {
        let is_it = |row: &Binding| (&row.organization, row.installation) == (&organization, id);
        match self.live().into_iter().find(is_it) {
            None => ReleaseOutcome::NothingBound,
            Some(row) => {
                self.0.push(Entry::Released(organization, id));
                ReleaseOutcome::Released(row)
            }
        }
    }

    pub(super) fn record_installer(&mut self, id: InstallationId, installer: InstallerRecord) {
        self.0.push(Entry::Installer(id, installer));
    }

    pub(super) fn installer(&self, id: InstallationId) -> Option<InstallerRecord> {
        self.0.iter().find_map(|entry| match entry {
            Entry::Installer(installation, installer) if *installation == id => Some(*installer),
            Entry::Observed(..)
            | Entry::Bound(_)
            | Entry::Released(..)
            | Entry::Postponed(..)
            | Entry::Installer(..) => None,
        })
    }

    pub(super) fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        let by_number = matches!(scope, ReconcileScope::ObservedBefore(_));
        let mut due: Vec<_> = self
            .live()
            .into_iter()
            .filter(|row| match scope {
                ReconcileScope::Due(before) => {
                    let before = truncated(before);
                    let is_in_future = row.life.observed_at > before.saturating_add(life::CLOCK_TOLERANCE);
                    row.life.next_look_at.is_some_and(|next| next < before || is_in_future)
                }
                ReconcileScope::ObservedBefore(before) => {
                    !row.life.presence.is_final() && row.life.observed_at < truncated(before)
                }
            })
            .map(|row| (row.life.next_look_at.unwrap_or(row.life.observed_at), row.installation))
            .collect();
        due.sort_unstable_by_key(|(next, id)| ((!by_number).then_some(*next), *id));
        due.into_iter()
            .skip_while(|&(next, id)| {
                after.is_some_and(|after| {
                    (by_number && id <= after.installation)
                        || (!by_number && (next, id) <= (truncated(after.next_look_at), after.installation))
                })
            })
            .take(usize::try_from(limit).unwrap())
            .map(|(next_look_at, installation)| ReconcileCursor { next_look_at, installation })
            .collect()
    }
}
