use serde::Serialize;
use time::OffsetDateTime;

use super::{
    AccountId, Actor, InstallationId, OrganizationId, Presence, Proof, Status, UninstalledBy, spelled,
    timestamp,
};

spelled! {
    /// The state of a live binding in one word, for operators: its status, and whether GitHub shows the installation.
    pub enum BindingState("state") {
        /// GitHub shows the installation, active.
        Active = "active",
        /// GitHub shows the installation, suspended.
        Suspended = "suspended",
        /// GitHub has returned 404 for the installation for less than an hour.
        Missing = "missing",
        /// GitHub accepted our request to uninstall it, but has not confirmed the end.
        Ending = "ending",
        /// GitHub returned 404 for the installation for an hour. It returns if GitHub shows it again.
        Absent = "absent",
        /// GitHub signed or confirmed the end, which is final.
        Uninstalled = "uninstalled",
    }
}

impl BindingState {
    /// Returns the state that a status and a presence amount to.
    #[must_use]
    pub const fn of(status: Status, presence: Presence) -> Self {
        match presence {
            Presence::Missing { .. } => Self::Missing,
            Presence::Ending { .. } => Self::Ending,
            Presence::Uninstalled { by: UninstalledBy::Absence } => Self::Absent,
            Presence::Uninstalled { by: UninstalledBy::Deletion | UninstalledBy::Us } => Self::Uninstalled,
            Presence::Shown => match status {
                Status::Active => Self::Active,
                Status::Suspended => Self::Suspended,
                Status::Uninstalled => Self::Absent,
            },
        }
    }
}

/// A binding, live or released, as the history keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The organization.
    pub organization: OrganizationId,
    /// The installation.
    pub installation: InstallationId,
    /// The evidence for the claim.
    pub proof: Proof,
    /// The GitHub account of the visitor who gave the evidence; `None` if there was no visitor.
    pub proven_by: Option<AccountId>,
    /// The person or machine that asked for the binding.
    pub actor: Actor,
    /// The time of the registration.
    #[serde(serialize_with = "timestamp::serialize")]
    pub registered_at: OffsetDateTime,
    /// The time of the release; `None` for a live binding.
    #[serde(serialize_with = "timestamp::serialize_option")]
    pub released_at: Option<OffsetDateTime>,
    /// The person or machine that asked for the release; `None` for a live binding, and if an earlier version released it.
    pub released_by: Option<Actor>,
}

impl HistoryEntry {
    /// Returns the position of the entry.
    #[must_use]
    pub fn cursor(&self) -> HistoryCursor {
        HistoryCursor {
            registered_at: self.registered_at,
            organization: self.organization.clone(),
            installation: self.installation,
        }
    }
}

/// A position in a history. Positions are ordered by their fields in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryCursor {
    /// The time of the registration.
    pub registered_at: OffsetDateTime,
    /// The organization.
    pub organization: OrganizationId,
    /// The installation.
    pub installation: InstallationId,
}
