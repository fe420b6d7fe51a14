//! The cases of the administration of keys, which the adapters of SQL databases have beyond the ports.
//! [`key_admin_suite!`](crate::key_admin_suite) runs them.

use std::fmt::Debug;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{ApiKey, KeyEntry, KeyId, KeyRecord, OrganizationId, Rotation, RotationTerms};
use time::OffsetDateTime;

use crate::runner::suite;

pub mod cases;

/// The administration of keys under test.
#[async_trait]
pub trait KeyAdminDriver: Debug + Send + Sync + 'static {
    /// Returns the port of the same keys.
    fn keys(&self) -> &dyn KeyStore;

    /// Adds a key; returns `false` if the id exists.
    async fn insert(&self, record: &KeyRecord, name: &str, created_at: OffsetDateTime) -> bool;

    /// Returns all keys, or those of an organization.
    async fn list(&self, organization: Option<&OrganizationId>) -> Vec<KeyEntry>;

    /// Returns one key.
    async fn entry(&self, id: &KeyId) -> Option<KeyEntry>;

    /// Replaces a key by `fresh`.
    async fn rotate(
        &self,
        id: &KeyId,
        fresh: &ApiKey,
        terms: &RotationTerms,
        now: OffsetDateTime,
    ) -> Rotation;

    /// Revokes a key; returns `false` if the id is unknown.
    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> bool;

    /// Stores a use of a key.
    async fn used(&self, id: &KeyId, at: OffsetDateTime);
}

suite! {
    /// Makes one `#[test]` per case of the administration of keys in a module `key_admin`. The adapter is a
    /// [`KeyAdminDriver`](crate::key_admin::KeyAdminDriver).
    key_admin_suite, key_admin, KeyAdminDriver: cases
}
