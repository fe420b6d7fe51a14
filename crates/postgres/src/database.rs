use std::fmt;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Pool};
use tokio_postgres::Row;

use crate::failure::Failure;
use crate::lease::Lease;
use crate::schema::Schema;
use crate::sqlstate::{Handling, handling};
use crate::statement::{Parameters, Statement};

const DEADLINE: Duration = Duration::from_secs(5);

/// How often a statement that was undone in favour of another transaction's is tried in all.
const TRIES: u32 = 3;

/// How statements are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StatementMode {
    /// Prepared once per connection, under a name: the fastest. One more round trip when a connection first runs a
    /// statement. **Not behind a pooler in transaction mode that does not know prepared statements** (PgBouncer
    /// before 1.21): two processes' names can meet on one server connection there.
    #[default]
    Prepared,
    /// Parsed anew each time, without a name: always one round trip, works behind every pooler, costs the server more.
    Unnamed,
}

/// A pool of connections and where in the database Dockline's tables are. Clones share the pool.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    schema: Schema,
    deadline: Duration,
    mode: StatementMode,
}

impl Database {
    /// Takes a pool, the host's own or one of [`open_pool`](crate::open_pool). Schema `dockline`, five seconds for
    /// each call, prepared statements.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self { pool, schema: Schema::default(), deadline: DEADLINE, mode: StatementMode::default() }
    }

    /// Looks for the tables in another schema.
    #[must_use]
    pub fn with_schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// Has every call of a port end within `deadline`, waiting for a connection included.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sends statements in another way.
    #[must_use]
    pub const fn with_statement_mode(mut self, mode: StatementMode) -> Self {
        self.mode = mode;
        self
    }

    /// The schema that the tables are in.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The pool.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) fn statement(
        &self,
        template: &str,
        types: &'static [tokio_postgres::types::Type],
    ) -> Statement {
        Statement::new(template, types, &self.schema)
    }

    /// Runs one statement, which is a transaction by itself, and gives its rows: a future that is dropped, times out
    /// or loses its connection leaves the statement's whole effect or none.
    pub(crate) async fn rows(
        &self,
        statement: &Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, Failure> {
        self.in_time(self.rows_in_time(statement, parameters)).await
    }

    /// Gives `call` up at the deadline: all of it, where it is more than one statement.
    pub(crate) async fn in_time<T>(
        &self,
        call: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Result<T, Failure> {
        tokio::time::timeout(self.deadline, call).await.unwrap_or(Err(Failure::Deadline(self.deadline)))
    }

    /// [`Database::rows`] of a statement that gives at most one.
    pub(crate) async fn row(
        &self,
        statement: &Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Option<Row>, Failure> {
        Ok(self.rows(statement, parameters).await?.into_iter().next())
    }

    async fn rows_in_time(
        &self,
        statement: &Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, Failure> {
        let lease = Lease::of(&self.pool).await?;
        let mut mode = self.mode;
        for _ in 0..TRIES {
            let error = match send(lease.client()?, mode, statement, parameters).await {
                Ok(rows) => {
                    lease.give_back();
                    return Ok(rows);
                }
                Err(error) => error,
            };
            match error.code().map(|code| handling(code.code())) {
                Some(Handling::Repeat) => {}
                // This connection is not given back: what its statements are called is no longer certain.
                Some(Handling::RepeatUnnamed) if mode == StatementMode::Prepared => {
                    mode = StatementMode::Unnamed;
                }
                Some(Handling::Give(dockline::PortErrorKind::Unavailable)) | None => {
                    return Err(Failure::of(error));
                }
                Some(Handling::RepeatUnnamed | Handling::Migrate | Handling::Give(_)) => {
                    if mode == self.mode {
                        lease.give_back();
                    }
                    return Err(Failure::of(error));
                }
            }
        }
        lease.give_back();
        Err(Failure::Contended(TRIES))
    }
}

async fn send(
    client: &ClientWrapper,
    mode: StatementMode,
    statement: &Statement,
    parameters: &Parameters<'_>,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    match mode {
        StatementMode::Prepared => {
            let prepared = client.prepare_typed_cached(&statement.text, statement.types).await?;
            client.query(&prepared, parameters).await
        }
        StatementMode::Unnamed => {
            let typed: Vec<_> = parameters.iter().copied().zip(statement.types.iter().cloned()).collect();
            client.query_typed(&statement.text, &typed).await
        }
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
