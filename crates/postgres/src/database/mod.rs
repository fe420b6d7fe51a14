//! The pool with the schema of Dockline's tables, and how statements are sent.

mod app_database;
mod pool;
mod pooler;
mod probe;
mod statement;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Pool};
use dockline::PortErrorKind;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use crate::error::{DatabaseError, Reaction, reaction};
use crate::schema::Schema;

pub use self::app_database::{AppDatabase, AppNumber};
pub(crate) use self::pool::PooledConnection;
pub use self::pool::{DEFAULT_CONNECTIONS, open_pool, open_reloading_pool};
pub use self::probe::ServerFacts;
pub use self::statement::StatementMode;
pub(crate) use self::statement::{Parameters, Statement};

const DEADLINE: Duration = Duration::from_secs(5);

/// Attempts per statement if it conflicts with concurrent transactions.
const ATTEMPTS: u32 = 3;

/// A pool of connections and the schema of Dockline's tables. Clones share the pool.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    schema: Schema,
    deadline: Duration,
    mode: StatementMode,
    /// Whether a connection of this pool was found to lead to a pooler. Then no statement is prepared any more.
    pooled: Arc<AtomicBool>,
}

impl Database {
    /// Uses `pool`: the host's own, or one made by [`open_pool`](crate::open_pool).
    ///
    /// Defaults: schema `dockline`, a deadline of five seconds per call, [`StatementMode::Auto`].
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self {
            pool,
            schema: Schema::default(),
            deadline: DEADLINE,
            mode: StatementMode::default(),
            pooled: Arc::default(),
        }
    }

    /// Sets the schema that contains the tables.
    #[must_use]
    pub fn with_schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// Sets the deadline of every call, including the wait for a connection.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how statements are sent.
    #[must_use]
    pub const fn with_statement_mode(mut self, mode: StatementMode) -> Self {
        self.mode = mode;
        self
    }

    /// Returns the same schema, reached through another pool.
    pub(crate) fn with_pool(&self, pool: Pool) -> Self {
        Self { pool, pooled: Arc::default(), ..self.clone() }
    }

    /// The schema that contains the tables.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The deadline of every call.
    pub(crate) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The pool.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) fn statement(&self, template: &str, types: &'static [Type]) -> Statement {
        Statement::new(template, types, &self.schema)
    }

    /// Executes one statement, which is its own transaction, and returns its rows. If the future is dropped, times out
    /// or loses its connection, the statement took full effect or none.
    pub(crate) async fn rows(
        &self,
        statement: &Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, DatabaseError> {
        self.rows_if(statement, parameters, |_| true).await
    }

    /// [`Database::rows`] for rows that name what they answer. Closes the connection unless `is_ours`: then it answers other
    /// statements than those that were sent on it.
    pub(crate) async fn rows_if(
        &self,
        statement: &Statement,
        parameters: &Parameters<'_>,
        is_ours: impl Fn(&[Row]) -> bool + Send + Sync,
    ) -> Result<Vec<Row>, DatabaseError> {
        self.with_timeout(self.execute(statement, parameters, is_ours)).await
    }

    /// [`Database::rows`] for a statement that returns at most one row.
    pub(crate) async fn row(
        &self,
        statement: &Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Option<Row>, DatabaseError> {
        Ok(self.rows(statement, parameters).await?.into_iter().next())
    }

    /// Applies one deadline to `call`, which may consist of several statements.
    pub(crate) async fn with_timeout<T>(
        &self,
        call: impl Future<Output = Result<T, DatabaseError>> + Send,
    ) -> Result<T, DatabaseError> {
        tokio::time::timeout(self.deadline, call).await.unwrap_or(Err(DatabaseError::Deadline(self.deadline)))
    }

    async fn execute(
        &self,
        statement: &Statement,
        parameters: &Parameters<'_>,
        is_ours: impl Fn(&[Row]) -> bool + Send + Sync,
    ) -> Result<Vec<Row>, DatabaseError> {
        let mut connection = PooledConnection::get(&self.pool).await?;
        let mut prepared = self.prepares(connection.client()?).await?;
        let mut outcome = Err(DatabaseError::Conflict(ATTEMPTS));
        let mut is_reliable = true;
        for _ in 0..ATTEMPTS {
            let error = match statement.execute(connection.client()?, prepared, parameters).await {
                Ok(rows) => {
                    is_reliable &= is_ours(&rows);
                    outcome = Ok(rows);
                    break;
                }
                Err(error) => error,
            };
            match error.code().map(|code| reaction(code.code())) {
                Some(Reaction::Repeat) => {}
                Some(Reaction::RepeatUnnamed) if prepared => {
                    // The connection's prepared statements are unreliable: it is closed afterwards.
                    (prepared, is_reliable) = (false, false);
                }
                Some(Reaction::Reconnect) => {
                    outcome = Err(DatabaseError::of(error));
                    connection = PooledConnection::get(&self.pool).await?;
                    prepared = self.prepares(connection.client()?).await?;
                }
                Some(Reaction::Fail(PortErrorKind::Unavailable)) | None => {
                    if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
                        // The server has become a standby, and the idle connections lead to it, too.
                        self.pool.retain(|_, _| false);
                    }
                    return Err(DatabaseError::of(error));
                }
                Some(Reaction::RepeatUnnamed | Reaction::Migrate | Reaction::Fail(_)) => {
                    outcome = Err(DatabaseError::of(error));
                    break;
                }
            }
        }
        if is_reliable {
            connection.give_back();
        }
        outcome
    }

    /// Returns whether statements are prepared on this connection.
    async fn prepares(&self, client: &ClientWrapper) -> Result<bool, DatabaseError> {
        match self.mode {
            StatementMode::Prepared => return Ok(true),
            StatementMode::Unnamed => return Ok(false),
            StatementMode::Auto => {}
        }
        if self.pooled.load(Ordering::Relaxed) {
            return Ok(false);
        }
        // Statements are prepared only after this check.
        if client.statement_cache.size() > 0 {
            return Ok(true);
        }
        let pooled = pooler::is_between(client).await.map_err(DatabaseError::of)?;
        if pooled && !self.pooled.swap(true, Ordering::Relaxed) {
            tracing::info!("the database is behind a pooler; statements are not prepared");
        }
        Ok(!pooled)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("schema", &self.schema)
            .field("deadline", &self.deadline)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
