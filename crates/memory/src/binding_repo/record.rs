use dockline::{AccountId, Actor, InstallationId, Proof, StateDigest};
use time::OffsetDateTime;

/// One line of an organization's history: the grant as it was made, and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingRecord {
    /// What was bound.
    pub installation: InstallationId,
    /// What was shown for the claim.
    pub proof: Proof,
    /// Who showed it, where it was a person.
    pub proven_by: Option<AccountId>,
    /// Who asked for it.
    pub actor: Actor,
    /// The state that the binding spent.
    pub spent: StateDigest,
    /// When it was made.
    pub registered_at: OffsetDateTime,
    /// When it was released; `None` for the live one.
    pub released_at: Option<OffsetDateTime>,
}
