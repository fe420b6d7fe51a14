use async_trait::async_trait;
use dockline::ports::Tombstones;
use dockline::rules::life;
use dockline::{InstallationId, PortError, PortName, Tombstone, TombstoneReset};
use rusqlite::{Connection, Row, params};
use time::OffsetDateTime;

use crate::bindings::rows::{record, save};
use crate::database::{AppDatabase, AppNumber};
use crate::decode::{column_time, execute, get, installation, rows, text, time};
use crate::error::SqliteError;

const RECORD_RESET: &str = "INSERT INTO tombstone_resets (app, installation_id, uninstalled_by, ended_at, reset_at, note) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// The first record of an installation wins, so it must go.
const DELETE_INSTALLER: &str = "DELETE FROM installers WHERE app = ?1 AND installation_id = ?2";

const RESETS: &str = "SELECT installation_id, uninstalled_by, ended_at, reset_at, note FROM tombstone_resets \
    WHERE app = ?1 ORDER BY reset_at, installation_id";

/// The final ends of an App's installations.
#[derive(Debug, Clone)]
pub struct SqliteTombstones {
    database: AppDatabase,
}

impl SqliteTombstones {
    /// Uses the installations of an App.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        Self { database: database.clone() }
    }
}

#[async_trait]
impl Tombstones for SqliteTombstones {
    async fn find(&self, installation: InstallationId) -> Result<Option<Tombstone>, PortError> {
        let app = self.database.app();
        let found = self.database.database().read(move |connection| tombstone(connection, app, installation));
        found.await.map_err(port_error)
    }

    async fn reset(
        &self,
        installation: InstallationId,
        note: &str,
        now: OffsetDateTime,
    ) -> Result<Option<TombstoneReset>, PortError> {
        let (app, note) = (self.database.app(), note.to_owned());
        let reset = self
            .database
            .database()
            .write(move |connection| reset(connection, app, installation, &note, now));
        reset.await.map_err(port_error)
    }

    async fn resets(&self) -> Result<Vec<TombstoneReset>, PortError> {
        let app = self.database.app();
        let resets =
            self.database.database().read(move |connection| rows(connection, RESETS, [app.get()], entry));
        resets.await.map_err(port_error)
    }
}

fn tombstone(
    connection: &Connection,
    app: AppNumber,
    installation: InstallationId,
) -> Result<Option<Tombstone>, SqliteError> {
    let record = record(connection, app, installation)?;
    Ok(record.and_then(|record| Tombstone::of(installation, &record)))
}

fn reset(
    connection: &Connection,
    app: AppNumber,
    installation: InstallationId,
    note: &str,
    now: OffsetDateTime,
) -> Result<Option<TombstoneReset>, SqliteError> {
    let Some(mut record) = record(connection, app, installation)? else { return Ok(None) };
    let Some(reset) = life::forget_end(installation, &mut record, note, now) else { return Ok(None) };
    save(connection, app, installation, &record)?;
    let id = i64::from(installation);
    execute(connection, DELETE_INSTALLER, params![app.get(), id])?;
    let (ended_at, reset_at) = (column_time(reset.ended_at), column_time(reset.reset_at));
    let values = params![app.get(), id, reset.by.as_str(), ended_at, reset_at, reset.note];
    execute(connection, RECORD_RESET, values)?;
    Ok(Some(reset))
}

fn entry(row: &Row<'_>) -> Result<TombstoneReset, SqliteError> {
    Ok(TombstoneReset {
        installation: installation(row, "installation_id")?,
        by: text(row, "uninstalled_by")?,
        ended_at: time(row, "ended_at")?,
        reset_at: time(row, "reset_at")?,
        note: get(row, "note")?,
    })
}

fn port_error(error: SqliteError) -> PortError {
    error.of_port(PortName::BindingRepo)
}
