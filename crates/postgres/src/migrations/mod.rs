#[cfg(test)]
mod tests;

use std::time::Duration;

use deadpool_postgres::{Pool, Transaction};
use dockline::ports::{Clock, SystemClock};
use sha2::{Digest, Sha256};
use tokio_postgres::types::Type;

use crate::failure::Failure;
use crate::lease::Lease;
use crate::schema::Schema;
use crate::statement::in_schema;

/// Every migration there ever was, in order; the first is version 1. A released one is never edited: its checksum is
/// recorded where it was applied.
const MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_first", sql: include_str!("0001_first.sql") },
    Migration { name: "0002_life", sql: include_str!("0002_life.sql") },
    Migration { name: "0003_keys", sql: include_str!("0003_keys.sql") },
    Migration { name: "0004_actors", sql: include_str!("0004_actors.sql") },
];

const DEADLINE: Duration = Duration::from_secs(300);

/// Between two tries for the lock.
const PAUSE: Duration = Duration::from_millis(50);

const LOCK: &str = "SELECT pg_try_advisory_xact_lock($1) AS locked";

const TABLE_EXISTS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c \
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
    WHERE n.nspname = $1 AND c.relname = 'migrations') AS there";

const SCHEMA_EXISTS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1) AS there";

const CREATE_TABLE: &str = "CREATE TABLE {schema}.migrations (
        version integer CONSTRAINT migrations_pkey PRIMARY KEY
            CONSTRAINT migrations_version CHECK (version >= 1),
        name text NOT NULL,
        checksum bytea NOT NULL,
        applied_at timestamptz NOT NULL
    );
    COMMENT ON TABLE {schema}.migrations IS 'The migrations that were applied here.';
    COMMENT ON COLUMN {schema}.migrations.version IS 'Counts from 1.';
    COMMENT ON COLUMN {schema}.migrations.name IS 'The migration''s name.';
    COMMENT ON COLUMN {schema}.migrations.checksum IS 'SHA-256 of its text.';
    COMMENT ON COLUMN {schema}.migrations.applied_at IS 'When it was applied.';";

const APPLIED: &str = "SELECT version, checksum FROM {schema}.migrations ORDER BY version";

const RECORD: &str =
    "INSERT INTO {schema}.migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";

#[derive(Debug)]
struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// What [`Migrator::run`] did: nothing where the two are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The schema's version before; 0 where it was not there.
    pub from: u32,
    /// Its version now.
    pub to: u32,
}

/// Why the schema is not, or could not be made, what this program needs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// A later release was here. Handling: run that one; there is no way back.
    #[error("the schema has version {found}, and this program knows {known} at most")]
    Newer {
        /// The schema's version.
        found: u32,
        /// The latest that this program knows.
        known: u32,
    },
    /// The migration that was applied is not the one that this program has. Handling: find out who changed it.
    #[error("migration {version} was applied with another text")]
    Changed {
        /// Which.
        version: u32,
    },
    /// Only from [`Migrator::check`]. Handling: [`Migrator::run`].
    #[error("the schema has version {found} and needs {known}: run the migrations")]
    Pending {
        /// The schema's version; 0 where it is not there.
        found: u32,
        /// What this program needs.
        known: u32,
    },
    /// Others were migrating for as long as we would wait, or a statement took that long. Handling: try again.
    #[error("the migrations did not end within {0:?}")]
    Deadline(Duration),
    /// The database refused, or was not reachable. Nothing was changed. Handling: see the source.
    #[error("the migrations could not be run")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Failure> for MigrationError {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl From<tokio_postgres::Error> for MigrationError {
    fn from(error: tokio_postgres::Error) -> Self {
        Failure::of(error).into()
    }
}

/// Brings a schema to the version that this program needs: forward only, all or nothing.
///
/// Any number of instances may start at once: one works under an advisory lock, which is taken by trying and ends with
/// the transaction (so that it holds behind a pooler, too), and the others find its work done.
#[derive(Clone)]
pub struct Migrator {
    pool: Pool,
    schema: Schema,
    deadline: Duration,
}

impl Migrator {
    /// Migrates `schema`; makes it where it is not there.
    #[must_use]
    pub const fn new(pool: Pool, schema: Schema) -> Self {
        Self { pool, schema, deadline: DEADLINE }
    }

    /// Waits no longer than this, in all, instead of five minutes.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Applies what is missing.
    ///
    /// # Errors
    /// [`MigrationError`]; nothing was changed then.
    pub async fn run(&self) -> Result<Applied, MigrationError> {
        self.run_known(MIGRATIONS).await
    }

