use serde::Serialize;
use time::OffsetDateTime;

use super::timestamp;
use super::{
    Account, AccountId, Actor, BindingState, InstallationFacts, InstallationId, Life, OrganizationId, Proof,
    StateDigest, Status,
};

/// A binding to insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBinding {
    /// The organization.
    pub organization: OrganizationId,
    /// The installation.
    pub installation: InstallationId,
    /// The account that the installation is on, as GitHub just reported it.
    pub account: Account,
    /// Active or suspended, as GitHub just reported it.
    pub status: Status,
    /// The evidence for the claim.
    pub proof: Proof,
    /// The GitHub account of the visitor who gave the evidence; `None` if a state alone sufficed.
    pub proven_by: Option<AccountId>,
    /// The person or machine that registered the installation.
    pub actor: Actor,
    /// The state that the binding uses up. Writing the row and using up the state are one step.
    pub spent: StateDigest,
    /// The time of GitHub's response about the installation, in whole microseconds.
    pub last_verified_at: OffsetDateTime,
    /// The time of the next look at GitHub, in whole microseconds.
    pub next_look_at: OffsetDateTime,
    /// The time of the registration, in whole microseconds.
    pub registered_at: OffsetDateTime,
    /// Facts for display, as GitHub just reported them, for a [`Directory`](crate::ports::Directory) of the same store;
    /// `None` stores none.
    pub facts: Option<InstallationFacts>,
}

/// A live binding as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// The organization.
    pub organization: OrganizationId,
    /// The installation.
    pub installation: InstallationId,
    /// The account that the installation is on, as GitHub last reported it.
    pub account: Account,
    /// The status to show. An installation that is missing or ending keeps the status that GitHub last reported.
    pub status: Status,
    /// Whether the installation gives tokens, and when GitHub is asked about it again.
    pub life: Life,
    /// The evidence for the claim.
    pub proof: Proof,
    /// The GitHub account of the visitor who gave the evidence; `None` if a state alone sufficed.
    pub proven_by: Option<AccountId>,
    /// The person or machine that registered the installation.
    pub actor: Actor,
    /// The time of the registration, which never changes.
    #[serde(serialize_with = "timestamp::serialize")]
    pub registered_at: OffsetDateTime,
    /// The time of GitHub's last response that showed the installation.
    #[serde(serialize_with = "timestamp::serialize")]
    pub last_verified_at: OffsetDateTime,
    /// A number that grows with each change of the installation's row. A cached token is served only for the generation
    /// that it was minted for.
    pub generation: u64,
}

impl Binding {
    /// Returns the status and the presence in one word.
    #[must_use]
    pub const fn state(&self) -> BindingState {
        BindingState::of(self.status, self.life.presence)
    }
}
