//! Repositories that judge an observation rightly, one call at a time.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome};
use dockline::{AccountId, InstallationId, InstallationRecord, NewBinding, Status};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::observation_races;
use time::OffsetDateTime;

use super::races::others_go_first;
use super::{Repo, Wrong, over_memory};
use crate::bites;

over_memory! {
    /// Reads what it is worth, then writes.
    AnswersByAnEarlierRead,
    /// Writes, then reads what it was worth.
    AnswersByALaterRead,
    /// Asks whether it is gone, then binds; the end of what is not bound is kept elsewhere.
    AsksThenBinds
}

fn worth(observation: &Observation, kept: Option<&InstallationRecord>) -> ObserveOutcome {
    match (observation, kept) {
        (Observation::Uninstalled { .. }, _) | (Observation::Present { .. }, None) => {
            ObserveOutcome::Recorded
        }
        (Observation::PermissionsChanged, None) => ObserveOutcome::Outdated,
        (_, Some(kept)) if kept.status == Status::Uninstalled => ObserveOutcome::Gone,
        (Observation::Present { verified_at, .. }, Some(kept)) if *verified_at < kept.verified_at => {
            ObserveOutcome::Outdated
        }
        (_, Some(_)) => ObserveOutcome::Recorded,
    }
}

#[async_trait]
impl Wrong for AnswersByAnEarlierRead {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let worth = worth(&observation, self.0.installation(id).await.unwrap().as_ref());
        others_go_first().await;
        self.0.observe(id, observation).await.unwrap();
        worth
    }
}

#[async_trait]
impl Wrong for AnswersByALaterRead {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        self.0.observe(id, observation.clone()).await.unwrap();
        others_go_first().await;
        worth(&observation, self.0.installation(id).await.unwrap().as_ref())
    }
}

#[async_trait]
impl Wrong for AsksThenBinds {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    /// The end is read off the note that it leaves: an installer, which nobody else makes here.
    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        if self.0.installer(new.installation).await.unwrap().is_some() {
            return InsertOutcome::Gone;
        }
        others_go_first().await;
        self.0.insert(new).await.unwrap()
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        if self.0.find_by_installation(id).await.unwrap().is_some() {
            return self.0.observe(id, observation).await.unwrap();
        }
        others_go_first().await;
        self.0.record_installer(id, AccountId::new(1).unwrap(), OffsetDateTime::UNIX_EPOCH).await.unwrap();
        ObserveOutcome::Recorded
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let kept = self.0.installation(id).await.unwrap();
        let ended = self.0.installer(id).await.unwrap().is_some();
        let nothing_but_the_end = InstallationRecord {
            organization: None,
            account: None,
            status: Status::Uninstalled,
            verified_at: OffsetDateTime::UNIX_EPOCH,
            generation: 1,
        };
        match kept {
            Some(kept) if ended => Some(InstallationRecord { status: Status::Uninstalled, ..kept }),
            None if ended => Some(nothing_but_the_end),
            kept => kept,
        }
    }
}

/// Reads the generation, adds one, and writes it.
#[derive(Debug, Default)]
struct ReadsThenRaises {
    memory: MemoryBindingRepo,
    raised: Mutex<HashMap<InstallationId, u64>>,
}

impl ReadsThenRaises {
    fn raised(&self, id: InstallationId) -> u64 {
        self.raised.lock().unwrap().get(&id).copied().unwrap_or_default()
    }
}

#[async_trait]
impl Wrong for ReadsThenRaises {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        if observation != Observation::PermissionsChanged {
            return self.memory.observe(id, observation).await.unwrap();
        }
        let raised = self.raised(id);
        others_go_first().await;
        self.raised.lock().unwrap().insert(id, raised + 1);
        ObserveOutcome::Recorded
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let kept = self.memory.installation(id).await.unwrap()?;
        Some(InstallationRecord { generation: kept.generation + self.raised(id), ..kept })
    }
}

/// Notes where nobody was noted, by an earlier read.
#[derive(Debug, Default)]
struct ReadsThenNotes {
    memory: MemoryBindingRepo,
    noted: Mutex<HashMap<InstallationId, AccountId>>,
}

#[async_trait]
impl Wrong for ReadsThenNotes {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn record_installer(&self, id: InstallationId, installer: AccountId, _: OffsetDateTime) {
        if self.installer(id).await.is_none() {
            others_go_first().await;
            self.noted.lock().unwrap().insert(id, installer);
        }
    }

    async fn installer(&self, id: InstallationId) -> Option<AccountId> {
        self.noted.lock().unwrap().get(&id).copied()
    }
}

bites! {
    shared BindingRepo;
    answers_by_an_earlier_read: Repo(AnswersByAnEarlierRead::default()) =>
        observation_races::answers_to_observations_that_race_are_of_their_moment,
        observation_races::nothing_counts_after_an_end_that_raced_it;
    answers_by_a_later_read: Repo(AnswersByALaterRead::default()) =>
        observation_races::answers_to_observations_that_race_are_of_their_moment,
        observation_races::nothing_counts_after_an_end_that_raced_it;
    a_bind_that_asks_first: Repo(AsksThenBinds::default()) =>
        observation_races::binds_and_uninstalls_that_race_leave_nothing_that_looks_alive;
    new_grants_that_are_lost: Repo(ReadsThenRaises::default()) =>
        observation_races::no_change_of_what_it_may_reach_is_lost_in_a_race;
    an_installer_that_is_asked_for_first: Repo(ReadsThenNotes::default()) =>
        observation_races::of_installers_that_race_one_stands;
}
