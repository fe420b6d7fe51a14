mod error;
mod list;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{Pool, Transaction};
use dockline::ports::{Clock, SystemClock};
use sha2::{Digest, Sha256};
use tokio_postgres::types::Type;

pub use self::error::MigrationError;
use self::list::{MIGRATIONS, Migration};
use crate::database::PooledConnection;
use crate::decode::column_time;
use crate::schema::Schema;

const DEADLINE: Duration = Duration::from_secs(300);

/// Pause between two attempts to take the lock.
const PAUSE: Duration = Duration::from_millis(50);

/// Pause after a table was locked, in which the calls that queued up behind the migration are answered.
const PAUSE_FOR_TABLE: Duration = Duration::from_secs(1);

/// While a migration waits for a table that a backup reads, all calls that need the table wait behind it. So it gives up
/// after a second and tries again. Ends with the transaction.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '1s'";

/// The encoding that a new schema needs: names of organizations have any characters.
const ENCODING: &str = "UTF8";

const SERVER_ENCODING: &str = "SELECT current_setting('server_encoding') AS encoding";

const LOCK: &str = "SELECT pg_try_advisory_xact_lock($1) AS locked";

const TABLE_EXISTS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c \
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
    WHERE n.nspname = $1 AND c.relname = 'migrations') AS present";

const SCHEMA_EXISTS: &str =
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1) AS present";

const CREATE_TABLE: &str = "CREATE TABLE {schema}.migrations (
        version integer CONSTRAINT migrations_pkey PRIMARY KEY
            CONSTRAINT migrations_version CHECK (version >= 1),
        name text NOT NULL,
        checksum bytea NOT NULL,
        applied_at timestamptz NOT NULL
    );
    COMMENT ON TABLE {schema}.migrations IS 'Applied migrations.';
    COMMENT ON COLUMN {schema}.migrations.version IS 'Number of the migration, from 1.';
    COMMENT ON COLUMN {schema}.migrations.name IS 'Name of the migration.';
    COMMENT ON COLUMN {schema}.migrations.checksum IS 'SHA-256 of the migration''s text.';
    COMMENT ON COLUMN {schema}.migrations.applied_at IS 'Time of the migration.';";

/// Apart from the table, since schemas of the time before the first release lack them.
const ADD_COLUMNS: &str = "ALTER TABLE {schema}.migrations
        ADD COLUMN IF NOT EXISTS oldest_program integer,
        ADD COLUMN IF NOT EXISTS applied_by text;
    COMMENT ON COLUMN {schema}.migrations.oldest_program
        IS 'The least version that a program must know to use the schema after this migration.';
    COMMENT ON COLUMN {schema}.migrations.applied_by IS 'Release of the program that applied the migration.';";

const APPLIED: &str = "SELECT version, checksum FROM {schema}.migrations ORDER BY version";

const RECORD_APPLIED: &str = "INSERT INTO {schema}.migrations \
    (version, name, checksum, applied_at, oldest_program, applied_by) VALUES ($1, $2, $3, $4, $5, $6)";

/// What the migrations that the program does not know require of it, and the release that applied the last of them.
const LATER: &str = "SELECT bool_and(coalesce(oldest_program <= $1, false)), \
    (array_agg(applied_by ORDER BY version DESC))[1] FROM {schema}.migrations WHERE version > $1";

/// The outcome of [`Migrator::run`]. Nothing was applied if both versions are equal; they may be later than this program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The schema's version before, 0 for a new schema.
    pub from: u32,
    /// The schema's version now.
    pub to: u32,
}

/// Migrates a schema to the version that this program needs: forward only, in one transaction.
///
/// A schema that a later release migrated is left as it is, and can be used if its migrations say so: a host can go back by one
/// release.
///
/// Any number of instances may migrate concurrently. One holds an advisory lock, which ends with the transaction and so
/// works behind a pooler, too; the others wait for it and find nothing left to do. A table that another session locks, such
/// as a backup, is tried once a second, so that calls go on meanwhile.
#[derive(Clone)]
pub struct Migrator {
    pool: Pool,
    schema: Schema,
    deadline: Duration,
}

