use std::time::{Duration, Instant};

use dockline::{PortError, PortName};

use super::Database;
use super::pool::PooledConnection;
use super::pooler;
use crate::decode::{get, parse};
use crate::error::DatabaseError;

const FACTS: &str = "SELECT current_setting('server_version') AS version, \
    current_setting('max_connections')::bigint AS max_connections, \
    current_setting('server_encoding') AS encoding, \
    (SELECT s.ssl FROM pg_catalog.pg_stat_ssl AS s WHERE s.pid = pg_catalog.pg_backend_pid()) AS encrypted";

/// Facts about the server, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerFacts {
    /// The version, such as `15.6 (Debian 15.6-1)`.
    pub version: String,
    /// The connection limit, shared by all clients.
    pub max_connections: u64,
    /// Whether the server's end of the connection is encrypted. Behind a pooler this says nothing about our own end.
    pub encrypted: Option<bool>,
    /// The encoding of the database. Names of organizations and accounts need `UTF8`.
    pub encoding: String,
    /// Whether a pooler is between this process and the server. Then [`StatementMode::Prepared`](crate::StatementMode) can
    /// return wrong rows.
    pub pooled: bool,
    /// The duration of one statement on an open connection, network included.
    pub round_trip: Duration,
}

impl Database {
    /// Returns facts about the server. Executes a few statements and reads no table.
    ///
    /// # Errors
    /// Infrastructure only.
    pub async fn probe(&self) -> Result<ServerFacts, PortError> {
        self.facts().await.map_err(|error| error.of_port(PortName::BindingRepo))
    }

    async fn facts(&self) -> Result<ServerFacts, DatabaseError> {
        let facts = self.statement(FACTS, &[]);
        // Connects and prepares the statement, so that the second execution is one round trip.
        self.row(&facts, &[]).await?;
        let started = Instant::now();
        let row = self.row(&facts, &[]).await?;
        let round_trip = started.elapsed();
        let row = row.ok_or_else(|| DatabaseError::corrupt("version", "no row"))?;
        let pooled = self.with_timeout(self.is_pooled()).await?;
        Ok(ServerFacts {
            version: get(&row, "version")?,
            max_connections: parse(&row, "max_connections", |number: i64| u64::try_from(number))?,
            encrypted: get(&row, "encrypted")?,
            encoding: get(&row, "encoding")?,
            pooled,
            round_trip,
        })
    }

    async fn is_pooled(&self) -> Result<bool, DatabaseError> {
        let connection = PooledConnection::get(self.pool()).await?;
        let pooled = pooler::is_between(connection.client()?).await.map_err(DatabaseError::of)?;
        connection.give_back();
        Ok(pooled)
    }
}
