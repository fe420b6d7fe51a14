//! Wrong counts of bindings, and wrong tombstones.

use async_trait::async_trait;
use dockline::ports::{BindingCounter, BindingRepo, Observation, Tombstones};
use dockline::{BindingCounts, InstallationId, OrganizationId, PortError, Tombstone, TombstoneReset};
use dockline_memory::{MemoryBindingRepo, MemoryTombstones};
use dockline_testkit::fixtures::actor;
use dockline_testkit::operators::{OperatorsDriver, counts, tombstones};
use time::{Duration, OffsetDateTime};

use crate::killed;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    CountsMissingAsActive,
    CountsAbsentOnesForEver,
    NeverDue,
    FindsAbsences,
    ResetsBoundOnes,
    ResetsTwice,
    KeepsTheInstaller,
    RestoresTheEnd,
    ForgetsTheNote,
    MixesApps,
}

/// The memory repositories of two Apps with one defect.
#[derive(Debug)]
struct Store {
    bindings: [MemoryBindingRepo; 2],
    tombstones: [MemoryTombstones; 2],
    defect: Defect,
}

impl Store {
    fn with(defect: Defect) -> Self {
        let bindings = [MemoryBindingRepo::new(), MemoryBindingRepo::new()];
        let mixed = match defect {
            Defect::MixesApps => [bindings[0].clone(), bindings[0].clone()],
            _ => bindings.clone(),
        };
        Self { tombstones: mixed.map(MemoryTombstones::new), bindings, defect }
    }

    fn owner(&self, found: &Tombstone) -> Option<OrganizationId> {
        found.organization.clone().filter(|_| self.defect == Defect::ResetsBoundOnes)
    }
}

impl OperatorsDriver for Store {
    fn bindings(&self) -> &dyn BindingRepo {
        &self.bindings[0]
    }

    fn counter(&self) -> &dyn BindingCounter {
        self
    }

    fn tombstones(&self) -> &dyn Tombstones {
        self
    }

    fn bindings_of_other_app(&self) -> &dyn BindingRepo {
        &self.bindings[1]
    }

    fn tombstones_of_other_app(&self) -> &dyn Tombstones {
        &self.tombstones[1]
    }
}

#[async_trait]
impl BindingCounter for Store {
    async fn count(&self, now: OffsetDateTime) -> Result<BindingCounts, PortError> {
        let counts = self.bindings[0].count(now).await?;
        Ok(match self.defect {
            Defect::CountsMissingAsActive => {
                BindingCounts { active: counts.active + counts.missing, missing: 0, ..counts }
            }
            Defect::CountsAbsentOnesForEver => {
                let before = self.bindings[0].count(now - Duration::weeks(1)).await?;
                BindingCounts { not_shown: before.not_shown, ..counts }
            }
            Defect::NeverDue => BindingCounts { due_since: None, ..counts },
            _ => counts,
        })
    }
}

#[async_trait]
impl Tombstones for Store {
    async fn find(&self, id: InstallationId) -> Result<Option<Tombstone>, PortError> {
        let found = self.tombstones[0].find(id).await?;
        if self.defect == Defect::FindsAbsences && found.is_none() {
            let record = self.bindings[0].installation(id).await?;
            return Ok(record.map(|record| Tombstone {
                installation: id,
                organization: record.organization,
                by: dockline::UninstalledBy::Absence,
                ended_at: record.life.observed_at,
            }));
        }
        Ok(found)
    }

    async fn reset(
        &self,
        id: InstallationId,
        note: &str,
        now: OffsetDateTime,
    ) -> Result<Option<TombstoneReset>, PortError> {
        let [repo, _] = &self.bindings;
        let found = self.tombstones[0].find(id).await?;
        if let Some(owner) = found.as_ref().and_then(|found| self.owner(found)) {
            repo.release(&owner, id, &actor(), now).await?;
        }
        let installer = repo.installer(id).await?;
        let note = if self.defect == Defect::ForgetsTheNote { "" } else { note };
        let reset = self.tombstones[0].reset(id, note, now).await?;
        match (self.defect, &reset) {
            (Defect::KeepsTheInstaller, Some(_)) => {
                if let Some(installer) = installer {
                    repo.record_installer(id, installer, now).await?;
                }
            }
            (Defect::RestoresTheEnd, Some(_)) => {
                repo.observe(id, Observation::Deleted { at: now }).await?;
            }
            (Defect::ResetsTwice, None) => return Ok(self.resets().await?.pop()),
            _ => {}
        }
        Ok(reset)
    }

    async fn resets(&self) -> Result<Vec<TombstoneReset>, PortError> {
        self.tombstones[0].resets().await
    }
}

killed! {
    OperatorsDriver;
    counts_missing_as_active: Store::with(Defect::CountsMissingAsActive) =>
        counts::live_bindings_are_counted_by_status;
    counts_absent_ones_for_ever: Store::with(Defect::CountsAbsentOnesForEver) =>
        counts::live_bindings_are_counted_by_status;
    never_due: Store::with(Defect::NeverDue) => counts::longest_due_binding_is_the_first_of_the_sweep;
    finds_absences: Store::with(Defect::FindsAbsences) =>
        tombstones::forgotten_end_leaves_an_entry_and_the_number_can_be_bound_again;
    resets_bound_ones: Store::with(Defect::ResetsBoundOnes) =>
        tombstones::forgotten_end_leaves_an_entry_and_the_number_can_be_bound_again;
    resets_twice: Store::with(Defect::ResetsTwice) =>
        tombstones::forgotten_end_leaves_an_entry_and_the_number_can_be_bound_again;
    keeps_the_installer: Store::with(Defect::KeepsTheInstaller) =>
        tombstones::forgotten_end_leaves_an_entry_and_the_number_can_be_bound_again;
    restores_the_end: Store::with(Defect::RestoresTheEnd) =>
        tombstones::forgotten_end_leaves_an_entry_and_the_number_can_be_bound_again;
    forgets_the_note: Store::with(Defect::ForgetsTheNote) =>
        tombstones::forgotten_end_leaves_an_entry_and_the_number_can_be_bound_again;
    mixes_apps: Store::with(Defect::MixesApps) =>
        tombstones::forgotten_end_leaves_an_entry_and_the_number_can_be_bound_again;
}
