use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::rules::rotation;
use dockline::{ApiKey, KeyId, KeyRecord, PortError, Rotation, RotationTerms, Unrotatable};
use time::OffsetDateTime;

use crate::shared::Shared;

/// API keys by their id. There is no cache: a revocation is in force for the next call (invariant I13).
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

    /// Adds a key, in place of an earlier record of the same id.
    pub fn insert(&self, record: KeyRecord) {
        self.0.lock().insert(record.id.clone(), Row { record, replaced_by: None });
    }

    /// Has the key refused from `at` on; `false` where there is no such key. Of several times the earliest counts.
    pub fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> bool {
        self.0.lock().get_mut(id).is_some_and(|row| {
            row.record.revoked_at = Some(row.record.revoked_at.map_or(at, |earlier| earlier.min(at)));
            true
        })
    }

    /// Puts `fresh` in the place of the key `id`, in one step.
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
