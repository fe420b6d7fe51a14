//! A repository that keeps only a log, and computes every answer from all of it.

use dockline::ports::{InsertOutcome, Observation, ObserveOutcome, ReconcileCursor, ReleaseOutcome};
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
    Installer(InstallationId, InstallerRecord),
}

/// Applies an observation to the record of its installation.
fn apply(record: &mut Option<InstallationRecord>, observation: &Observation) -> ObserveOutcome {
    let first = |account, status, verified_at| {
        Some(InstallationRecord { organization: None, account, status, verified_at, generation: 1 })
    };
    match (observation, record) {
        (Observation::PermissionsChanged, None) => return ObserveOutcome::Outdated,
        (
            Observation::Uninstalled { verified_at }
            | Observation::Present { status: Status::Uninstalled, verified_at, .. },
            record,
        ) => match record {
            None => *record = first(None, Status::Uninstalled, truncated(*verified_at)),
            Some(it) => {
                it.verified_at = it.verified_at.max(truncated(*verified_at));
                it.generation += u64::from(it.status != Status::Uninstalled);
                it.status = Status::Uninstalled;
            }
        },
        (Observation::Present { status, account, verified_at }, record @ None) => {
            *record = first(Some(account.clone()), *status, truncated(*verified_at));
        }
        (_, Some(it)) if it.status == Status::Uninstalled => return ObserveOutcome::Gone,
        (Observation::PermissionsChanged, Some(it)) => it.generation += 1,
        (Observation::Present { verified_at, .. }, Some(it)) if truncated(*verified_at) < it.verified_at => {
            return ObserveOutcome::Outdated;
        }
        (Observation::Present { status, account, verified_at }, Some(it)) => {
            it.generation += u64::from(*status != it.status || Some(account) != it.account.as_ref());
            it.status = *status;
            it.account = Some(account.clone());
            it.verified_at = truncated(*verified_at);
        }
    }
    ObserveOutcome::Recorded
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
                        verified_at: new.last_verified_at,
                    };
                    apply(&mut record, &observation);
                }
                Entry::Released(_, released) if *released == id => {
                    record.as_mut().unwrap().generation += 1;
                }
                Entry::Observed(..) | Entry::Bound(_) | Entry::Released(..) | Entry::Installer(..) => {}
            }
        }
        record
    }

    pub(super) fn is_uninstalled(&self, id: InstallationId) -> bool {
        self.record(id).is_some_and(|record| record.status == Status::Uninstalled)
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
                Entry::Observed(..) | Entry::Installer(..) => {}
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
            Entry::Observed(..) | Entry::Released(..) | Entry::Installer(..) => false,
        };
        if let Some(row) = live.iter().find(|row| row.organization == new.organization) {
            InsertOutcome::Occupied(row.clone())
        } else if live.iter().any(|row| row.installation == new.installation) {
            InsertOutcome::Taken
        } else if self.is_uninstalled(new.installation) || new.status == Status::Uninstalled {
            InsertOutcome::Gone
        } else if self.0.iter().any(has_spent) {
            InsertOutcome::Spent
        } else {
            self.0.push(Entry::Bound(new.clone()));
            InsertOutcome::Inserted(self.row(&new))
        }
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
            Entry::Observed(..) | Entry::Bound(_) | Entry::Released(..) | Entry::Installer(..) => None,
        })
    }

    pub(super) fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        let mut stale: Vec<_> = self
            .live()
            .into_iter()
            .filter(|row| row.status != Status::Uninstalled && row.last_verified_at < truncated(before))
            .map(|row| (row.last_verified_at, row.installation))
            .collect();
        stale.sort_unstable();
        stale
            .into_iter()
            .skip_while(|&it| {
                after.is_some_and(|after| it <= (truncated(after.verified_at), after.installation))
            })
            .take(usize::try_from(limit).unwrap())
            .map(|(verified_at, installation)| ReconcileCursor { verified_at, installation })
            .collect()
    }
}
