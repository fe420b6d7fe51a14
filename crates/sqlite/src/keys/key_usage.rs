use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use dockline::ports::{KeyUsage, KeyUsageWriter};
use dockline::{KeyId, PortError, PortName};
use rusqlite::params;
use time::OffsetDateTime;

use crate::database::SqliteDatabase;
use crate::decode::{column_time, execute, stored_time};

/// `?1` the key, `?2` the time of use, `?3` the start of its hour. Skips a row whose `last_used_at` is in that hour or later.
const WRITE: &str = "UPDATE api_keys SET last_used_at = ?2 \
    WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?3)";

/// Upper bound of the keys in memory, and so of the rows that one transaction writes.
const CAPACITY: usize = 10_000;

/// Records in `api_keys.last_used_at` when each key was used: its first use within an hour of the UTC clock.
///
/// [`KeyUsage::used`] only updates memory. The host calls [`SqliteKeyUsage::write`] about once a minute and before it exits.
/// A row is written at most once an hour, by the first process that writes. If it is killed, its unwritten uses are
/// lost; the key's next use in another hour is recorded.
///
/// Memory is bounded to ten thousand keys per process. If it is full, written entries are evicted; if all are unwritten, a
/// use of another key is not recorded.
#[derive(Clone)]
pub struct SqliteKeyUsage {
    database: SqliteDatabase,
    uses: Arc<Mutex<Uses>>,
}

#[derive(Default)]
struct Uses {
    by_key: HashMap<KeyId, FirstUse>,
}

/// The first use of a key within its hour.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FirstUse {
    at: OffsetDateTime,
    written: bool,
}

impl SqliteKeyUsage {
    /// Records uses of the keys in `database`.
    #[must_use]
    pub fn new(database: &SqliteDatabase) -> Self {
        Self { database: database.clone(), uses: Arc::default() }
    }

    /// Writes the unwritten uses in one transaction and returns the number of changed rows. Does nothing if there are
    /// none.
    ///
    /// # Errors
    /// Infrastructure only. The uses stay in memory, and the next call writes them.
    pub async fn write(&self) -> Result<usize, PortError> {
        let unwritten: Vec<(KeyId, FirstUse)> = {
            let uses = self.lock();
            let unwritten = uses.by_key.iter().filter(|(_, first)| !first.written);
            unwritten.map(|(key, first)| (key.clone(), *first)).collect()
        };
        if unwritten.is_empty() {
            return Ok(0);
        }
        let written = unwritten.clone();
        let changed = self.database.write(move |connection| {
            let mut changed = 0;
            for (key, first) in &written {
                let hour = column_time(first.at.truncate_to_hour());
                changed += execute(connection, WRITE, params![key.as_str(), column_time(first.at), hour])?;
            }
            Ok(changed)
        });
        let changed = changed.await.map_err(|error| error.of_port(PortName::KeyStore))?;
        let mut uses = self.lock();
        for (key, written) in unwritten {
            // A use in another hour may have replaced the entry meanwhile.
            if let Some(first) = uses.by_key.get_mut(&key).filter(|first| **first == written) {
                first.written = true;
            }
        }
        Ok(changed)
    }

    fn lock(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Uses {
    /// Records a use, unless one of the same or a later hour is recorded.
    fn record(&mut self, key: &KeyId, at: OffsetDateTime) {
        let first = FirstUse { at, written: false };
        if let Some(recorded) = self.by_key.get_mut(key) {
            if at.truncate_to_hour() > recorded.at {
                *recorded = first;
            }
            return;
        }
        if self.by_key.len() >= CAPACITY {
            // The next use of an evicted key within the hour is sent again, and changes no row.
            self.by_key.retain(|_, recorded| !recorded.written);
        }
        if self.by_key.len() < CAPACITY {
            self.by_key.insert(key.clone(), first);
        }
    }
}

impl fmt::Debug for SqliteKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteKeyUsage").field("database", &self.database).finish_non_exhaustive()
    }
}

impl KeyUsage for SqliteKeyUsage {
    fn used(&self, key: &KeyId, at: OffsetDateTime) {
        self.lock().record(key, stored_time(at));
    }
}

#[async_trait]
impl KeyUsageWriter for SqliteKeyUsage {
    async fn write(&self) -> Result<usize, PortError> {
        self.write().await
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    const NOON: OffsetDateTime =
        OffsetDateTime::UNIX_EPOCH.replace_time(time::Time::MIDNIGHT).saturating_add(Duration::hours(12));

    fn key(number: usize) -> KeyId {
        KeyId::parse(&format!("{number:016}")).unwrap()
    }

    #[test]
    fn memory_is_bounded_and_written_entries_are_evicted() {
        let mut uses = Uses::default();
        for number in 0..2 * CAPACITY {
            uses.record(&key(number), NOON);
        }
        assert_eq!(uses.by_key.len(), CAPACITY);
        assert!(!uses.by_key.contains_key(&key(CAPACITY)), "recorded beyond the capacity");
        uses.by_key.values_mut().take(CAPACITY / 2).for_each(|first| first.written = true);
        uses.record(&key(3 * CAPACITY), NOON);
        assert_eq!(uses.by_key.len(), CAPACITY / 2 + 1);
    }

    #[test]
    fn a_key_is_due_once_an_hour_however_often_it_is_used() {
        let mut uses = Uses::default();
        for minute in 0..60 {
            uses.record(&key(1), NOON + Duration::minutes(minute));
        }
        let first = |uses: &Uses| *uses.by_key.get(&key(1)).unwrap();
        assert!(first(&uses) == FirstUse { at: NOON, written: false });
        uses.by_key.get_mut(&key(1)).unwrap().written = true;
        uses.record(&key(1), NOON + Duration::minutes(59));
        uses.record(&key(1), NOON - Duration::HOUR);
        assert!(first(&uses) == FirstUse { at: NOON, written: true });
        uses.record(&key(1), NOON + Duration::minutes(61));
        assert!(first(&uses) == FirstUse { at: NOON + Duration::minutes(61), written: false });
    }
}
