use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::error::PortError;
use crate::model::{ApiKey, KeyEntry, KeyId, KeyRecord, OrganizationId, Rotation, RotationTerms};
use crate::ports::forward;

/// Creates, lists, rotates and revokes the keys of a [`KeyStore`](crate::ports::KeyStore), for operators and for the host's pages.
///
/// A capability: no request depends on it.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait KeyAdmin: Debug + Send + Sync + 'static {
    /// Adds a key under the operator's `name`. Returns `false` and changes nothing if the id exists, which includes a
    /// repetition of the same call.
    ///
    /// # Errors
    /// Infrastructure failures only. The key was added or not; repeat the call to find out.
    async fn insert(
        &self,
        record: &KeyRecord,
        name: &str,
        created_at: OffsetDateTime,
    ) -> Result<bool, PortError>;

    /// Returns the keys of all organizations or of one, oldest first, including revoked ones.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn list(&self, organization: Option<OrganizationId>) -> Result<Vec<KeyEntry>, PortError>;

    /// Returns one key with its administrative data, or `None` if the id is unknown.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn entry(&self, id: &KeyId) -> Result<Option<KeyEntry>, PortError>;

    /// Replaces the key `id` by `fresh`, atomically. The fresh key copies everything but id, secret and expiry. The old
    /// key expires as `terms` say, but never later than before. If several rotations of one key run concurrently, one MUST
    /// succeed; the others return [`Unrotatable::Replaced`](crate::Unrotatable::Replaced) with the fresh key's id.
    /// [`rules::rotation`](crate::rules::rotation) decides.
    ///
    /// # Errors
    /// Infrastructure failures only. The key was rotated or not; [`Self::entry`] shows which. If it was, the fresh secret
    /// may be lost with the response: rotate the fresh key.
    async fn rotate(
        &self,
        id: &KeyId,
        fresh: &ApiKey,
        terms: &RotationTerms,
        now: OffsetDateTime,
    ) -> Result<Rotation, PortError>;

    /// Revokes the key from `at` on, or from an earlier revocation on. Returns `false` if the id is unknown.
    ///
    /// # Errors
    /// Infrastructure failures only. The call may be repeated.
    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> Result<bool, PortError>;
}

forward!(KeyAdmin {
    async fn insert(&self, record: &KeyRecord, name: &str, created_at: OffsetDateTime) -> Result<bool, PortError>;
    async fn list(&self, organization: Option<OrganizationId>) -> Result<Vec<KeyEntry>, PortError>;
    async fn entry(&self, id: &KeyId) -> Result<Option<KeyEntry>, PortError>;
    async fn rotate(&self, id: &KeyId, fresh: &ApiKey, terms: &RotationTerms, now: OffsetDateTime) -> Result<Rotation, PortError>;
    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> Result<bool, PortError>;
});
