use time::OffsetDateTime;

use super::{KeyId, KeyRecord};

/// How a key is replaced by a fresh one: the fresh one has the same organization, world, scopes, tier and domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationTerms {
    /// From when on the old key is refused, unless it expires earlier: now and a grace period.
    pub old_expires_at: OffsetDateTime,
    /// From when on the fresh key is refused; `None`: never.
    pub expires_at: Option<OffsetDateTime>,
}

/// Outcome of rotating a key, for the stores that can. Of several who rotate the same key one wins, and the others
/// are told who did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The fresh key is in force, and the old one expires.
    Rotated {
        /// What the store knows of the fresh key.
        fresh: Box<KeyRecord>,
        /// From when on the old key is refused: the terms', or earlier where it expired earlier anyway.
        old_expires_at: OffsetDateTime,
    },
    /// Nothing changed.
    Refused(Unrotatable),
}

/// Why a key cannot be rotated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unrotatable {
    /// There is no such key.
    #[error("there is no such key")]
    Unknown,
    /// It is revoked, or will be: a fresh key must not outlive that.
    #[error("the key is revoked")]
    Revoked,
    /// It was rotated already. Handling: rotate the one that replaced it.
    #[error("the key was already replaced by {0}")]
    Replaced(KeyId),
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
    /// The fresh key is of the other world.
    #[error("the fresh key is of another environment")]
    OtherEnvironment,
}
