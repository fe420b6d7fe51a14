//! Receives all rows of another storage, in the common form of [`dockline::transfer`].

mod cell;
mod columns;

use std::pin::{Pin, pin};

use dockline::transfer::{Cell, RowDigester, TABLES, TableDigest, TableRows, TransferTable};
use dockline::{PortError, PortName};
use futures_util::StreamExt;
use tokio_postgres::RowStream;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::ToSql;

use self::cell::{Value, read};
use self::columns::{columns, key, types};
use crate::database::{Database, PooledConnection};
use crate::error::DatabaseError;
use crate::schema::Schema;

/// No limit of a session or a role ends a long copy. Ends with the transaction.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; \
    SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '10s'";

/// Gives the numbers that the statements of observations give: unique per App, for bindings that are missing or absent.
const NUMBER_MISSING: &str = "WITH numbered AS ( \
     SELECT app, installation_id, row_number() OVER (PARTITION BY app ORDER BY installation_id) AS number \
     FROM {schema}.installations \
     WHERE organization IS NOT NULL AND (missing_since IS NOT NULL OR uninstalled_by = 'absence') \
    ) UPDATE {schema}.installations AS i SET denied_number = numbered.number FROM numbered \
    WHERE i.app = numbered.app AND i.installation_id = numbered.installation_id";

/// Why rows were not imported. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The schema has rows. Handling: use an empty schema.
    #[error("the schema is not empty: the table {0} has rows")]
    NotEmpty(&'static str),
    /// The rows that were written differ from those that were read. Handling: report it as a bug.
    #[error("the table {0} differs from its source after it was copied")]
    Differs(&'static str),
    /// The source or the database failed. Handling: see the source.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// A transaction that imports all rows into an empty schema. If it is dropped before [`PgImport::commit`], nothing was imported.
///
/// No other program can write to the schema meanwhile.
pub struct PgImport {
    connection: PooledConnection,
    schema: Schema,
}

impl std::fmt::Debug for PgImport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgImport").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl PgImport {
    /// Begins the transaction, on a schema that is migrated.
    ///
    /// # Errors
    /// [`ImportError::NotEmpty`], or an infrastructure failure.
    pub async fn begin(database: &Database) -> Result<Self, ImportError> {
        let import = Self::open(database).await.map_err(port_error)?;
        let names: Vec<_> = TABLES.iter().map(|table| format!("{}.{}", import.schema, table.name)).collect();
        import.execute(BEGIN).await.map_err(port_error)?;
        let lock = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", names.join(", "));
        import.execute(&lock).await.map_err(port_error)?;
        for table in &TABLES {
            let query = format!("SELECT true FROM {}.{} LIMIT 1", import.schema, table.name);
            let mut rows = import.query(&query).await.map_err(port_error)?;
            if rows.next().await.transpose().map_err(failed)?.is_some() {
                return Err(ImportError::NotEmpty(table.name));
            }
        }
        Ok(import)
    }

    /// Writes the rows of a table, and compares what was written with what was read. Calls `progress` with the number of rows so
    /// far.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub async fn copy(
        &self,
        table: &'static TransferTable,
        rows: &mut dyn TableRows,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<TableDigest, ImportError> {
        let mut digester = RowDigester::new(table);
        let copy =
            format!("COPY {}.{} ({}) FROM STDIN BINARY", self.schema, table.name, columns(table).join(", "));
        let client = self.connection.client().map_err(port_error)?;
        let types = types(table);
        let sink = client.copy_in(&copy).await.map_err(failed)?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        let mut number = 0;
        while let Some(row) = rows.next().await? {
            digester.add(&row);
            let values: Vec<Value> = row.into_iter().map(Value).collect();
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
            writer.as_mut().write(&values).await.map_err(failed)?;
            number += 1;
            progress(number);
        }
        writer.finish().await.map_err(failed)?;
        let read = digester.finish();
        if table.name == "installations" {
            let number_missing = NUMBER_MISSING.replace("{schema}", &self.schema.to_string());
            self.execute(&number_missing).await.map_err(port_error)?;
        }
        if self.digest_of(table, |_| {}).await? == read {
            Ok(read)
        } else {
            Err(ImportError::Differs(table.name))
        }
    }

    /// Ends the transaction. Afterwards the schema has all rows.
    ///
    /// # Errors
    /// Infrastructure only. If the connection was lost, everything was imported or nothing.
    pub async fn commit(self) -> Result<(), PortError> {
        // The statements of requests are planned by the statistics, which are those of an empty schema until then.
        for table in &TABLES {
            self.execute(&format!("ANALYZE {}.{}", self.schema, table.name)).await.map_err(port_error)?;
        }
        self.execute("COMMIT").await.map_err(port_error)?;
        self.connection.give_back();
        Ok(())
    }

    /// Computes the digest of a table of a schema.
    ///
    /// # Errors
    /// Infrastructure only, and `Corrupt` if a column has another type.
    pub async fn digest(
        database: &Database,
        table: &'static TransferTable,
        progress: impl FnMut(u64) + Send,
    ) -> Result<TableDigest, PortError> {
        let reading = Self::open(database).await.map_err(port_error)?;
        reading.execute(BEGIN).await.map_err(port_error)?;
        let digest = reading.digest_of(table, progress).await?;
        reading.execute("ROLLBACK").await.map_err(port_error)?;
        reading.connection.give_back();
        Ok(digest)
    }

    async fn digest_of(
        &self,
        table: &'static TransferTable,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<TableDigest, PortError> {
        let (columns, schema, name) = (columns(table).join(", "), &self.schema, table.name);
        let query = format!("SELECT {columns} FROM {schema}.{name} ORDER BY {}", key(table));
        let mut rows = self.query(&query).await.map_err(port_error)?;
        let mut digester = RowDigester::new(table);
        let mut number = 0;
        while let Some(row) = rows.next().await {
            let row = row.map_err(failed)?;
            let cells = table.columns.iter().enumerate();
            let cells = cells.map(|(at, (_, kind))| read(&row, at, *kind));
            let cells: Vec<Cell> = cells.collect::<Result<_, _>>().map_err(failed)?;
            digester.add(&cells);
            number += 1;
            progress(number);
        }
        Ok(digester.finish())
    }

    async fn open(database: &Database) -> Result<Self, DatabaseError> {
        let connection = database.with_timeout(PooledConnection::get(database.pool())).await?;
        Ok(Self { connection, schema: database.schema().clone() })
    }

    async fn execute(&self, statements: &str) -> Result<(), DatabaseError> {
        self.connection.client()?.batch_execute(statements).await.map_err(DatabaseError::of)
    }

    async fn query(&self, query: &str) -> Result<Pin<Box<RowStream>>, DatabaseError> {
        let parameters: [(&(dyn ToSql + Sync), tokio_postgres::types::Type); 0] = [];
        let rows = self.connection.client()?.query_typed_raw(query, parameters).await;
        rows.map(Box::pin).map_err(DatabaseError::of)
    }
}

fn port_error(error: DatabaseError) -> PortError {
    error.of_port(PortName::Directory)
}

fn failed(error: tokio_postgres::Error) -> PortError {
    port_error(DatabaseError::of(error))
}
