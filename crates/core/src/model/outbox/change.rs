use serde::{Deserialize, Serialize};

use crate::model::spelled;
use crate::model::{
    Account, AccountId, Actor, InstallationId, InstallationRecord, OrganizationId, Presence, Status,
    UninstalledBy,
};

spelled! {
    /// The presence of an installation at GitHub, without times.
    pub enum PresenceKind("presence") {
        /// GitHub shows it, active or suspended.
        Shown = "shown",
        /// GitHub has not shown it for less than an hour.
        Missing = "missing",
        /// GitHub accepted our request to uninstall it, but has not confirmed the end.
        Ending = "ending",
        /// GitHub has not shown it for an hour. It returns if GitHub shows it again.
        Absent = "absent",
        /// GitHub's signed webhook reported its end, which is final.
        Deleted = "deleted",
        /// GitHub confirmed our request to uninstall it, which is final.
        Removed = "removed",
    }
}

impl PresenceKind {
    /// Returns whether the installation has ended for good.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Deleted | Self::Removed)
    }
}

impl From<Presence> for PresenceKind {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Shown => Self::Shown,
            Presence::Missing { .. } => Self::Missing,
            Presence::Ending { .. } => Self::Ending,
            Presence::Uninstalled { by: UninstalledBy::Absence } => Self::Absent,
            Presence::Uninstalled { by: UninstalledBy::Deletion } => Self::Deleted,
            Presence::Uninstalled { by: UninstalledBy::Us } => Self::Removed,
        }
    }
}

/// The facts about an installation and its binding at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallationSnapshot {
    /// The organization that is bound to it.
    pub organization: Option<OrganizationId>,
    /// The account that it is on; `None` if only its end was observed.
    pub account: Option<Account>,
    /// The status to show.
    pub status: Status,
    /// Its presence at GitHub.
    pub presence: PresenceKind,
    /// A number that grows with each change.
    pub generation: u64,
}

impl From<&InstallationRecord> for InstallationSnapshot {
    fn from(record: &InstallationRecord) -> Self {
        Self {
            organization: record.organization.clone(),
            account: record.account.clone(),
            status: record.status,
            presence: record.life.presence.into(),
            generation: record.generation,
        }
    }
}

/// Replaces the login of an account that was forgotten.
const FORGOTTEN: &str = "forgotten";

/// Replaces the login before a rename.
const FORGOTTEN_BEFORE: &str = "forgotten-before";

/// A change of an installation or its binding, as one atomic step of the store made it. Every change raises the
/// generation; a step that only moves times is not a change. [`rules::events::of`](crate::rules::events::of) names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The installation.
    pub installation: InstallationId,
    /// The facts before; `None` if the installation was unknown.
    pub before: Option<InstallationSnapshot>,
    /// The facts after.
    pub after: InstallationSnapshot,
    /// The person or machine that asked for a registration or a release; `None` for all other changes.
    #[serde(default)]
    pub actor: Option<Actor>,
}

impl Change {
    /// Returns the change between two records of the installation, without an actor; `None` if the generation is the same.
    #[must_use]
    pub fn between(
        installation: InstallationId,
        before: Option<&InstallationRecord>,
        after: &InstallationRecord,
    ) -> Option<Self> {
        let is_change = before.is_none_or(|before| before.generation != after.generation);
        is_change.then(|| Self {
            installation,
            before: before.map(Into::into),
            after: after.into(),
            actor: None,
        })
    }

    /// Replaces the account of a person, id and login, before and after the change. A rename stays one: then the login before
    /// differs. Returns whether it was this account.
    pub fn forget_account(&mut self, person: AccountId, pseudonym: AccountId) -> bool {
        let is_renamed = self.before.as_ref().is_some_and(|before| {
            before.account.as_ref().map(|account| &account.login)
                != self.after.account.as_ref().map(|account| &account.login)
        });
        let earlier = if is_renamed { FORGOTTEN_BEFORE } else { FORGOTTEN };
        let before = self.before.as_mut().map(|before| (before, earlier));
        let mut is_changed = false;
        for (snapshot, login) in before.into_iter().chain([(&mut self.after, FORGOTTEN)]) {
            if let Some(account) = snapshot.account.as_mut().filter(|account| account.id == person) {
                account.id = pseudonym;
                login.clone_into(&mut account.login);
                is_changed = true;
            }
        }
        is_changed
    }

    /// Returns the organization whose queue gets the change: the one that is bound, or was until the change.
    #[must_use]
    pub fn organization(&self) -> Option<&OrganizationId> {
        let before = self.before.as_ref().and_then(|before| before.organization.as_ref());
        self.after.organization.as_ref().or(before)
    }
}
