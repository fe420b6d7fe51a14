use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use dockline::ports::{KeyUsage, KeyUsageWriter};
use dockline::{KeyId, PortError, PortName};
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::database::{Database, Statement};
use crate::decode::column_time;

/// `$1` key ids, `$2` times of use, `$3` the start of the hour of each. Locks rows in the order of their ids, so that
/// concurrent nodes do not deadlock. Skips rows whose `last_used_at` is in that hour or later.
const WRITE: &str = "UPDATE {schema}.api_keys AS k SET last_used_at = GREATEST(k.last_used_at, used.at) FROM (\
    SELECT kept.id, noted.at FROM unnest($1, $2, $3) AS noted (id, at, hour) \
    JOIN {schema}.api_keys AS kept ON kept.id = noted.id \
    WHERE kept.last_used_at IS NULL OR kept.last_used_at < noted.hour \
    ORDER BY kept.id FOR NO KEY UPDATE OF kept) AS used WHERE k.id = used.id RETURNING true";

const TYPES: &[Type] = &[Type::TEXT_ARRAY, Type::TIMESTAMPTZ_ARRAY, Type::TIMESTAMPTZ_ARRAY];

/// Upper bound of the keys in memory, and so of the rows that one statement writes.
const CAPACITY: usize = 10_000;

/// Records in `api_keys.last_used_at` when each key was used: its first use within an hour of the UTC clock.
///
/// [`KeyUsage::used`] only updates memory. The host calls [`PgKeyUsage::write`] about once a minute and before it exits.
/// A row is written at most once an hour, by the first node that writes. If a node is killed, its unwritten uses are
/// lost; the key's next use in another hour or on another node is recorded.
///
/// Memory is bounded to ten thousand keys per node. If it is full, written entries are evicted; if all are unwritten, a
/// use of another key is not recorded.
#[derive(Clone)]
pub struct PgKeyUsage {
    database: Database,
    write: Statement,
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

impl PgKeyUsage {
    /// Records uses of the keys in `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self { write: database.statement(WRITE, TYPES), database: database.clone(), uses: Arc::default() }
    }

    /// Writes the unwritten uses in one statement and returns the number of changed rows. Makes no database call if there
    /// are none.
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
        let ids: Vec<&str> = unwritten.iter().map(|(key, _)| key.as_str()).collect();
        let times: Vec<OffsetDateTime> = unwritten.iter().map(|(_, first)| first.at).collect();
        let hours: Vec<OffsetDateTime> = times.iter().map(|at| at.truncate_to_hour()).collect();
        let rows = self.database.rows(&self.write, &[&ids, &times, &hours]).await;
        let rows = rows.map_err(|error| error.of_port(PortName::KeyStore))?;
        let mut uses = self.lock();
        for (key, written) in unwritten {
            // A use in another hour may have replaced the entry meanwhile.
            if let Some(first) = uses.by_key.get_mut(&key).filter(|first| **first == written) {
                first.written = true;
            }
        }
        Ok(rows.len())
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

impl fmt::Debug for PgKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgKeyUsage").field("database", &self.database).finish_non_exhaustive()
    }
}

impl KeyUsage for PgKeyUsage {
    fn used(&self, key: &KeyId, at: OffsetDateTime) {
        self.lock().record(key, column_time(at));
    }
}

#[async_trait]
impl KeyUsageWriter for PgKeyUsage {
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
