//! Repositories that judge observations by a read before or after the write.

use std::collections::HashMap;
use std::sync::Mutex;

use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome};
use dockline::rules::life;
use dockline::{
    InstallationId, InstallationRecord, InstallerRecord, Life, NewBinding, Presence, Status, UninstalledBy,
};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::observation_races;
use dockline_testkit::fixtures::installer_record;
use time::OffsetDateTime;

use super::{Repo, bound};
use crate::{killed, mutant, yield_to_others};

/// The outcome of an observation for the given record.
fn outcome_for(observation: &Observation, record: Option<&InstallationRecord>) -> ObserveOutcome {
    match record {
        Some(record) => life::observe(&mut record.clone(), observation, life::LiveBindings::default),
        None => life::first(observation).map_or(ObserveOutcome::Outdated, |_| ObserveOutcome::Recorded),
    }
}

mutant!(
    MemoryBindingRepo:
    /// Reads the outcome, then writes.
    struct JudgesBeforeTheWrite {}

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let outcome = outcome_for(&observation, self.memory.installation(id).await.unwrap().as_ref());
        yield_to_others().await;
        self.memory.observe(id, observation).await.unwrap();
        outcome
    }
);

mutant!(
    MemoryBindingRepo:
    /// Writes, then reads the outcome.
    struct JudgesAfterTheWrite {}

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        self.memory.observe(id, observation.clone()).await.unwrap();
        yield_to_others().await;
        outcome_for(&observation, self.memory.installation(id).await.unwrap().as_ref())
    }
);

mutant!(
    MemoryBindingRepo:
    /// Checks for an uninstallation, then binds. Stores the uninstallation of an unbound installation elsewhere: as a
    /// recorded installer, which no other call of the case makes.
    struct ChecksThenBinds {}

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        if self.memory.installer(new.installation).await.unwrap().is_some() {
            return InsertOutcome::Gone;
        }
        yield_to_others().await;
        self.memory.insert(new).await.unwrap()
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        if bound(&self.memory, id).await.is_some() {
            return self.memory.observe(id, observation).await.unwrap().outcome;
        }
        yield_to_others().await;
        let mark = installer_record(1);
        self.memory.record_installer(id, mark, OffsetDateTime::UNIX_EPOCH).await.unwrap();
        ObserveOutcome::Recorded
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let record = self.memory.installation(id).await.unwrap();
        if self.memory.installer(id).await.unwrap().is_none() {
            return record;
        }
        let presence = Presence::Uninstalled { by: UninstalledBy::Deletion };
        let life = Life { presence, observed_at: OffsetDateTime::UNIX_EPOCH, next_look_at: None };
        let only_uninstalled = InstallationRecord {
            organization: None,
            account: None,
            status: Status::Uninstalled,
            life,
            verified_at: OffsetDateTime::UNIX_EPOCH,
            generation: 1,
        };
        Some(InstallationRecord { status: Status::Uninstalled, ..record.unwrap_or(only_uninstalled) })
    }
);

mutant!(
    MemoryBindingRepo:
    /// Reads the generation, adds one, then writes it.
    struct ReadsThenRaises {
        raised: Mutex<HashMap<InstallationId, u64>>,
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        if !matches!(observation, Observation::PermissionsChanged { .. }) {
            return self.memory.observe(id, observation).await.unwrap().outcome;
        }
        let raised = self.raised(id);
        yield_to_others().await;
        self.raised.lock().unwrap().insert(id, raised + 1);
        ObserveOutcome::Recorded
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let record = self.memory.installation(id).await.unwrap()?;
        Some(InstallationRecord { generation: record.generation + self.raised(id), ..record })
    }
);

impl ReadsThenRaises {
    fn raised(&self, id: InstallationId) -> u64 {
        self.raised.lock().unwrap().get(&id).copied().unwrap_or_default()
    }
}

mutant!(
    MemoryBindingRepo:
    /// Checks for a recorded installer, then records one.
    struct ChecksThenRecords {
        installers: Mutex<HashMap<InstallationId, InstallerRecord>>,
    }

    async fn record_installer(&self, id: InstallationId, record: InstallerRecord, _: OffsetDateTime) {
        if self.installer(id).await.is_none() {
            yield_to_others().await;
            self.installers.lock().unwrap().insert(id, record);
        }
    }

    async fn installer(&self, id: InstallationId) -> Option<InstallerRecord> {
        self.installers.lock().unwrap().get(&id).copied()
    }
);

killed! {
    BindingRepo;
    outcome_read_before_the_write: Repo(JudgesBeforeTheWrite::default()) =>
        observation_races::racing_observations_return_their_own_outcome,
        observation_races::racing_uninstallation_is_final;
    outcome_read_after_the_write: Repo(JudgesAfterTheWrite::default()) =>
        observation_races::racing_observations_return_their_own_outcome,
        observation_races::racing_uninstallation_is_final;
    check_then_bind: Repo(ChecksThenBinds::default()) =>
        observation_races::racing_bindings_and_uninstallations_agree;
    read_then_raise_the_generation: Repo(ReadsThenRaises::default()) =>
        observation_races::racing_permission_changes_each_raise_the_generation;
    check_then_record_the_installer: Repo(ChecksThenRecords::default()) =>
        observation_races::racing_installers_store_one;
}
