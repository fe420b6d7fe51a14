use async_trait::async_trait;
use dockline::ports::Housekeeping;
use dockline::rules::outbox::{BODIES_KEPT_FOR, DEAD_KEPT_FOR, KEYS_KEPT_FOR};
use dockline::{PortError, PortName};
use rusqlite::{Connection, params};
use time::{Duration, OffsetDateTime};

use crate::bindings::rows::save_without_account;
use crate::database::{AppNumber, SqliteDatabase};
use crate::decode::{column_time, execute, get, rows};
use crate::error::SqliteError;
use crate::messages::queues::add_bytes;

/// Retention of expired states.
const STATES: Duration = Duration::DAY;

/// Retention of unbound installations, since they were last observed or released. The number of one that ended for good
/// is kept for ever.
const INSTALLATIONS: Duration = Duration::days(30);

/// Retention of installers of unbound installations.
const INSTALLERS: Duration = Duration::days(30);

/// Retention of unused buckets. A caller whose clock is behind must find the bucket instead of a fresh, full one.
const BUCKETS: Duration = Duration::HOUR;

/// The bytes of messages that a transaction deletes. SQLite reads each page that it frees, and one message has up to 25 MiB.
const MOST_BYTES: i64 = 64 << 20;

const PURGE_STATES: &str = "DELETE FROM install_states WHERE rowid IN (SELECT rowid FROM install_states \
    WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)";

/// The first condition is that of the index.
const OLD_INSTALLATIONS: &str = "SELECT rowid AS row, presence IN ('deleted', 'removed') AS is_final FROM installations \
    WHERE organization IS NULL AND (account_id IS NOT NULL OR presence NOT IN ('deleted', 'removed')) \
    AND verified_at < ?1 AND observed_at < ?1 AND coalesce(released_at, verified_at) < ?1 \
    ORDER BY verified_at LIMIT ?2";

const PURGE_INSTALLERS: &str = "DELETE FROM installers WHERE (app, installation_id) IN (\
    SELECT app, installation_id FROM installers AS r WHERE recorded_at < ?1 AND NOT EXISTS (\
     SELECT 1 FROM installations AS i WHERE i.app = r.app AND i.installation_id = r.installation_id \
     AND i.organization IS NOT NULL) ORDER BY recorded_at LIMIT ?2)";

/// `?1` the latest time of a bucket, `?3` now. The constant makes days round down.
const PURGE_BUCKETS: &str = "DELETE FROM budgets WHERE (key, class) IN (\
    SELECT key, class FROM budgets WHERE counted_to < ?1 AND (used_today = 0 \
     OR (counted_to + 432000000000000000) / 86400000000 < (?1 + 432000000000000000) / 86400000000) \
    AND level + min(?3 - counted_to, 60000000) * per_minute >= per_minute * 60000000 LIMIT ?2)";

const OLD_BODIES: &str = "SELECT e.rowid AS row, b.rowid AS body_row, e.size FROM outbox_entries AS e \
    LEFT JOIN outbox_bodies AS b ON b.app = e.app AND b.organization = e.organization AND b.sequence = e.sequence \
    WHERE e.status = 'done' AND e.has_body AND e.settled_at < ?1 ORDER BY e.settled_at LIMIT ?2";

const DELETE_BODY: &str = "DELETE FROM outbox_bodies WHERE rowid = ?1";

const FORGET_BODY: &str = "UPDATE outbox_entries SET has_body = 0 WHERE rowid = ?1";

const PURGE_DELIVERED: &str = "DELETE FROM outbox_entries WHERE rowid IN (SELECT rowid FROM outbox_entries \
    WHERE status = 'done' AND NOT has_body AND settled_at < ?1 ORDER BY settled_at LIMIT ?2)";

const OLD_DEAD: &str = "SELECT rowid AS row, app, organization, size FROM outbox_entries \
    WHERE status = 'dead' AND settled_at < ?1 ORDER BY settled_at LIMIT ?2";

/// Deletes the body, too, by its reference.
const DELETE_ENTRY: &str = "DELETE FROM outbox_entries WHERE rowid = ?1";

/// Deletes rows that are no longer needed, in batches: expired states, unbound installations and their installers, full
/// rate limit buckets, and messages that were delivered or are dead. If an installation ended for good, deletes its
/// account and keeps its id. Never deletes a binding, live or released, so that no state can be spent twice.
///
/// The file keeps its size; SQLite uses the freed pages again.
#[derive(Debug, Clone)]
pub struct SqliteHousekeeping {
    database: SqliteDatabase,
}

/// The numbers of deleted rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// States that expired more than a day ago.
    pub states: usize,
    /// Unbound installations that were neither observed nor released for 30 days, or their accounts.
    pub installations: usize,
    /// Installers of unbound installations, recorded more than 30 days ago.
    pub installers: usize,
    /// Buckets that equal a fresh one.
    pub buckets: usize,
    /// Bodies of messages that the product accepted more than a day ago.
    pub bodies: usize,
    /// Messages that the product accepted more than 7 days ago, and those that have been dead for 30 days.
    pub messages: usize,
}

