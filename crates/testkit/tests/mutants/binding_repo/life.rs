//! Repositories with a wrong table of life.

use std::sync::Mutex;

use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome};
use dockline::{Account, InstallationId, NewBinding, Presence, Status, UninstalledBy};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::{bound, presence, sequences};
use time::{Duration, OffsetDateTime};

use super::Repo;
use crate::{killed, mutant, yield_to_others};

async fn presence_of(memory: &MemoryBindingRepo, id: InstallationId) -> Option<Presence> {
    Some(memory.installation(id).await.unwrap()?.life.presence)
}

mutant!(
    MemoryBindingRepo:
    /// Believes a single 404, for ever.
    struct BelievesA404 {}

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        match observation {
            Observation::Missing { asked_at: at } if presence_of(&self.memory, id).await.is_some() => {
                self.memory.observe(id, Observation::Deleted { at }).await.unwrap().outcome
            }
            other => self.memory.observe(id, other).await.unwrap().outcome,
        }
    }
);

mutant!(
    MemoryBindingRepo:
    /// Never brings an absent installation back.
    struct KeepsTheAbsent {}

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let absent = Presence::Uninstalled { by: UninstalledBy::Absence };
        let is_present = matches!(observation, Observation::Present { .. });
        if is_present && presence_of(&self.memory, id).await == Some(absent) {
            return ObserveOutcome::Gone;
        }
        self.memory.observe(id, observation).await.unwrap().outcome
    }
);

mutant!(
    MemoryBindingRepo:
    /// Takes a 202 for the end.
    struct TakesA202ForTheEnd {}

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        match observation {
            Observation::Ending { at } if presence_of(&self.memory, id).await.is_some() => {
                self.memory.observe(id, Observation::UninstalledByUs { at }).await.unwrap().outcome
            }
            other => self.memory.observe(id, other).await.unwrap().outcome,
        }
    }
);

mutant!(
    MemoryBindingRepo:
    /// Refuses to bind what is missing or absent.
    struct RefusesTheMissing {}

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let is_missing = presence_of(&self.memory, new.installation).await.is_some_and(Presence::is_missing_or_absent);
        if is_missing {
            return InsertOutcome::Gone;
        }
        self.memory.insert(new).await.unwrap()
    }
);

mutant!(
    MemoryBindingRepo:
    /// Has no bound.
    struct HasNoBound {
        held: Mutex<Vec<InstallationId>>,
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let outcome = self.memory.observe(id, observation).await.unwrap().outcome;
        if outcome == ObserveOutcome::Held {
            self.held.lock().unwrap().push(id);
            return ObserveOutcome::Missing;
        }
        outcome
    }
);

mutant!(
    MemoryBindingRepo:
    /// Counts the missing bindings before the write, not with it.
    struct CountsBeforeTheWrite {
        missing: Mutex<u64>,
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        if !matches!(observation, Observation::Missing { .. }) {
            *self.missing.lock().unwrap() -= 1;
            return self.memory.observe(id, observation).await.unwrap().outcome;
        }
        let missing = *self.missing.lock().unwrap();
        yield_to_others().await;
        if missing >= 20 {
            return ObserveOutcome::Held;
        }
        *self.missing.lock().unwrap() += 1;
        ObserveOutcome::Missing
    }
);

mutant!(
    MemoryBindingRepo:
    /// Counts a missing binding a second time when it becomes absent.
    struct HoldsTheMissing {
        missing: Mutex<u64>,
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let outcome = self.memory.observe(id, observation).await.unwrap().outcome;
        let mut missing = self.missing.lock().unwrap();
        *missing += u64::from(outcome == ObserveOutcome::Missing);
        if outcome == ObserveOutcome::Absent && *missing >= 20 { ObserveOutcome::Held } else { outcome }
    }
);

mutant!(
    MemoryBindingRepo:
    /// Compares a 200 with the last 200, not with the last look.
    struct ComparesWithTheLast200 {}

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let known = self.memory.installation(id).await.unwrap();
        if let (Some(known), Observation::Present { status, account, asked_at, .. }) = (known, &observation)
            && matches!(known.life.presence, Presence::Missing { .. })
            && *asked_at >= known.verified_at
        {
            let (status, account): (Status, Account) = (*status, account.clone());
            let asked_at: OffsetDateTime = known.life.observed_at + Duration::MICROSECOND;
            let next_look_at = asked_at + Duration::HOUR;
            let observation = Observation::Present { status, account, asked_at, next_look_at };
            return self.memory.observe(id, observation).await.unwrap().outcome;
        }
        self.memory.observe(id, observation).await.unwrap().outcome
    }
);

killed! {
    BindingRepo;
    single_404_believed: Repo(BelievesA404::default()) =>
        presence::installation_that_is_not_shown_is_missing,
        presence::shown_installation_returns,
        sequences::random_sequences_agree_with_the_reference;
    absent_installation_kept: Repo(KeepsTheAbsent::default()) =>
        presence::shown_installation_returns,
        sequences::random_sequences_agree_with_the_reference;
    end_taken_from_a_202: Repo(TakesA202ForTheEnd::default()) =>
        presence::ending_installation_is_not_revived_for_fifteen_minutes,
        sequences::random_sequences_agree_with_the_reference;
    missing_installation_refused: Repo(RefusesTheMissing::default()) =>
        presence::missing_or_absent_installation_can_be_bound,
        sequences::random_sequences_agree_with_the_reference;
    no_bound: Repo(HasNoBound::default()) =>
        bound::most_bindings_stay_when_none_is_shown,
        bound::no_binding_becomes_absent_above_the_bound;
    missing_counted_before_the_write: Repo(CountsBeforeTheWrite::default()) =>
        bound::racing_404s_keep_the_bound;
    missing_held_within_the_bound: Repo(HoldsTheMissing::default()) =>
        bound::missing_bindings_become_absent_within_the_bound,
        bound::racing_absences_take_no_room;
    older_200_believed: Repo(ComparesWithTheLast200::default()) =>
        presence::older_200_does_not_return_a_missing_installation,
        sequences::random_sequences_agree_with_the_reference;
}
