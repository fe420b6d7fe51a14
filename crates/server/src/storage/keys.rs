use dockline::{ApiKey, KeyEntry, KeyId, KeyRecord, OrganizationId, PortError, Rotation, RotationTerms};
use dockline_postgres::PgKeyStore;
use dockline_sqlite::SqliteKeyStore;
use time::OffsetDateTime;

use super::Storage;

/// Creates, lists, rotates and revokes API keys.
#[derive(Debug)]
pub(crate) enum Keys {
    Postgres(Box<PgKeyStore>),
    File(SqliteKeyStore),
}

impl Storage {
    pub(crate) fn keys(&self) -> Keys {
        match self {
            Self::Postgres(database) => Keys::Postgres(Box::new(PgKeyStore::new(database))),
            Self::File(database) => Keys::File(SqliteKeyStore::new(database)),
        }
    }
}

impl Keys {
    /// Adds a key. Returns `false` if the id exists.
    pub(crate) async fn insert(
        &self,
        record: &KeyRecord,
        name: &str,
        created_at: OffsetDateTime,
    ) -> Result<bool, PortError> {
        match self {
            Self::Postgres(keys) => keys.insert(record, name, created_at).await,
            Self::File(keys) => keys.insert(record, name, created_at).await,
        }
    }

    /// Returns the keys of all organizations or of one, oldest first.
    pub(crate) async fn list(
        &self,
        organization: Option<&OrganizationId>,
    ) -> Result<Vec<KeyEntry>, PortError> {
        match self {
            Self::Postgres(keys) => keys.list(organization).await,
            Self::File(keys) => keys.list(organization).await,
        }
    }

    /// Returns one key, or `None` if the id is unknown.
    pub(crate) async fn entry(&self, id: &KeyId) -> Result<Option<KeyEntry>, PortError> {
        match self {
            Self::Postgres(keys) => keys.entry(id).await,
            Self::File(keys) => keys.entry(id).await,
        }
    }

    /// Replaces the key `id` by `fresh`.
    pub(crate) async fn rotate(
        &self,
        id: &KeyId,
        fresh: &ApiKey,
        terms: &RotationTerms,
        now: OffsetDateTime,
    ) -> Result<Rotation, PortError> {
        match self {
            Self::Postgres(keys) => keys.rotate(id, fresh, terms, now).await,
            Self::File(keys) => keys.rotate(id, fresh, terms, now).await,
        }
    }

    /// Revokes the key from `at` on. Returns `false` if the id is unknown.
    pub(crate) async fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> Result<bool, PortError> {
        match self {
            Self::Postgres(keys) => keys.revoke(id, at).await,
            Self::File(keys) => keys.revoke(id, at).await,
        }
    }
}
