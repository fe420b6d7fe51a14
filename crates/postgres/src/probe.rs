use std::time::{Duration, Instant};

use dockline::{PortError, PortName};

use crate::database::Database;
use crate::failure::Failure;

const FACTS: &str = "SELECT current_setting('server_version') AS version, \
    current_setting('max_connections')::bigint AS max_connections, \
    (SELECT s.ssl FROM pg_catalog.pg_stat_ssl AS s WHERE s.pid = pg_catalog.pg_backend_pid()) AS encrypted";

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerFacts {
    /// Such as `15.6 (Debian 15.6-1)`.
    pub version: String,
    /// How many connections it lets in, all clients' together.
    pub max_connections: u64,
    /// Whether its side of our connection is encrypted; a pooler between us hides ours.
    pub encrypted: Option<bool>,
    /// How long one statement took on a connection that was there, the network included.
    pub round_trip: Duration,
}

impl Database {
    /// Asks the server about itself, for operators. Two statements on one connection; reads no table.
    ///
    /// # Errors
    /// As any call.
    pub async fn probe(&self) -> Result<ServerFacts, PortError> {
        let facts = self.statement(FACTS, &[]);
        let asked = async {
            // The first one opens the connection, and has the statement prepared.
            self.row(&facts, &[]).await?;
            let begun = Instant::now();
            let row = self.row(&facts, &[]).await?;
            let round_trip = begun.elapsed();
            let corrupt = |column| move |error: tokio_postgres::Error| Failure::corrupt(column, error);
            let row = row.ok_or_else(|| Failure::corrupt("version", "no row"))?;
            Ok(ServerFacts {
                version: row.try_get("version").map_err(corrupt("version"))?,
                max_connections: row
                    .try_get::<_, i64>("max_connections")
                    .map_err(corrupt("max_connections"))?
                    .try_into()
                    .unwrap_or(u64::MAX),
                encrypted: row.try_get("encrypted").map_err(corrupt("encrypted"))?,
                round_trip,
            })
        };
        asked.await.map_err(|failure: Failure| failure.at(PortName::BindingRepo))
    }
}
