use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use dockline::ports::{InterruptedScan, RedeliveryRequests, RedeliveryStore, ScanPosition};
use dockline::{PortError, PortName};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::database::{AppDatabase, Parameters, Statement};
use crate::decode::{column_time, get};
use crate::error::DatabaseError;

const LEASE: &str = "INSERT INTO {schema}.redelivery_scans AS s (app, holder, held_until) VALUES ({app}, $1, $3) \
    ON CONFLICT ON CONSTRAINT redelivery_scans_pkey DO UPDATE \
    SET holder = excluded.holder, held_until = excluded.held_until \
    WHERE s.held_until IS NULL OR s.held_until <= $2 RETURNING s.read_to, s.cursor, s.newest";

const RELEASE: &str = "UPDATE {schema}.redelivery_scans SET holder = NULL, held_until = NULL, \
    read_to = $2, cursor = $3, newest = $4 WHERE app = {app} AND holder = $1 RETURNING true";

const REQUESTS: &str = "SELECT guid, requests, last_at FROM {schema}.redelivery_requests \
    WHERE app = {app} AND guid = ANY ($1)";

const RECEIVED: &str =
    "SELECT DISTINCT guid FROM {schema}.outbox_entries WHERE app = {app} AND guid = ANY ($1)";

const RECORD: &str = "WITH forgotten AS (\
     DELETE FROM {schema}.redelivery_requests WHERE app = {app} AND last_at < $3 AND guid <> $1) \
    INSERT INTO {schema}.redelivery_requests AS r (app, guid, requests, last_at) VALUES ({app}, $1, 1, $2) \
    ON CONFLICT ON CONSTRAINT redelivery_requests_pkey DO UPDATE SET \
     requests = CASE WHEN r.last_at < $3 THEN 1 ELSE r.requests + 1 END, \
     last_at = GREATEST(r.last_at, excluded.last_at) RETURNING true";

/// Stores the progress of the scans of GitHub's delivery log, for the App of an [`AppDatabase`]. Deliveries that are in the
/// App's outbox count as received.
#[derive(Debug, Clone)]
pub struct PgRedeliveryStore {
    database: AppDatabase,
    lease: Statement,
    release: Statement,
    received: Statement,
    requests: Statement,
    record: Statement,
}

impl PgRedeliveryStore {
    /// Stores the progress in `database`.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        Self {
            lease: database.statement(LEASE, &[Type::BYTEA, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ]),
            release: database
                .statement(RELEASE, &[Type::BYTEA, Type::TIMESTAMPTZ, Type::TEXT, Type::TIMESTAMPTZ]),
            received: database.statement(RECEIVED, &[Type::TEXT_ARRAY]),
            requests: database.statement(REQUESTS, &[Type::TEXT_ARRAY]),
            record: database.statement(RECORD, &[Type::TEXT, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ]),
            database: database.clone(),
        }
    }

    async fn rows(&self, statement: &Statement, parameters: &Parameters<'_>) -> Result<Vec<Row>, PortError> {
        self.database.database().rows(statement, parameters).await.map_err(of_port)
    }
}

fn of_port(error: DatabaseError) -> PortError {
    error.of_port(PortName::RedeliveryStore)
}

#[async_trait]
impl RedeliveryStore for PgRedeliveryStore {
    async fn lease(
        &self,
        holder: u128,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<ScanPosition>, PortError> {
        let holder = holder.to_be_bytes();
        let rows = self.rows(&self.lease, &[&&holder[..], &column_time(now), &column_time(until)]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let position = || -> Result<ScanPosition, DatabaseError> {
            let cursor: Option<String> = get(row, "cursor")?;
            let newest: Option<OffsetDateTime> = get(row, "newest")?;
            let interrupted = cursor.zip(newest).map(|(cursor, newest)| InterruptedScan { cursor, newest });
            Ok(ScanPosition { read_to: get(row, "read_to")?, interrupted })
        };
        position().map(Some).map_err(of_port)
    }

    async fn release(&self, holder: u128, position: &ScanPosition) -> Result<bool, PortError> {
        let holder = holder.to_be_bytes();
        let read_to = position.read_to.map(column_time);
        let cursor = position.interrupted.as_ref().map(|scan| scan.cursor.as_str());
        let newest = position.interrupted.as_ref().map(|scan| column_time(scan.newest));
        let rows = self.rows(&self.release, &[&&holder[..], &read_to, &cursor, &newest]).await?;
        Ok(!rows.is_empty())
    }

    async fn received(&self, guids: &[String]) -> Result<HashSet<String>, PortError> {
        let rows = self.rows(&self.received, &[&guids]).await?;
        rows.iter().map(|row| get(row, "guid")).collect::<Result<_, _>>().map_err(of_port)
    }

    async fn requests(&self, guids: &[String]) -> Result<HashMap<String, RedeliveryRequests>, PortError> {
        let rows = self.rows(&self.requests, &[&guids]).await?;
        let entry = |row: &Row| -> Result<_, DatabaseError> {
            let count: i32 = get(row, "requests")?;
            let requests = RedeliveryRequests { count: count.unsigned_abs(), last: get(row, "last_at")? };
            Ok((get(row, "guid")?, requests))
        };
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(of_port)
    }

    async fn record_request(
        &self,
        guid: &str,
        at: OffsetDateTime,
        forget_before: OffsetDateTime,
    ) -> Result<(), PortError> {
        let parameters: &Parameters<'_> = &[&guid, &column_time(at), &column_time(forget_before)];
        self.rows(&self.record, parameters).await.map(drop)
    }
}
