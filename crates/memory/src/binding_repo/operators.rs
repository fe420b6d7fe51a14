use std::fmt;

use async_trait::async_trait;
use dockline::ports::{BindingCounter, Tombstones};
use dockline::rules::life;
use dockline::{BindingCounts, BindingState, InstallationId, PortError, Tombstone, TombstoneReset};
use time::OffsetDateTime;

use super::MemoryBindingRepo;
use super::table::Bindings;

#[async_trait]
impl BindingCounter for MemoryBindingRepo {
    /// Reads all bindings.
    async fn count(&self, now: OffsetDateTime) -> Result<BindingCounts, PortError> {
        Ok(self.0.lock().counts(now))
    }
}

/// The final ends in a [`MemoryBindingRepo`].
#[derive(Clone)]
pub struct MemoryTombstones(MemoryBindingRepo);

impl MemoryTombstones {
    /// Uses the installations of `bindings`.
    #[must_use]
    pub const fn new(bindings: MemoryBindingRepo) -> Self {
        Self(bindings)
    }
}

impl fmt::Debug for MemoryTombstones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTombstones").finish_non_exhaustive()
    }
}

#[async_trait]
impl Tombstones for MemoryTombstones {
    async fn find(&self, installation: InstallationId) -> Result<Option<Tombstone>, PortError> {
        Ok(self.0.0.lock().tombstone(installation))
    }

    async fn reset(
        &self,
        installation: InstallationId,
        note: &str,
        now: OffsetDateTime,
    ) -> Result<Option<TombstoneReset>, PortError> {
        Ok(self.0.0.lock().reset(installation, note, now))
    }

    async fn resets(&self) -> Result<Vec<TombstoneReset>, PortError> {
        Ok(self.0.0.lock().resets.clone())
    }
}

impl Bindings {
    fn counts(&self, now: OffsetDateTime) -> BindingCounts {
        let mut counts = BindingCounts::default();
        let live = self.live.values().filter_map(|installation| self.installations.get(installation));
        for record in live.map(|row| &row.record) {
            *counts.of_mut(BindingState::of(record.status, record.life.presence)) += 1;
            counts.not_shown += u64::from(life::counts_as_not_shown(record, now));
            counts.due_since = [counts.due_since, record.life.next_look_at].into_iter().flatten().min();
        }
        counts
    }

    fn tombstone(&self, installation: InstallationId) -> Option<Tombstone> {
        Tombstone::of(installation, &self.installation(installation)?)
    }

    fn reset(
        &mut self,
        installation: InstallationId,
        note: &str,
        now: OffsetDateTime,
    ) -> Option<TombstoneReset> {
        // The record of the row does not name the organization.
        let row = self.installations.get_mut(&installation).filter(|row| row.live.is_none())?;
        let reset = life::forget_end(installation, &mut row.record, note, now)?;
        self.installers.remove(&installation);
        self.resets.push(reset.clone());
        Some(reset)
    }
}
