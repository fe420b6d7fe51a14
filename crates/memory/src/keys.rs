use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use dockline::ports::{KeyAdmin, KeyStore, KeyUsage};
use dockline::rules::rotation;
use dockline::{
    ApiKey, KeyEntry, KeyId, KeyRecord, OrganizationId, PortError, Rotation, RotationTerms, Unrotatable,
    stored_time,
};
use time::OffsetDateTime;

use crate::Shared;

/// Stores API keys by id. Does not cache, so a revocation applies from the next call.
#[derive(Clone, Default)]
pub struct MemoryKeyStore {
    rows: Shared<HashMap<KeyId, Row>>,
    usage: MemoryKeyUsage,
}

struct Row {
    record: KeyRecord,
    name: String,
    created_at: OffsetDateTime,
    replaced_by: Option<KeyId>,
    rotated_from: Option<KeyId>,
}

impl Row {
    fn new(record: KeyRecord, name: &str, created_at: OffsetDateTime) -> Self {
        let name = name.to_owned();
        Self { record, name, created_at: stored_time(created_at), replaced_by: None, rotated_from: None }
    }

    fn entry(&self, usage: &MemoryKeyUsage) -> KeyEntry {
        KeyEntry {
            record: self.record.clone(),
            name: self.name.clone(),
            created_at: self.created_at,
            last_used_at: usage.last_used(&self.record.id),
            replaced_by: self.replaced_by.clone(),
            rotated_from: self.rotated_from.clone(),
        }
    }
}

impl MemoryKeyStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key without a name, or overwrites the one with the same id.
    pub fn put(&self, record: KeyRecord) {
        self.rows.lock().insert(record.id.clone(), Row::new(record, "", OffsetDateTime::UNIX_EPOCH));
    }

    /// Returns the record of the keys' uses, which [`KeyAdmin::list`] shows.
    #[must_use]
    pub fn usage(&self) -> MemoryKeyUsage {
        self.usage.clone()
    }

    /// Deletes the organization's keys and their uses. Returns their number.
    pub(crate) fn remove_of(&self, organization: &OrganizationId) -> u64 {
        let mut rows = self.rows.lock();
        let before = rows.len();
        rows.retain(|id, row| {
            let is_kept = row.record.organization != *organization;
            if !is_kept {
                self.usage.0.lock().remove(id);
            }
            is_kept
        });
        (before - rows.len()) as u64
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
        Ok(self.rows.lock().get(id).map(|row| row.record.clone()))
    }
}

#[async_trait]
impl KeyAdmin for MemoryKeyStore {
    async fn insert(
        &self,
        record: &KeyRecord,
        name: &str,
        created_at: OffsetDateTime,
    ) -> Result<bool, PortError> {
        let mut rows = self.rows.lock();
        if rows.contains_key(&record.id) {
            return Ok(false);
        }
        rows.insert(record.id.clone(), Row::new(record.clone(), name, created_at));
        Ok(true)
    }

    async fn list(&self, organization: Option<OrganizationId>) -> Result<Vec<KeyEntry>, PortError> {
        let rows = self.rows.lock();
        let is_wanted =
            |row: &&Row| organization.as_ref().is_none_or(|wanted| row.record.organization == *wanted);
        let mut entries: Vec<_> = rows.values().filter(is_wanted).map(|row| row.entry(&self.usage)).collect();
        entries.sort_by(|a, b| (a.created_at, &a.record.id).cmp(&(b.created_at, &b.record.id)));
        Ok(entries)
    }

    async fn entry(&self, id: &KeyId) -> Result<Option<KeyEntry>, PortError> {
        Ok(self.rows.lock().get(id).map(|row| row.entry(&self.usage)))
    }

    async fn rotate(
        &self,
        id: &KeyId,
        fresh: &ApiKey,
        terms: &RotationTerms,
        now: OffsetDateTime,
    ) -> Result<Rotation, PortError> {
        let mut rows = self.rows.lock();
        let Some(old) = rows.get_mut(id) else { return Ok(Rotation::Refused(Unrotatable::Unknown)) };
        if let Err(reason) = rotation::check(Some(&old.record), old.replaced_by.as_ref(), fresh, now) {
            return Ok(Rotation::Refused(reason));
        }
        let record = rotation::successor(&old.record, fresh, terms);
        let old_expires_at = stored_time(rotation::end(&old.record, terms));
        old.record.expires_at = Some(old_expires_at);
        old.replaced_by = Some(record.id.clone());
        let made = Row { rotated_from: Some(id.clone()), ..Row::new(record.clone(), &old.name, now) };
        rows.insert(record.id.clone(), made);
        Ok(Rotation::Rotated { fresh: Box::new(record), old_expires_at })
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> Result<bool, PortError> {
        let at = stored_time(at);
        Ok(self.rows.lock().get_mut(id).is_some_and(|row| {
            row.record.revoked_at = Some(row.record.revoked_at.map_or(at, |earlier| earlier.min(at)));
            true
        }))
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
