use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use dockline::ports::{KeyStore, KeyUsage};
use dockline::rules::rotation;
use dockline::{ApiKey, KeyId, KeyRecord, OrganizationId, PortError, Rotation, RotationTerms, Unrotatable};
use time::OffsetDateTime;

use crate::Shared;

/// Stores API keys by id. Does not cache, so a revocation applies from the next call.
#[derive(Clone, Default)]
pub struct MemoryKeyStore(Shared<HashMap<KeyId, Row>>);

struct Row {
    record: KeyRecord,
    replaced_by: Option<KeyId>,
}

impl MemoryKeyStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key, or overwrites the one with the same id.
    pub fn insert(&self, record: KeyRecord) {
        self.0.lock().insert(record.id.clone(), Row { record, replaced_by: None });
    }

    /// Deletes the organization's keys. Returns their number.
    pub(crate) fn remove_of(&self, organization: &OrganizationId) -> u64 {
        let mut rows = self.0.lock();
        let before = rows.len();
        rows.retain(|_, row| row.record.organization != *organization);
        (before - rows.len()) as u64
    }

    /// Revokes the key from `at` on, or from an earlier revocation on. Returns `false` if the id is unknown.
    pub fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> bool {
        self.0.lock().get_mut(id).is_some_and(|row| {
            row.record.revoked_at = Some(row.record.revoked_at.map_or(at, |earlier| earlier.min(at)));
            true
        })
    }

    /// Replaces the key `id` by `fresh`, atomically.
    pub fn rotate(&self, id: &KeyId, fresh: &ApiKey, terms: &RotationTerms, now: OffsetDateTime) -> Rotation {
        let mut rows = self.0.lock();
        let Some(old) = rows.get_mut(id) else { return Rotation::Refused(Unrotatable::Unknown) };
        if let Err(reason) = rotation::check(Some(&old.record), old.replaced_by.as_ref(), fresh, now) {
            return Rotation::Refused(reason);
        }
        let record = rotation::successor(&old.record, fresh, terms);
        let old_expires_at = rotation::end(&old.record, terms);
        old.record.expires_at = Some(old_expires_at);
        old.replaced_by = Some(record.id.clone());
        rows.insert(record.id.clone(), Row { record: record.clone(), replaced_by: None });
        Rotation::Rotated { fresh: Box::new(record), old_expires_at }
    }
}

impl fmt::Debug for MemoryKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryKeyStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyStore for MemoryKeyStore {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        Ok(self.0.lock().get(id).map(|row| row.record.clone()))
    }
}

/// Records when each key was last used, exactly. Grows by one small entry per used key.
#[derive(Clone, Default)]
pub struct MemoryKeyUsage(Shared<HashMap<KeyId, OffsetDateTime>>);

impl MemoryKeyUsage {
    /// A record without any use.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the latest use of the key, or `None` if it was never used.
    #[must_use]
    pub fn last_used(&self, key: &KeyId) -> Option<OffsetDateTime> {
        self.0.lock().get(key).copied()
    }
}

impl fmt::Debug for MemoryKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryKeyUsage").finish_non_exhaustive()
    }
}

impl KeyUsage for MemoryKeyUsage {
    fn used(&self, key: &KeyId, at: OffsetDateTime) {
        let mut last = self.0.lock();
        // Looks up first, so that only the first use of a key clones its id.
        match last.get_mut(key) {
            Some(recorded) => *recorded = at.max(*recorded),
            None => {
                last.insert(key.clone(), at);
            }
        }
    }
}
