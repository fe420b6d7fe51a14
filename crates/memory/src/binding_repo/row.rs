use dockline::ports::ObserveOutcome;
use dockline::{Account, Binding, InstallationId, InstallationRecord, OrganizationId, Status};
use time::OffsetDateTime;

use super::record::BindingRecord;

/// What is kept of an installation.
pub(super) enum Row {
    Known(Known),
    /// All that was ever heard of it is its end, at this time.
    GoneUnseen(OffsetDateTime),
}

/// What GitHub told of an installation, and who has it.
pub(super) struct Known {
    pub(super) account: Account,
    pub(super) status: Status,
    pub(super) verified_at: OffsetDateTime,
    pub(super) generation: u64,
    pub(super) held: Option<Held>,
}

/// A live binding.
pub(super) struct Held {
    pub(super) organization: OrganizationId,
    pub(super) record: BindingRecord,
}

impl Row {
    pub(super) const fn first_seen(status: Status, account: Account, verified_at: OffsetDateTime) -> Self {
        Self::Known(Known { account, status, verified_at, generation: 1, held: None })
    }

    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::GoneUnseen(_) => true,
            Self::Known(known) => known.is_gone(),
        }
    }

    pub(super) fn learn(
        &mut self,
        status: Status,
        account: Account,
        verified_at: OffsetDateTime,
    ) -> ObserveOutcome {
        match self {
            Self::GoneUnseen(_) => ObserveOutcome::Gone,
            Self::Known(known) => known.learn(status, account, verified_at),
        }
    }

    pub(super) fn end(&mut self, at: OffsetDateTime) {
        match self {
            Self::GoneUnseen(verified_at) => *verified_at = at.max(*verified_at),
            Self::Known(known) => known.end(at),
        }
    }

    pub(super) fn regrant(&mut self) -> ObserveOutcome {
        match self {
            Self::Known(known) if !known.is_gone() => {
                known.raise_generation();
                ObserveOutcome::Recorded
            }
            Self::Known(_) | Self::GoneUnseen(_) => ObserveOutcome::Gone,
        }
    }

    pub(super) fn facts(&self) -> InstallationRecord {
        match self {
            Self::GoneUnseen(verified_at) => InstallationRecord {
                organization: None,
                account: None,
                status: Status::Uninstalled,
                verified_at: *verified_at,
                generation: 1,
            },
            Self::Known(known) => InstallationRecord {
                organization: known.held.as_ref().map(|held| held.organization.clone()),
                account: Some(known.account.clone()),
                status: known.status,
                verified_at: known.verified_at,
                generation: known.generation,
            },
        }
    }
}

impl Known {
    pub(super) fn binding(&self, installation: InstallationId, held: &Held) -> Binding {
        Binding {
            organization: held.organization.clone(),
            installation,
            account: self.account.clone(),
            status: self.status,
            proof: held.record.proof,
            proven_by: held.record.proven_by,
            actor: held.record.actor.clone(),
            registered_at: held.record.registered_at,
            last_verified_at: self.verified_at,
            generation: self.generation,
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.status == Status::Uninstalled
    }

    /// Facts count unless newer ones are known: the status follows what GitHub said, not the order in which we heard
    /// it (L-30). Nothing brings an uninstalled installation back (L-31).
    fn learn(&mut self, status: Status, account: Account, verified_at: OffsetDateTime) -> ObserveOutcome {
        if self.is_gone() {
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

    /// The end counts whenever it is heard of: what says otherwise is older, whatever its time.
    fn end(&mut self, verified_at: OffsetDateTime) {
        self.verified_at = self.verified_at.max(verified_at);
        if !self.is_gone() {
            self.status = Status::Uninstalled;
            self.raise_generation();
        }
    }

    pub(super) const fn raise_generation(&mut self) {
        self.generation = self.generation.saturating_add(1);
    }
}
