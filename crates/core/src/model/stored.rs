//! What storage adapters show operators beyond the ports.

use time::OffsetDateTime;

use super::{
    BindingState, InstallationId, InstallationRecord, KeyId, KeyRecord, OrganizationId, Presence,
    UninstalledBy,
};

/// A key with its administrative data, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// The data that authentication uses.
    pub record: KeyRecord,
    /// The operator's name for the key.
    pub name: String,
    /// The time of creation.
    pub created_at: OffsetDateTime,
    /// The last use as recorded by [`KeyUsage`](crate::ports::KeyUsage), up to an hour early; `None` if no use is recorded.
    pub last_used_at: Option<OffsetDateTime>,
    /// The key that replaced this one by rotation.
    pub replaced_by: Option<KeyId>,
    /// The key that this one replaced by rotation.
    pub rotated_from: Option<KeyId>,
}

/// The numbers of live bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BindingCounts {
    /// Bindings to active installations.
    pub active: u64,
    /// Bindings to suspended installations.
    pub suspended: u64,
    /// Bindings to installations that GitHub has not shown for less than an hour.
    pub missing: u64,
    /// Bindings to installations that GitHub is about to uninstall at our request.
    pub ending: u64,
    /// Bindings to installations that were uninstalled or are absent, which no organization has detached yet.
    pub uninstalled: u64,
    /// Those of the missing and uninstalled ones that the bound on missing bindings counts; see
    /// [`LiveBindings`](crate::rules::life::LiveBindings).
    pub not_shown: u64,
    /// The time from which the binding that waits longest for a sweep is due, which may be in the future; `None` if no
    /// binding is swept. A look moves it, whatever came of the look.
    pub due_since: Option<OffsetDateTime>,
}

impl BindingCounts {
    /// Returns the number that bindings in `state` are counted in.
    pub const fn of_mut(&mut self, state: BindingState) -> &mut u64 {
        match state {
            BindingState::Active => &mut self.active,
            BindingState::Suspended => &mut self.suspended,
            BindingState::Missing => &mut self.missing,
            BindingState::Ending => &mut self.ending,
            BindingState::Absent | BindingState::Uninstalled => &mut self.uninstalled,
        }
    }
}

/// The final end of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The installation.
    pub installation: InstallationId,
    /// The organization that is still bound to it, and has to detach first.
    pub organization: Option<OrganizationId>,
    /// The source of the end.
    pub by: UninstalledBy,
    /// The time of its report.
    pub ended_at: OffsetDateTime,
}

impl Tombstone {
    /// Returns the final end of an installation with this record; `None` if it has not ended for good.
    #[must_use]
    pub fn of(installation: InstallationId, record: &InstallationRecord) -> Option<Self> {
        let Presence::Uninstalled { by } = record.life.presence else { return None };
        let (organization, ended_at) = (record.organization.clone(), record.life.observed_at);
        record.life.presence.is_final().then_some(Self { installation, organization, by, ended_at })
    }
}

/// The audit entry of a tombstone that was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TombstoneReset {
    /// The installation.
    pub installation: InstallationId,
    /// The source of the end that was forgotten.
    pub by: UninstalledBy,
    /// The time of its report.
    pub ended_at: OffsetDateTime,
    /// The time at which it was forgotten.
    pub reset_at: OffsetDateTime,
    /// The operator's note.
    pub note: String,
}

/// Whether an outbox is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxUsage {
    /// Whether it is open: changes are stored.
    pub is_open: bool,
    /// Whether a consumer has leased a queue. One that waits for messages has none.
    pub is_leased: bool,
}
