use std::fmt;

use dockline::{AppId, PortError, PortName};
use rusqlite::{Connection, Row, params};
use time::OffsetDateTime;

use crate::database::{AppDatabase, AppNumber, SqliteDatabase};
use crate::decode::{column_time, execute, get, nullable_time, parse, row, rows, time};
use crate::error::SqliteError;

const LIST: &str = "SELECT id, api_base, app_id, added_at, retired_at FROM apps ORDER BY id";

const ADD_FIRST: &str = "INSERT INTO apps (id, api_base, app_id, added_at) VALUES (1, ?1, ?2, ?3)";

/// Never gives the number of the first App, whose rows may exist without it.
const ADD: &str = "INSERT INTO apps (id, api_base, app_id, added_at) \
    SELECT coalesce(max(id), 1) + 1, ?1, ?2, ?3 FROM apps WHERE true \
    ON CONFLICT (api_base, app_id) DO UPDATE SET retired_at = NULL RETURNING id";

const RETIRE: &str =
    "UPDATE apps SET retired_at = ?3 WHERE api_base = ?1 AND app_id = ?2 AND retired_at IS NULL";

const RENAME: &str = "UPDATE apps SET api_base = ?3 WHERE api_base = ?1 AND app_id = ?2";

/// An App of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppEntry {
    /// The number.
    pub number: AppNumber,
    /// The base URL of the API, in lower case and without a slash at the end.
    pub api_base: String,
    /// The App's id at GitHub.
    pub app: AppId,
    /// The time at which the App was added.
    pub added_at: OffsetDateTime,
    /// The time at which the App was retired, if it was.
    pub retired_at: Option<OffsetDateTime>,
}

impl fmt::Display for AppEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "App {} at {}", self.app, self.api_base)
    }
}

/// Why a file cannot be used for an App. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The file belongs to other Apps. Handling: check the credential and the path; to use both Apps, add this one.
    #[error("the file belongs to another App: {}", listed(.0))]
    Foreign(Vec<AppEntry>),
    /// The App is retired. Handling: add it again.
    #[error("{0} is retired")]
    Retired(AppEntry),
    /// The file failed. Handling: see the source.
    #[error(transparent)]
    Port(#[from] PortError),
}

fn listed(apps: &[AppEntry]) -> String {
    apps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The Apps of a file.
#[derive(Debug, Clone)]
pub struct SqliteApps {
    database: SqliteDatabase,
}

impl SqliteApps {
    /// Uses the Apps in `database`.
    #[must_use]
    pub fn new(database: &SqliteDatabase) -> Self {
        Self { database: database.clone() }
    }

    /// Returns all Apps, retired ones included, in the order of their numbers.
    ///
    /// # Errors
    /// Infrastructure failures only.
    pub async fn list(&self) -> Result<Vec<AppEntry>, PortError> {
        self.database.read(list).await.map_err(port_error)
    }

    /// Returns the file restricted to the App with this id at the API with base URL `api_base`. A file without an App gets
    /// this one, as [`AppNumber::FIRST`].
    ///
    /// # Errors
    /// See [`AppError`]. The call may be repeated.
    pub async fn open(
        &self,
        api_base: &str,
        app: AppId,
        now: OffsetDateTime,
    ) -> Result<AppDatabase, AppError> {
        let wanted = base(api_base);
        let apps = self.database.write(move |connection| {
            // In one transaction, so that of processes of different Apps only one is the first.
            if list(connection)?.is_empty() {
                execute(connection, ADD_FIRST, params![wanted, i64::from(app), column_time(now)])?;
            }
            list(connection)
        });
        let apps = apps.await.map_err(port_error)?;
        self.found(apps, api_base, app)
    }

    /// Returns the file restricted to an App that it has, or `None` if it has no App yet.
    ///
    /// # Errors
    /// [`AppError::Foreign`], [`AppError::Retired`], or an infrastructure failure.
    pub async fn find(&self, api_base: &str, app: AppId) -> Result<Option<AppDatabase>, AppError> {
        let apps = self.list().await?;
        if apps.is_empty() { Ok(None) } else { self.found(apps, api_base, app).map(Some) }
    }

    fn found(&self, apps: Vec<AppEntry>, api_base: &str, app: AppId) -> Result<AppDatabase, AppError> {
        let wanted = base(api_base);
        match apps.iter().find(|entry| entry.app == app && entry.api_base == wanted) {
            Some(entry) if entry.retired_at.is_some() => Err(AppError::Retired(entry.clone())),
            Some(entry) => Ok(self.database.with_app(entry.number)),
            None => Err(AppError::Foreign(apps)),
        }
    }

    /// Adds an App, or puts a retired one back into use.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    pub async fn add(
        &self,
        api_base: &str,
        app: AppId,
        now: OffsetDateTime,
    ) -> Result<AppDatabase, PortError> {
        let wanted = base(api_base);
        let added = self.database.write(move |connection| add(connection, &wanted, app, now));
        Ok(self.database.with_app(added.await.map_err(port_error)?))
    }

    /// Takes an App out of use: servers with its credential do not start. Its rows stay. Returns `false` if the file does not
    /// have the App or it is retired.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    pub async fn retire(&self, api_base: &str, app: AppId, now: OffsetDateTime) -> Result<bool, PortError> {
        let base = base(api_base);
        let retired = self.database.write(move |connection| {
            execute(connection, RETIRE, params![base, i64::from(app), column_time(now)])
        });
        Ok(retired.await.map_err(port_error)? > 0)
    }

    /// Changes the base URL of an App's API, after its GitHub Enterprise Server was renamed. Returns `false` if the file does
    /// not have the App.
    ///
    /// # Errors
    /// Infrastructure failures, and `Unexpected` if the file has the App at the new URL, too.
    pub async fn rename(&self, from: &str, app: AppId, to: &str) -> Result<bool, PortError> {
        let (from, to) = (base(from), base(to));
        let renamed = self
            .database
            .write(move |connection| execute(connection, RENAME, params![from, i64::from(app), to]));
        Ok(renamed.await.map_err(port_error)? > 0)
    }
}

/// Normalizes a base URL: schemes and hosts are case-insensitive, and GitHub's paths are in lower case.
fn base(api_base: &str) -> String {
    api_base.trim_end_matches('/').to_ascii_lowercase()
}

fn list(connection: &Connection) -> Result<Vec<AppEntry>, SqliteError> {
    rows(connection, LIST, (), entry)
}

fn add(
    connection: &Connection,
    base: &str,
    app: AppId,
    now: OffsetDateTime,
) -> Result<AppNumber, SqliteError> {
    let values = params![base, i64::from(app), column_time(now)];
    let number = row(connection, ADD, values, |row| get(row, "id").map(AppNumber))?;
    number.ok_or_else(|| SqliteError::corrupt("id", "no row"))
}

fn entry(row: &Row<'_>) -> Result<AppEntry, SqliteError> {
    Ok(AppEntry {
        number: AppNumber(get(row, "id")?),
        api_base: get(row, "api_base")?,
        app: parse(row, "app_id", |id: i64| AppId::try_from(id))?,
        added_at: time(row, "added_at")?,
        retired_at: nullable_time(row, "retired_at")?,
    })
}

fn port_error(error: SqliteError) -> PortError {
    error.of_port(PortName::BindingRepo)
}
