use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{KeyId, KeyRecord, PortError};
use time::OffsetDateTime;

use crate::shared::Shared;

/// API keys by their id. There is no cache: a revocation is in force for the next call (invariant I13).
#[derive(Clone, Default)]
pub struct MemoryKeyStore(Shared<HashMap<KeyId, KeyRecord>>);

impl MemoryKeyStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key, in place of an earlier record of the same id.
    pub fn insert(&self, record: KeyRecord) {
        self.0.lock().insert(record.id.clone(), record);
    }

    /// Has the key refused from `at` on; `false` where there is no such key. Of several times the earliest counts.
    pub fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> bool {
        self.0.lock().get_mut(id).is_some_and(|record| {
            record.revoked_at = Some(record.revoked_at.map_or(at, |earlier| earlier.min(at)));
            true
        })
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
        Ok(self.0.lock().get(id).cloned())
    }
}
