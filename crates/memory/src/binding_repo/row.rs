use dockline::ports::ObserveOutcome;
use dockline::{Account, Binding, InstallationId, InstallationRecord, OrganizationId, Status};
use time::OffsetDateTime;

use super::BindingRecord;

/// The row of an installation.
pub(super) enum Row {
    Known(Known),
    /// Uninstalled before anything else was observed, at this time.
    UninstalledUnseen(OffsetDateTime),
}

/// Facts from GitHub, and the live binding.
pub(super) struct Known {
    pub(super) account: Account,
    pub(super) status: Status,
    pub(super) verified_at: OffsetDateTime,
    pub(super) generation: u64,
    pub(super) live: Option<LiveBinding>,
}

pub(super) struct LiveBinding {
    pub(super) organization: OrganizationId,
    pub(super) record: BindingRecord,
}

impl Row {
    pub(super) const fn first_seen(status: Status, account: Account, verified_at: OffsetDateTime) -> Self {
        Self::Known(Known { account, status, verified_at, generation: 1, live: None })
    }

    pub(super) fn is_uninstalled(&self) -> bool {
        match self {
            Self::UninstalledUnseen(_) => true,
            Self::Known(known) => known.is_uninstalled(),
        }
    }

    pub(super) fn observe_present(
        &mut self,
        status: Status,
        account: Account,
        verified_at: OffsetDateTime,
    ) -> ObserveOutcome {
        match self {
            Self::UninstalledUnseen(_) => ObserveOutcome::Gone,
            Self::Known(known) => known.observe_present(status, account, verified_at),
        }
    }

    pub(super) fn observe_uninstalled(&mut self, at: OffsetDateTime) {
        match self {
            Self::UninstalledUnseen(verified_at) => *verified_at = at.max(*verified_at),
            Self::Known(known) => known.observe_uninstalled(at),
        }
    }

    pub(super) fn observe_permissions_changed(&mut self) -> ObserveOutcome {
        match self {
            Self::Known(known) if !known.is_uninstalled() => {
                known.raise_generation();
                ObserveOutcome::Recorded
            }
            Self::Known(_) | Self::UninstalledUnseen(_) => ObserveOutcome::Gone,
        }
    }

    pub(super) fn to_record(&self) -> InstallationRecord {
        match self {
            Self::UninstalledUnseen(verified_at) => InstallationRecord {
                organization: None,
                account: None,
                status: Status::Uninstalled,
                verified_at: *verified_at,
                generation: 1,
            },
            Self::Known(known) => InstallationRecord {
                organization: known.live.as_ref().map(|live| live.organization.clone()),
                account: Some(known.account.clone()),
                status: known.status,
                verified_at: known.verified_at,
                generation: known.generation,
            },
        }
    }
}

impl Known {
    pub(super) fn binding(&self, installation: InstallationId, live: &LiveBinding) -> Binding {
        Binding {
            organization: live.organization.clone(),
            installation,
            account: self.account.clone(),
            status: self.status,
            proof: live.record.proof,
            proven_by: live.record.proven_by,
            actor: live.record.actor.clone(),
            registered_at: live.record.registered_at,
            last_verified_at: self.verified_at,
            generation: self.generation,
        }
    }

    pub(super) fn is_uninstalled(&self) -> bool {
        self.status == Status::Uninstalled
    }

    /// Facts apply unless newer ones are stored, so that their order of arrival does not matter. `Uninstalled` is final.
    fn observe_present(
        &mut self,
        status: Status,
        account: Account,
        verified_at: OffsetDateTime,
    ) -> ObserveOutcome {
        if self.is_uninstalled() {
            return ObserveOutcome::Gone;
        }
        if verified_at < self.verified_at {
            return ObserveOutcome::Outdated;
        }
        self.verified_at = verified_at;
        if (status, &account) != (self.status, &self.account) {
            self.status = status;
            self.account = account;
            self.raise_generation();
        }
        ObserveOutcome::Recorded
    }

    /// Applies whatever the time, since GitHub never reinstalls under the same id.
    fn observe_uninstalled(&mut self, verified_at: OffsetDateTime) {
        self.verified_at = self.verified_at.max(verified_at);
        if !self.is_uninstalled() {
            self.status = Status::Uninstalled;
            self.raise_generation();
        }
    }

    pub(super) const fn raise_generation(&mut self) {
        self.generation = self.generation.saturating_add(1);
    }
}
