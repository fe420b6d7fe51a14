//! A reference that keeps nothing but a log, and reads every answer off the whole of it.

use dockline::ports::{Insertion, Observation, Release};
use dockline::{Account, Binding, InstallationId, NewBinding, OrganizationId, Status};
use time::{Duration, OffsetDateTime};

use super::NOON;

fn kept(time: OffsetDateTime) -> OffsetDateTime {
    let nanoseconds = (time - NOON).whole_nanoseconds();
    NOON + Duration::microseconds(i64::try_from(nanoseconds / 1_000).unwrap())
}

#[derive(Debug, Clone)]
pub(super) enum Line {
    Said(InstallationId, Observation),
    Bound(NewBinding),
    Released(OrganizationId, InstallationId),
}

/// What the log says of one installation.
#[derive(Default, Clone)]
pub(super) struct Facts {
    known: Option<(Status, Account, OffsetDateTime, u64)>,
    pub(super) gone: bool,
}

impl Facts {
    fn hear(&mut self, observation: &Observation) {
        match (observation, &mut self.known) {
            (Observation::Uninstalled { .. }, None) => self.gone = true,
            (Observation::Uninstalled { verified_at }, Some((status, _, at, generation))) => {
                *at = kept(*verified_at).max(*at);
                *generation += u64::from(!self.gone);
                *status = Status::Uninstalled;
                self.gone = true;
            }
            (Observation::Present { .. }, None) if self.gone => {}
            (Observation::Present { status, account, verified_at }, None) => {
                self.known = Some((*status, account.clone(), kept(*verified_at), 1));
            }
            (Observation::Present { status: new, account: on, verified_at }, Some(known)) => {
                let (status, account, at, generation) = known;
                if kept(*verified_at) >= *at {
                    let new = if self.gone { Status::Uninstalled } else { *new };
                    *generation += u64::from(new != *status || on != account);
                    (*status, *account, *at) = (new, on.clone(), kept(*verified_at));
                }
            }
        }
    }
}

#[derive(Default)]
pub(super) struct Model(pub(super) Vec<Line>);

impl Model {
    pub(super) fn facts(&self, id: InstallationId) -> Facts {
        let mut facts = Facts::default();
        for line in &self.0 {
            match line {
                Line::Said(said, observation) if *said == id => facts.hear(observation),
                Line::Bound(new) if new.installation == id => facts.hear(&Observation::Present {
                    status: new.status,
                    account: new.account.clone(),
                    verified_at: new.last_verified_at,
                }),
                Line::Released(_, released) if *released == id => {
                    facts.known.as_mut().unwrap().3 += 1;
                }
                Line::Said(..) | Line::Bound(_) | Line::Released(..) => {}
            }
        }
        facts
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
                Line::Said(..) => {}
            }
        }
        live.into_iter().map(|new| self.row(new)).collect()
    }

    fn row(&self, new: &NewBinding) -> Binding {
        let (status, account, last_verified_at, generation) = self.facts(new.installation).known.unwrap();
        Binding {
            organization: new.organization.clone(),
            installation: new.installation,
            account,
            status,
            proof: new.proof,
            proven_by: new.proven_by,
            registered_at: kept(new.registered_at),
            last_verified_at,
            generation,
        }
    }

    pub(super) fn insert(&mut self, new: NewBinding) -> Insertion {
        let live = self.live();
        let has_spent = |line: &Line| match line {
            Line::Bound(old) => (&old.organization, old.spent) == (&new.organization, new.spent),
            Line::Said(..) | Line::Released(..) => false,
        };
        if let Some(row) = live.iter().find(|row| row.organization == new.organization) {
            Insertion::Occupied(row.clone())
        } else if live.iter().any(|row| row.installation == new.installation) {
            Insertion::Taken
        } else if self.facts(new.installation).gone {
            Insertion::Gone
        } else if self.0.iter().any(has_spent) {
            Insertion::Spent
        } else {
            self.0.push(Line::Bound(new.clone()));
            Insertion::Inserted(self.row(&new))
        }
    }

    pub(super) fn release(&mut self, name: OrganizationId, id: InstallationId) -> Release {
        match self.live().into_iter().find(|row| (&row.organization, row.installation) == (&name, id)) {
            None => Release::NothingBound,
            Some(row) => {
                self.0.push(Line::Released(name, id));
                Release::Released(row)
            }
        }
    }
}
