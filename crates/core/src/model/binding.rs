use serde::Serialize;
use time::OffsetDateTime;

use super::timestamp;
use super::{Account, AccountId, Actor, InstallationId, OrganizationId, Proof, StateDigest, Status};

/// A binding as it is about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBinding {
    /// Who binds.
    pub organization: OrganizationId,
    /// What is bound.
    pub installation: InstallationId,
    /// The account that it is on, as GitHub just told.
    pub account: Account,
    /// Active or suspended, as GitHub just told.
    pub status: Status,
    /// What was shown for the claim (invariant I2).
    pub proof: Proof,
    /// GitHub's number of the person who showed it, where it was a person.
    pub proven_by: Option<AccountId>,
    /// Who asked for the binding, in the host's words.
    pub actor: Actor,
    /// The state that this binding spends: writing the row is spending it (`design.md` §2).
    pub spent: StateDigest,
    /// When GitHub gave its answer. Whole microseconds.
    pub last_verified_at: OffsetDateTime,
    /// When the row is written. Whole microseconds.
    pub registered_at: OffsetDateTime,
}

/// A live binding as it stands in the store: every answer is made from one of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// Who is bound.
    pub organization: OrganizationId,
    /// To what.
    pub installation: InstallationId,
    /// The account that it is on, as GitHub last told.
    pub account: Account,
    /// As GitHub last told.
    pub status: Status,
    /// What was shown for the claim.
    pub proof: Proof,
    /// GitHub's number of the person who showed it, where it was a person.
    pub proven_by: Option<AccountId>,
    /// Who asked for the binding, in the host's words.
    pub actor: Actor,
    /// The original grant; never changes for the life of the binding (invariant I4).
    #[serde(serialize_with = "timestamp::serialize")]
    pub registered_at: OffsetDateTime,
    /// The time of GitHub's last answer about the installation.
    #[serde(serialize_with = "timestamp::serialize")]
    pub last_verified_at: OffsetDateTime,
    /// Counts the changes of the installation's row; fences tokens that were cached under an earlier one.
    pub generation: u64,
}
