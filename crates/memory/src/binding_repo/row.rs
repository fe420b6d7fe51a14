use dockline::{Binding, InstallationId, InstallationRecord, OrganizationId};

use super::BindingRecord;

/// The row of an installation: facts from GitHub, and the live binding.
pub(super) struct Row {
    /// Names no organization; `live` does.
    pub(super) record: InstallationRecord,
    pub(super) live: Option<LiveBinding>,
}

pub(super) struct LiveBinding {
    pub(super) organization: OrganizationId,
    pub(super) record: BindingRecord,
}

impl Row {
    pub(super) fn to_record(&self) -> InstallationRecord {
        let organization = self.live.as_ref().map(|live| live.organization.clone());
        InstallationRecord { organization, ..self.record.clone() }
    }

    /// Returns the binding; `None` if the account is unknown, as of an installation that was only observed to end.
    pub(super) fn binding(&self, installation: InstallationId, live: &LiveBinding) -> Option<Binding> {
        Some(Binding {
            organization: live.organization.clone(),
            installation,
            account: self.record.account.clone()?,
            status: self.record.status,
            life: self.record.life,
            proof: live.record.proof,
            proven_by: live.record.proven_by,
            actor: live.record.actor.clone(),
            registered_at: live.record.registered_at,
            last_verified_at: self.record.verified_at,
            generation: self.record.generation,
        })
    }

    pub(super) const fn raise_generation(&mut self) {
        self.record.generation = self.record.generation.saturating_add(1);
    }
}
