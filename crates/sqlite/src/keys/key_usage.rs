use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use dockline::ports::{KeyUsage, KeyUsageWriter};
use dockline::rules::key_usage::UsedKeys;
use dockline::{KeyId, PortError, PortName};
use rusqlite::params;
use time::OffsetDateTime;

use crate::database::SqliteDatabase;
use crate::decode::{column_time, execute};

/// `?1` the key, `?2` the time of use, `?3` the start of its hour. Skips a row whose `last_used_at` is in that hour or later.
const WRITE: &str = "UPDATE api_keys SET last_used_at = ?2 \
    WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?3)";

/// Records in `api_keys.last_used_at` when each key was used: its first use within an hour of the UTC clock.
///
/// [`KeyUsage::used`] only updates memory. The host calls [`SqliteKeyUsage::write`] about once a minute and before it exits.
/// A row is written at most once an hour, by the first process that writes. If it is killed, its unwritten uses are
/// lost; the key's next use in another hour is recorded.
///
/// Memory is bounded as that of [`UsedKeys`].
#[derive(Clone)]
pub struct SqliteKeyUsage {
    database: SqliteDatabase,
    uses: Arc<Mutex<UsedKeys>>,
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
        let unwritten = self.lock().unwritten();
        if unwritten.is_empty() {
            return Ok(0);
        }
        let written = unwritten.clone();
        let changed = self.database.write(move |connection| {
            let mut changed = 0;
            for one in &written {
                let values = params![one.key.as_str(), column_time(one.at), column_time(one.hour())];
                changed += execute(connection, WRITE, values)?;
            }
            Ok(changed)
        });
        let changed = changed.await.map_err(|error| error.of_port(PortName::KeyStore))?;
        self.lock().mark_written(&unwritten);
        Ok(changed)
    }

    fn lock(&self) -> MutexGuard<'_, UsedKeys> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SqliteKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteKeyUsage").field("database", &self.database).finish_non_exhaustive()
    }
}

impl KeyUsage for SqliteKeyUsage {
    fn used(&self, key: &KeyId, at: OffsetDateTime) {
        self.lock().record(key, at);
    }
}

#[async_trait]
impl KeyUsageWriter for SqliteKeyUsage {
    async fn write(&self) -> Result<usize, PortError> {
        self.write().await
    }
}
