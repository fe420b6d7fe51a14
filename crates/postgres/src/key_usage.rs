use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use dockline::ports::{KeyUsage, KeyUsageWriter};
use dockline::rules::key_usage::{KeyUse, UsedKeys};
use dockline::{KeyId, PortError, PortName};
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::database::{Database, Statement};

/// `$1` key ids, `$2` times of use, `$3` the start of the hour of each. Locks rows in the order of their ids, so that
/// concurrent nodes do not deadlock. Skips rows whose `last_used_at` is in that hour or later.
const WRITE: &str = "UPDATE {schema}.api_keys AS k SET last_used_at = GREATEST(k.last_used_at, used.at) FROM (\
    SELECT kept.id, noted.at FROM unnest($1, $2, $3) AS noted (id, at, hour) \
    JOIN {schema}.api_keys AS kept ON kept.id = noted.id \
    WHERE kept.last_used_at IS NULL OR kept.last_used_at < noted.hour \
    ORDER BY kept.id FOR NO KEY UPDATE OF kept) AS used WHERE k.id = used.id RETURNING true";

const TYPES: &[Type] = &[Type::TEXT_ARRAY, Type::TIMESTAMPTZ_ARRAY, Type::TIMESTAMPTZ_ARRAY];

/// Records in `api_keys.last_used_at` when each key was used: its first use within an hour of the UTC clock.
///
/// [`KeyUsage::used`] only updates memory. The host calls [`PgKeyUsage::write`] about once a minute and before it exits.
/// A row is written at most once an hour, by the first node that writes. If a node is killed, its unwritten uses are
/// lost; the key's next use in another hour or on another node is recorded.
///
/// Memory is bounded as that of [`UsedKeys`].
#[derive(Clone)]
pub struct PgKeyUsage {
    database: Database,
    write: Statement,
    uses: Arc<Mutex<UsedKeys>>,
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
        let unwritten = self.lock().unwritten();
        if unwritten.is_empty() {
            return Ok(0);
        }
        let ids: Vec<&str> = unwritten.iter().map(|one| one.key.as_str()).collect();
        let times: Vec<OffsetDateTime> = unwritten.iter().map(|one| one.at).collect();
        let hours: Vec<OffsetDateTime> = unwritten.iter().map(KeyUse::hour).collect();
        let rows = self.database.rows(&self.write, &[&ids, &times, &hours]).await;
        let rows = rows.map_err(|error| error.of_port(PortName::KeyStore))?;
        self.lock().mark_written(&unwritten);
        Ok(rows.len())
    }

    fn lock(&self) -> MutexGuard<'_, UsedKeys> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PgKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgKeyUsage").field("database", &self.database).finish_non_exhaustive()
    }
}

impl KeyUsage for PgKeyUsage {
    fn used(&self, key: &KeyId, at: OffsetDateTime) {
        self.lock().record(key, at);
    }
}

#[async_trait]
impl KeyUsageWriter for PgKeyUsage {
    async fn write(&self) -> Result<usize, PortError> {
        self.write().await
    }
}