impl Migrator {
    /// Migrates `schema`, and creates it if it is missing.
    #[must_use]
    pub const fn new(pool: Pool, schema: Schema) -> Self {
        Self { pool, schema, deadline: DEADLINE }
    }

    /// Sets the deadline of [`Migrator::run`] and [`Migrator::check`]: five minutes by default.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Applies the missing migrations.
    ///
    /// # Errors
    /// [`MigrationError`]. Nothing was changed.
    pub async fn run(&self) -> Result<Applied, MigrationError> {
        self.migrate_to(MIGRATIONS).await
    }

    /// Checks that this program can use the schema. Changes nothing.
    ///
    /// # Errors
    /// [`MigrationError::Pending`] if [`Migrator::run`] has migrations to apply; other variants as there.
    pub async fn check(&self) -> Result<(), MigrationError> {
        self.with_timeout(async {
            let mut connection = PooledConnection::get(&self.pool).await?;
            let transaction = connection.client_mut()?.transaction().await?;
            let found = self.applied_version(&transaction, MIGRATIONS).await;
            let encoding = match found {
                Ok(0) => self.check_encoding(&transaction).await,
                Ok(_) | Err(_) => Ok(()),
            };
            transaction.rollback().await?;
            connection.give_back();
            let (found, known) = (found?, count(MIGRATIONS.len()));
            encoding?;
            if found < known { Err(MigrationError::Pending { found, known }) } else { Ok(()) }
        })
        .await
    }

    async fn migrate_to(&self, known: &[Migration]) -> Result<Applied, MigrationError> {
        let table_locked = AtomicBool::new(false);
        let outcome = self.with_timeout(async {
            loop {
                let pause = match self.try_once(known).await {
                    Ok(Some(applied)) => return Ok(applied),
                    // Polls, since waiting for the lock in a transaction deadlocks with CREATE INDEX CONCURRENTLY.
                    Ok(None) => PAUSE,
                    Err(error) if error.is_lock_timeout() => {
                        if !table_locked.swap(true, Ordering::Relaxed) {
                            tracing::warn!(
                                "another session locks a table; the migration tries again each second"
                            );
                        }
                        PAUSE_FOR_TABLE
                    }
                    Err(error) => return Err(error),
                };
                tokio::time::sleep(pause).await;
            }
        });
        match outcome.await {
            Err(MigrationError::Deadline(after)) if table_locked.load(Ordering::Relaxed) => {
                Err(MigrationError::Locked(after))
            }
            outcome => outcome,
        }
    }

    async fn with_timeout<T>(
        &self,
        work: impl Future<Output = Result<T, MigrationError>> + Send,
    ) -> Result<T, MigrationError> {
        tokio::time::timeout(self.deadline, work)
            .await
            .unwrap_or(Err(MigrationError::Deadline(self.deadline)))
    }

