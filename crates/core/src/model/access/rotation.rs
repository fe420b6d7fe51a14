use time::OffsetDateTime;

use crate::model::{KeyId, KeyRecord};

/// The expiry times of a rotation. The new key has the organization, environment, scopes, tier and return hosts of the old
/// key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationTerms {
    /// The time from which the old key is rejected, unless it expires earlier: usually now plus a grace period.
    pub old_expires_at: OffsetDateTime,
    /// The time from which the new key is rejected; `None` if it does not expire.
    pub expires_at: Option<OffsetDateTime>,
}

/// The outcome of rotating a key. If several rotations of one key run concurrently, one succeeds; the others are
/// refused with [`Unrotatable::Replaced`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The new key is active, and the old key expires.
    Rotated {
        /// The record of the new key.
        fresh: Box<KeyRecord>,
        /// The time from which the old key is rejected.
        old_expires_at: OffsetDateTime,
    },
    /// Nothing was changed.
    Refused(Unrotatable),
}

/// Why a key cannot be rotated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unrotatable {
    /// The key does not exist.
    #[error("the key does not exist")]
    Unknown,
    /// The key is revoked, or will be at a set time, which a new key must not outlive.
    #[error("the key is revoked")]
    Revoked,
    /// The key was rotated before. Handling: rotate the key that replaced it.
    #[error("the key was already replaced by {0}")]
    Replaced(KeyId),
    /// The key has expired.
    #[error("the key has expired")]
    Expired,
    /// The new key is of another environment.
    #[error("the new key is of another environment")]
    OtherEnvironment,
}
