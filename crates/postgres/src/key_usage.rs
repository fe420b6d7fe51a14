use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use dockline::ports::{KeyUsage, KeyUsageWriter};
use dockline::{KeyId, PortError, PortName};
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::column::stored;
use crate::database::Database;
use crate::statement::Statement;

/// `$1` keys, `$2` when each was used, `$3` the hours that this was in. Rows are locked in the order of their ids, so
/// that nodes do not deadlock; a row that has something of the same hour or a later one is not written.
const WRITE: &str = "UPDATE {schema}.api_keys AS k SET last_used_at = GREATEST(k.last_used_at, used.at) FROM (\
    SELECT kept.id, noted.at FROM unnest($1, $2, $3) AS noted (id, at, hour) \
    JOIN {schema}.api_keys AS kept ON kept.id = noted.id \
    WHERE kept.last_used_at IS NULL OR kept.last_used_at < noted.hour \
    ORDER BY kept.id FOR NO KEY UPDATE OF kept) AS used WHERE k.id = used.id RETURNING true";

const TYPES: &[Type] = &[Type::TEXT_ARRAY, Type::TIMESTAMPTZ_ARRAY, Type::TIMESTAMPTZ_ARRAY];

/// Keys that are remembered at a time, and the most rows that one statement writes.
const MOST: usize = 10_000;

/// Takes note of which keys are in use, in the column `last_used_at` of the table `api_keys`: the first use within each
/// hour of the clock (UTC), so less than an hour before the last use.
///
/// A request costs a look into memory. [`PgKeyUsage::write`], which the host calls about once a minute and when it ends, is
/// one statement, for the keys that were used for the first time within this hour: a row of a key is written at most
/// once an hour, by whichever node comes first. What a node that is killed had not written is noted with the key's next
/// use in another hour, or on another node.
///
/// Memory is bounded: ten thousand keys a node, of which those that are written make room for others. Where none is, a
/// use finds no room, and the next one of that key is noted.
#[derive(Clone)]
pub struct PgKeyUsage {
    database: Database,
    write: Statement,
    noted: Arc<Mutex<Noted>>,
}

#[derive(Default)]
struct Noted {
    keys: HashMap<KeyId, Note>,
}

/// The first use within its hour.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Note {
    at: OffsetDateTime,
    written: bool,
}

impl PgKeyUsage {
    /// Notes for the keys of `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self { write: database.statement(WRITE, TYPES), database: database.clone(), noted: Arc::default() }
    }

    /// Writes what was noted since the last time, in one statement; none where there is nothing. Gives the number of
    /// keys whose row changed.
    ///
    /// # Errors
    /// Infrastructure only; what was noted stays noted, and the next call writes it.
    pub async fn write(&self) -> Result<usize, PortError> {
        let waiting: Vec<(KeyId, Note)> = {
            let noted = self.noted();
            noted
                .keys
                .iter()
                .filter(|(_, note)| !note.written)
                .map(|(key, note)| (key.clone(), *note))
                .collect()
        };
        if waiting.is_empty() {
            return Ok(0);
        }
        let ids: Vec<&str> = waiting.iter().map(|(key, _)| key.as_str()).collect();
        let times: Vec<OffsetDateTime> = waiting.iter().map(|(_, note)| note.at).collect();
        let hours: Vec<OffsetDateTime> = times.iter().map(|at| at.truncate_to_hour()).collect();
        let rows = self.database.rows(&self.write, &[&ids, &times, &hours]).await;
        let rows = rows.map_err(|failure| failure.at(PortName::KeyStore))?;
        let mut noted = self.noted();
        for (key, note) in waiting {
            // Only what was written: a use of another hour may have come meanwhile.
            if let Some(kept) = noted.keys.get_mut(&key).filter(|kept| **kept == note) {
                kept.written = true;
            }
        }
        Ok(rows.len())
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    /// Remembers the first use within each hour, and nothing of an hour before.
    fn note(&mut self, key: &KeyId, at: OffsetDateTime) {
        let note = Note { at, written: false };
        if let Some(kept) = self.keys.get_mut(key) {
            if at.truncate_to_hour() > kept.at {
                *kept = note;
            }
            return;
        }
        if self.keys.len() >= MOST {
            // What is forgotten here is written once more at the most, and then changes no row.
            self.keys.retain(|_, kept| !kept.written);
        }
        if self.keys.len() < MOST {
            self.keys.insert(key.clone(), note);
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
        self.noted().note(key, stored(at));
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
    fn memory_is_bounded_and_what_is_written_makes_room() {
        let mut noted = Noted::default();
        for number in 0..2 * MOST {
            noted.note(&key(number), NOON);
        }
        assert_eq!(noted.keys.len(), MOST);
        assert!(!noted.keys.contains_key(&key(MOST)), "no room");
        noted.keys.values_mut().take(MOST / 2).for_each(|note| note.written = true);
        noted.note(&key(3 * MOST), NOON);
        assert_eq!(noted.keys.len(), MOST / 2 + 1);
    }

    #[test]
    fn a_key_is_written_once_an_hour_however_often_it_is_used() {
        let mut noted = Noted::default();
        for minute in 0..60 {
            noted.note(&key(1), NOON + Duration::minutes(minute));
        }
        let note = |noted: &Noted| *noted.keys.get(&key(1)).unwrap();
        assert!(note(&noted) == Note { at: NOON, written: false });
        noted.keys.get_mut(&key(1)).unwrap().written = true;
        noted.note(&key(1), NOON + Duration::minutes(59));
        noted.note(&key(1), NOON - Duration::HOUR);
        assert!(note(&noted) == Note { at: NOON, written: true });
        noted.note(&key(1), NOON + Duration::minutes(61));
        assert!(note(&noted) == Note { at: NOON + Duration::minutes(61), written: false });
    }
}