    /// Returns `None` if another instance holds the lock.
    async fn try_once(&self, known: &[Migration]) -> Result<Option<Applied>, MigrationError> {
        let mut connection = PooledConnection::get(&self.pool).await?;
        let transaction = connection.client_mut()?.transaction().await?;
        let key = lock_key(&self.schema);
        let locked: bool =
            transaction.query_typed(LOCK, &[(&key, Type::INT8)]).await?.first().is_some_and(|row| row.get(0));
        if !locked {
            transaction.rollback().await?;
            connection.give_back();
            return Ok(None);
        }
        let applied = self.apply(&transaction, known).await;
        // Ends the lock on failure, too, instead of when the server notices that the connection is closed.
        if applied.is_ok() {
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
        connection.give_back();
        applied.map(Some)
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        known: &[Migration],
    ) -> Result<Applied, MigrationError> {
        let from = self.applied_version(transaction, known).await?;
        let to = count(known.len());
        if from >= to {
            if from > to {
                tracing::warn!(
                    found = from,
                    known = to,
                    "the schema is of a later release; this program can use it"
                );
            }
            return Ok(Applied { from, to: from });
        }
        transaction.batch_execute(LOCK_TIMEOUT).await?;
        if from == 0 {
            self.check_encoding(transaction).await?;
            self.create(transaction).await?;
        }
        transaction.batch_execute(&self.schema.qualify(ADD_COLUMNS)).await?;
        // Ends with the transaction, so that the session stays unchanged.
        transaction.batch_execute(&self.schema.qualify("SET LOCAL search_path TO {schema}")).await?;
        let record = self.schema.qualify(RECORD_APPLIED);
        for (version, migration) in (1_i32..).zip(known).skip(usize::try_from(from).unwrap_or(usize::MAX)) {
            transaction.batch_execute(migration.sql).await?;
            let applied_at = column_time(SystemClock.now());
            transaction
                .query_typed(
                    &record,
                    &[
                        (&version, Type::INT4),
                        (&migration.name, Type::TEXT),
                        (&migration.checksum(), Type::BYTEA),
                        (&applied_at, Type::TIMESTAMPTZ),
                        (&i32::try_from(migration.oldest_program).unwrap_or(i32::MAX), Type::INT4),
                        (&env!("CARGO_PKG_VERSION"), Type::TEXT),
                    ],
                )
                .await?;
        }
        Ok(Applied { from, to })
    }

    /// Returns the schema's version, after checking that its migrations are this program's, or allow this program.
    async fn applied_version(
        &self,
        transaction: &Transaction<'_>,
        known: &[Migration],
    ) -> Result<u32, MigrationError> {
        if !self.exists(transaction, TABLE_EXISTS).await? {
            return Ok(0);
        }
        let rows = transaction.query_typed(&self.schema.qualify(APPLIED), &[]).await?;
        let found = count(rows.len());
        for ((version, migration), row) in (1_u32..).zip(known).zip(&rows) {
            let recorded: (i32, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            if u32::try_from(recorded.0) != Ok(version) || recorded.1 != migration.checksum() {
                return Err(MigrationError::Changed { version });
            }
        }
        if rows.len() > known.len() {
            self.check_later(transaction, found, count(known.len())).await?;
        }
        Ok(found)
    }

    /// Checks that the migrations that this program does not know allow it.
    async fn check_later(
        &self,
        transaction: &Transaction<'_>,
        found: u32,
        known: u32,
    ) -> Result<(), MigrationError> {
        let version = i32::try_from(known).unwrap_or(i32::MAX);
        let rows = transaction.query_typed(&self.schema.qualify(LATER), &[(&version, Type::INT4)]).await?;
        let Some(later) = rows.first() else { return Ok(()) };
        if later.try_get::<_, Option<bool>>(0)?.unwrap_or_default() {
            return Ok(());
        }
        Err(MigrationError::Newer { found, known, release: later.try_get(1)? })
    }

    async fn check_encoding(&self, transaction: &Transaction<'_>) -> Result<(), MigrationError> {
        let rows = transaction.query_typed(SERVER_ENCODING, &[]).await?;
        match rows.first().map(|row| row.try_get(0)).transpose()? {
            Some(found) if found != ENCODING => Err(MigrationError::Encoding { found }),
            Some(_) | None => Ok(()),
        }
    }

    async fn create(&self, transaction: &Transaction<'_>) -> Result<(), MigrationError> {
        // `IF NOT EXISTS` would require the right to create schemas even if the schema exists.
        if !self.exists(transaction, SCHEMA_EXISTS).await? {
            transaction.batch_execute(&self.schema.qualify("CREATE SCHEMA {schema}")).await?;
        }
        Ok(transaction.batch_execute(&self.schema.qualify(CREATE_TABLE)).await?)
    }

    async fn exists(&self, transaction: &Transaction<'_>, query: &str) -> Result<bool, MigrationError> {
        let rows = transaction.query_typed(query, &[(&self.schema.as_str(), Type::TEXT)]).await?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }
}

impl std::fmt::Debug for Migrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Migrator").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// Returns the advisory lock's key of a schema. The key space is shared by the whole database, hence the prefix.
fn lock_key(schema: &Schema) -> i64 {
    let digest = Sha256::digest(format!("dockline migrations of {schema}"));
    digest.iter().take(8).fold(0, |key, byte| (key << 8) | i64::from(*byte))
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
