use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use dockline::ports::{InterruptedScan, RedeliveryRequests, RedeliveryStore, ScanPosition};
use dockline::{PortError, PortName};
use rusqlite::{Row, params};
use time::OffsetDateTime;

use crate::database::AppDatabase;
use crate::decode::{column_time, execute, get, nullable_time, row, rows, small_number, time};
use crate::error::SqliteError;

const PORT: PortName = PortName::RedeliveryStore;

const LEASE: &str = "INSERT INTO redelivery_scans AS s (app, holder, held_until) VALUES (?1, ?2, ?4) \
    ON CONFLICT (app) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until \
    WHERE s.held_until IS NULL OR s.held_until <= ?3 RETURNING read_to, cursor, newest";

const RELEASE: &str = "UPDATE redelivery_scans SET holder = NULL, held_until = NULL, read_to = ?3, cursor = ?4, newest = ?5 \
    WHERE app = ?1 AND holder = ?2";

const REQUESTS: &str = "SELECT guid, requests, last_at FROM redelivery_requests \
    WHERE app = ?1 AND guid IN (SELECT value FROM json_each(?2))";

const RECEIVED: &str =
    "SELECT DISTINCT guid FROM outbox_entries WHERE app = ?1 AND guid IN (SELECT value FROM json_each(?2))";

const FORGET: &str = "DELETE FROM redelivery_requests WHERE app = ?1 AND last_at < ?2";

const RECORD: &str = "INSERT INTO redelivery_requests AS r (app, guid, requests, last_at) VALUES (?1, ?2, 1, ?3) \
    ON CONFLICT (app, guid) DO UPDATE SET requests = r.requests + 1, last_at = max(r.last_at, excluded.last_at)";

/// Stores the progress of the scans of GitHub's delivery log, for an App. Deliveries that are in the App's outbox count as
/// received.
#[derive(Debug, Clone)]
pub struct SqliteRedeliveryStore {
    database: AppDatabase,
}

impl SqliteRedeliveryStore {
    /// Stores the progress in `database`.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        Self { database: database.clone() }
    }
}

fn of_port(error: SqliteError) -> PortError {
    error.of_port(PORT)
}

fn position(row: &Row<'_>) -> Result<ScanPosition, SqliteError> {
    let (cursor, newest) = (get::<Option<String>>(row, "cursor")?, nullable_time(row, "newest")?);
    let interrupted = cursor.zip(newest).map(|(cursor, newest)| InterruptedScan { cursor, newest });
    Ok(ScanPosition { read_to: nullable_time(row, "read_to")?, interrupted })
}

fn requests(row: &Row<'_>) -> Result<(String, RedeliveryRequests), SqliteError> {
    let requests = RedeliveryRequests { count: small_number(row, "requests")?, last: time(row, "last_at")? };
    Ok((get(row, "guid")?, requests))
}

#[async_trait]
impl RedeliveryStore for SqliteRedeliveryStore {
    async fn lease(
        &self,
        holder: u128,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<ScanPosition>, PortError> {
        self.database
            .write(PORT, move |connection, app| {
                let values = params![app.get(), holder.to_be_bytes(), column_time(now), column_time(until)];
                row(connection, LEASE, values, position)
            })
            .await
    }

    async fn release(&self, holder: u128, to: &ScanPosition) -> Result<bool, PortError> {
        let to = to.clone();
        self.database
            .write(PORT, move |connection, app| {
                let interrupted = to.interrupted.as_ref();
                let values = params![
                    app.get(),
                    holder.to_be_bytes(),
                    to.read_to.map(column_time),
                    interrupted.map(|scan| &scan.cursor),
                    interrupted.map(|scan| column_time(scan.newest)),
                ];
                Ok(execute(connection, RELEASE, values)? > 0)
            })
            .await
    }

    async fn received(&self, guids: &[String]) -> Result<HashSet<String>, PortError> {
        let guids = guids_json(guids).map_err(of_port)?;
        let received = self.database.read(PORT, move |connection, app| {
            rows(connection, RECEIVED, params![app.get(), guids], |row| get(row, "guid"))
        });
        Ok(received.await?.into_iter().collect())
    }

    async fn requests(&self, guids: &[String]) -> Result<HashMap<String, RedeliveryRequests>, PortError> {
        let guids = guids_json(guids).map_err(of_port)?;
        let known = self.database.read(PORT, move |connection, app| {
            rows(connection, REQUESTS, params![app.get(), guids], requests)
        });
        Ok(known.await?.into_iter().collect())
    }

    async fn record_request(
        &self,
        guid: &str,
        at: OffsetDateTime,
        forget_before: OffsetDateTime,
    ) -> Result<(), PortError> {
        let guid = guid.to_owned();
        self.database
            .write(PORT, move |connection, app| {
                execute(connection, FORGET, params![app.get(), column_time(forget_before)])?;
                execute(connection, RECORD, params![app.get(), guid, column_time(at)]).map(drop)
            })
            .await
    }
}

fn guids_json(guids: &[String]) -> Result<String, SqliteError> {
    crate::decode::json("guid", &guids)
}