impl Purged {
    /// Returns the number of all deleted rows. If it is not 0, there may be more to delete.
    #[must_use]
    pub const fn all(&self) -> usize {
        self.states + self.installations + self.installers + self.buckets + self.bodies + self.messages
    }
}

impl SqliteHousekeeping {
    /// Purges the tables of `database`.
    #[must_use]
    pub fn new(database: &SqliteDatabase) -> Self {
        Self { database: database.clone() }
    }

    /// Deletes up to `batch` rows of each kind, of messages up to 64 MiB, as of `now`, one kind after the other. Repeat while [`Purged::all`] is not 0.
    ///
    /// # Errors
    /// Infrastructure only. Rows that were deleted before the failure stay deleted.
    pub async fn purge(&self, now: OffsetDateTime, batch: u32) -> Result<Purged, PortError> {
        let before = |retention: Duration| {
            column_time(now.checked_sub(retention).unwrap_or(OffsetDateTime::UNIX_EPOCH))
        };
        let at = column_time(now);
        let (states, installers, buckets) = (before(STATES), before(INSTALLERS), before(BUCKETS));
        let (installations, bodies) = (before(INSTALLATIONS), before(BODIES_KEPT_FOR));
        let (delivered, dead) = (before(KEYS_KEPT_FOR), before(DEAD_KEPT_FOR));
        Ok(Purged {
            states: self
                .delete(PortName::StateStore, move |file| execute(file, PURGE_STATES, params![states, batch]))
                .await?,
            installations: self
                .delete(PortName::BindingRepo, move |file| purge_installations(file, installations, batch))
                .await?,
            installers: self
                .delete(PortName::BindingRepo, move |file| {
                    execute(file, PURGE_INSTALLERS, params![installers, batch])
                })
                .await?,
            buckets: self
                .delete(PortName::RateLimiter, move |file| {
                    execute(file, PURGE_BUCKETS, params![buckets, batch, at])
                })
                .await?,
            bodies: self.delete(PortName::Outbox, move |file| purge_bodies(file, bodies, batch)).await?,
            messages: self
                .delete(PortName::Outbox, move |file| {
                    let delivered = execute(file, PURGE_DELIVERED, params![delivered, batch])?;
                    Ok(delivered + purge_dead(file, dead, batch)?)
                })
                .await?,
        })
    }

    async fn delete<F>(&self, port: PortName, work: F) -> Result<usize, PortError>
    where
        F: Fn(&Connection) -> Result<usize, SqliteError> + Send + 'static,
    {
        self.database.write(work).await.map_err(|error| error.of_port(port))
    }
}

fn purge_installations(connection: &Connection, before: i64, batch: u32) -> Result<usize, SqliteError> {
    let old = rows(connection, OLD_INSTALLATIONS, params![before, batch], |row| {
        Ok((get::<i64>(row, "row")?, get::<bool>(row, "is_final")?))
    })?;
    for (row, is_final) in &old {
        if *is_final {
            // A final end must stay final.
            save_without_account(connection, *row)?;
        } else {
            execute(connection, "DELETE FROM installations WHERE rowid = ?1", [row])?;
        }
    }
    Ok(old.len())
}

fn purge_bodies(connection: &Connection, before: i64, batch: u32) -> Result<usize, SqliteError> {
    let old = rows(connection, OLD_BODIES, params![before, batch], |row| {
        Ok((get::<i64>(row, "row")?, get::<Option<i64>>(row, "body_row")?, get::<i64>(row, "size")?))
    })?;
    let (mut purged, mut bytes) = (0, 0);
    for (entry, body, size) in &old {
        execute(connection, DELETE_BODY, [body])?;
        execute(connection, FORGET_BODY, [entry])?;
        purged += 1;
        bytes += size;
        if bytes >= MOST_BYTES {
            break;
        }
    }
    Ok(purged)
}

fn purge_dead(connection: &Connection, before: i64, batch: u32) -> Result<usize, SqliteError> {
    let old = rows(connection, OLD_DEAD, params![before, batch], |row| {
        let (app, organization) = (AppNumber(get(row, "app")?), get::<String>(row, "organization")?);
        Ok((get::<i64>(row, "row")?, app, organization, get::<i64>(row, "size")?))
    })?;
    let (mut purged, mut bytes) = (0, 0);
    for (row, app, organization, size) in &old {
        add_bytes(connection, *app, organization, -size)?;
        execute(connection, DELETE_ENTRY, [row])?;
        purged += 1;
        bytes += size;
        if bytes >= MOST_BYTES {
            break;
        }
    }
    Ok(purged)
}

#[async_trait]
impl Housekeeping for SqliteHousekeeping {
    async fn purge(&self, now: OffsetDateTime, batch: u32) -> Result<u64, PortError> {
        Ok(self.purge(now, batch).await?.all() as u64)
    }
}