    /// Whether the schema is what this program needs. Changes nothing.
    ///
    /// # Errors
    /// [`MigrationError::Pending`] where [`Migrator::run`] would do something; any other as there.
    pub async fn check(&self) -> Result<(), MigrationError> {
        self.in_time(async {
            let mut lease = Lease::of(&self.pool).await?;
            let transaction = lease.client_mut()?.transaction().await?;
            let found = self.found(&transaction, MIGRATIONS).await;
            transaction.rollback().await?;
            lease.give_back();
            let (found, known) = (found?, count(MIGRATIONS.len()));
            if found < known { Err(MigrationError::Pending { found, known }) } else { Ok(()) }
        })
        .await
    }

    async fn run_known(&self, known: &[Migration]) -> Result<Applied, MigrationError> {
        self.in_time(async {
            loop {
                if let Some(applied) = self.try_once(known).await? {
                    return Ok(applied);
                }
                // Never a blocking lock: it deadlocks with whoever builds an index concurrently.
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, MigrationError>> + Send,
    ) -> Result<T, MigrationError> {
        tokio::time::timeout(self.deadline, work)
            .await
            .unwrap_or(Err(MigrationError::Deadline(self.deadline)))
    }

    /// `None` where another instance has the lock.
    async fn try_once(&self, known: &[Migration]) -> Result<Option<Applied>, MigrationError> {
        let mut lease = Lease::of(&self.pool).await?;
        let transaction = lease.client_mut()?.transaction().await?;
        let key = lock_key(&self.schema);
        let locked: bool =
            transaction.query_typed(LOCK, &[(&key, Type::INT8)]).await?.first().is_some_and(|row| row.get(0));
        if !locked {
            transaction.rollback().await?;
            lease.give_back();
            return Ok(None);
        }
        let applied = self.apply(&transaction, known).await;
        // The lock ends here, either way, and not when somebody notices that the connection is gone.
        if applied.is_ok() {
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
        lease.give_back();
        applied.map(Some)
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        known: &[Migration],
    ) -> Result<Applied, MigrationError> {
        let from = self.found(transaction, known).await?;
        let to = count(known.len());
        if from == to {
            return Ok(Applied { from, to });
        }
        if from == 0 {
            self.create(transaction).await?;
        }
        // Ends with the transaction; nothing of the session changes.
        transaction.batch_execute(&in_schema("SET LOCAL search_path TO {schema}", &self.schema)).await?;
        let record = in_schema(RECORD, &self.schema);
        for (version, migration) in (1_i32..).zip(known).skip(usize::try_from(from).unwrap_or(usize::MAX)) {
            transaction.batch_execute(migration.sql).await?;
            let applied_at = crate::column::stored(SystemClock.now());
            transaction
                .query_typed(
                    &record,
                    &[
                        (&version, Type::INT4),
                        (&migration.name, Type::TEXT),
                        (&migration.checksum(), Type::BYTEA),
                        (&applied_at, Type::TIMESTAMPTZ),
                    ],
                )
                .await?;
        }
        Ok(Applied { from, to })
    }

    /// The schema's version, if it is one that this program could have made.
    async fn found(&self, transaction: &Transaction<'_>, known: &[Migration]) -> Result<u32, MigrationError> {
        if !self.there(transaction, TABLE_EXISTS).await? {
            return Ok(0);
        }
        let rows = transaction.query_typed(&in_schema(APPLIED, &self.schema), &[]).await?;
        let found = count(rows.len());
        if rows.len() > known.len() {
            return Err(MigrationError::Newer { found, known: count(known.len()) });
        }
        for ((version, migration), row) in (1_u32..).zip(known).zip(&rows) {
            let recorded: (i32, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            if u32::try_from(recorded.0) != Ok(version) || recorded.1 != migration.checksum() {
                return Err(MigrationError::Changed { version });
            }
        }
        Ok(found)
    }

    async fn create(&self, transaction: &Transaction<'_>) -> Result<(), MigrationError> {
        // `IF NOT EXISTS` asks for the right to create schemas even where there is nothing to create.
        if !self.there(transaction, SCHEMA_EXISTS).await? {
            transaction.batch_execute(&in_schema("CREATE SCHEMA {schema}", &self.schema)).await?;
        }
        Ok(transaction.batch_execute(&in_schema(CREATE_TABLE, &self.schema)).await?)
    }

    async fn there(&self, transaction: &Transaction<'_>, question: &str) -> Result<bool, MigrationError> {
        let rows = transaction.query_typed(question, &[(&self.schema.as_str(), Type::TEXT)]).await?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }
}

impl std::fmt::Debug for Migrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Migrator").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Migration {
    fn checksum(&self) -> Vec<u8> {
        Sha256::digest(self.sql.as_bytes()).to_vec()
    }
}

/// One lock for each schema. Advisory locks are of the whole database, so the name has a prefix of its own.
fn lock_key(schema: &Schema) -> i64 {
    let digest = Sha256::digest(format!("dockline migrations of {schema}"));
    digest.iter().take(8).fold(0, |key, byte| (key << 8) | i64::from(*byte))
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
