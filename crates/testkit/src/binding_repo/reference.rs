//! A reference that keeps nothing but a log, and reads every answer off the whole of it.

use dockline::ports::{InsertOutcome, Observation, ObserveOutcome, ReconcileCursor, ReleaseOutcome};
use dockline::{AccountId, Binding, InstallationId, InstallationRecord, NewBinding, OrganizationId, Status};
use time::{Duration, OffsetDateTime};

use super::NOON;

fn kept(time: OffsetDateTime) -> OffsetDateTime {
    let nanoseconds = (time - NOON).whole_nanoseconds();
    NOON + Duration::microseconds(i64::try_from(nanoseconds.div_euclid(1_000)).unwrap())
}

#[derive(Debug, Clone)]
enum Line {
    Said(InstallationId, Observation),
    Bound(NewBinding),
    Released(OrganizationId, InstallationId),
    Noted(InstallationId, AccountId),
}

/// What an installation's facts are after `observation`, and what it was worth.
fn hear(facts: &mut Option<InstallationRecord>, observation: &Observation) -> ObserveOutcome {
    let first = |account, status, verified_at| {
        Some(InstallationRecord { organization: None, account, status, verified_at, generation: 1 })
    };
    match (observation, facts) {
        (Observation::PermissionsChanged, None) => return ObserveOutcome::Outdated,
        (
            Observation::Uninstalled { verified_at }
            | Observation::Present { status: Status::Uninstalled, verified_at, .. },
            facts,
        ) => match facts {
            None => *facts = first(None, Status::Uninstalled, kept(*verified_at)),
            Some(it) => {
                it.verified_at = it.verified_at.max(kept(*verified_at));
                it.generation += u64::from(it.status != Status::Uninstalled);
                it.status = Status::Uninstalled;
            }
        },
        (Observation::Present { status, account, verified_at }, facts @ None) => {
            *facts = first(Some(account.clone()), *status, kept(*verified_at));
        }
        (_, Some(it)) if it.status == Status::Uninstalled => return ObserveOutcome::Gone,
        (Observation::PermissionsChanged, Some(it)) => it.generation += 1,
        (Observation::Present { verified_at, .. }, Some(it)) if kept(*verified_at) < it.verified_at => {
            return ObserveOutcome::Outdated;
        }
        (Observation::Present { status, account, verified_at }, Some(it)) => {
            it.generation += u64::from(*status != it.status || Some(account) != it.account.as_ref());
            it.status = *status;
            it.account = Some(account.clone());
            it.verified_at = kept(*verified_at);
        }
    }
    ObserveOutcome::Recorded
}

#[derive(Default)]
pub(super) struct Model(Vec<Line>);

impl Model {
    /// What the log says of one installation, but for who has it.
    fn facts(&self, id: InstallationId) -> Option<InstallationRecord> {
        let mut facts = None;
        for line in &self.0 {
            match line {
                Line::Said(said, observation) if *said == id => {
                    hear(&mut facts, observation);
                }
                Line::Bound(new) if new.installation == id => {
                    let said = Observation::Present {
                        status: new.status,
                        account: new.account.clone(),
                        verified_at: new.last_verified_at,
                    };
                    hear(&mut facts, &said);
                }
                Line::Released(_, released) if *released == id => {
                    facts.as_mut().unwrap().generation += 1;
                }
                Line::Said(..) | Line::Bound(_) | Line::Released(..) | Line::Noted(..) => {}
            }
        }
        facts
    }

    pub(super) fn is_gone(&self, id: InstallationId) -> bool {
        self.facts(id).is_some_and(|facts| facts.status == Status::Uninstalled)
    }

    pub(super) fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let organization =
            self.live().into_iter().find(|row| row.installation == id).map(|row| row.organization);
        self.facts(id).map(|facts| InstallationRecord { organization, ..facts })
    }

    /// The grants that no later release of the same pair ended.
    pub(super) fn live(&self) -> Vec<Binding> {
        let mut live: Vec<&NewBinding> = Vec::new();
        for line in &self.0 {
            match line {
                Line::Bound(new) => live.push(new),
                Line::Released(organization, id) => {
                    live.retain(|new| (&new.organization, &new.installation) != (organization, id));
                }
                Line::Said(..) | Line::Noted(..) => {}
            }
        }
        live.into_iter().map(|new| self.row(new)).collect()
    }

    fn row(&self, new: &NewBinding) -> Binding {
        let facts = self.facts(new.installation).unwrap();
        Binding {
            organization: new.organization.clone(),
            installation: new.installation,
            account: facts.account.unwrap(),
            status: facts.status,
            proof: new.proof,
            proven_by: new.proven_by,
            actor: new.actor.clone(),
            registered_at: kept(new.registered_at),
            last_verified_at: facts.verified_at,
            generation: facts.generation,
        }
    }

    pub(super) fn observe(&mut self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let observed = hear(&mut self.facts(id), &observation);
        self.0.push(Line::Said(id, observation));
        observed
    }

    pub(super) fn insert(&mut self, new: NewBinding) -> InsertOutcome {
        let live = self.live();
        let has_spent = |line: &Line| match line {
            Line::Bound(old) => (&old.organization, old.spent) == (&new.organization, new.spent),
            Line::Said(..) | Line::Released(..) | Line::Noted(..) => false,
        };
        if let Some(row) = live.iter().find(|row| row.organization == new.organization) {
            InsertOutcome::Occupied(row.clone())
        } else if live.iter().any(|row| row.installation == new.installation) {
            InsertOutcome::Taken
        } else if self.is_gone(new.installation) || new.status == Status::Uninstalled {
            InsertOutcome::Gone
        } else if self.0.iter().any(has_spent) {
            InsertOutcome::Spent
        } else {
            self.0.push(Line::Bound(new.clone()));
            InsertOutcome::Inserted(self.row(&new))
        }
    }

    pub(super) fn release(&mut self, name: OrganizationId, id: InstallationId) -> ReleaseOutcome {
        match self.live().into_iter().find(|row| (&row.organization, row.installation) == (&name, id)) {
            None => ReleaseOutcome::NothingBound,
            Some(row) => {
                self.0.push(Line::Released(name, id));
                ReleaseOutcome::Released(row)
            }
        }
    }

    pub(super) fn record_installer(&mut self, id: InstallationId, installer: AccountId) {
        self.0.push(Line::Noted(id, installer));
    }

    pub(super) fn installer(&self, id: InstallationId) -> Option<AccountId> {
        self.0.iter().find_map(|line| match line {
            Line::Noted(noted, installer) if *noted == id => Some(*installer),
            Line::Said(..) | Line::Bound(_) | Line::Released(..) | Line::Noted(..) => None,
        })
    }

    pub(super) fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        let mut places: Vec<_> = self
            .live()
            .into_iter()
            .filter(|row| row.status != Status::Uninstalled && row.last_verified_at < kept(before))
            .map(|row| (row.last_verified_at, row.installation))
            .collect();
        places.sort_unstable();
        places
            .into_iter()
            .skip_while(|&place| after.is_some_and(|it| place <= (kept(it.verified_at), it.installation)))
            .take(usize::try_from(limit).unwrap())
            .map(|(verified_at, installation)| ReconcileCursor { verified_at, installation })
            .collect()
    }
}
