use std::fmt;

use dockline::ports::{GithubGateway, LookupOutcome};
use dockline::{AppId, InstallationId, PortError, PortName};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::database::{AppDatabase, AppNumber, Database, Parameters};
use crate::decode::{column_time, get, installation, parse};
use crate::error::DatabaseError;

const LIST: &str = "SELECT id, api_base, app_id, added_at, retired_at FROM {schema}.apps ORDER BY id";

/// Selects whether a schema without an App has rows that an earlier version wrote.
const HAS_ROWS: &str = "SELECT EXISTS (SELECT FROM {schema}.installations) OR EXISTS (SELECT FROM {schema}.bindings) \
    OR EXISTS (SELECT FROM {schema}.installers) AS present";

const SAMPLE: &str = "SELECT installation_id FROM {schema}.installations \
    WHERE app = 1 AND organization IS NOT NULL AND uninstalled_by IS NULL \
    ORDER BY verified_at DESC, installation_id LIMIT $1";

/// Changes nothing if the schema has an App, so that of concurrent nodes of different Apps only one is the first.
const ADD_FIRST: &str = "INSERT INTO {schema}.apps (id, api_base, app_id, added_at) \
    SELECT 1, $1, $2, $3 WHERE NOT EXISTS (SELECT FROM {schema}.apps) ON CONFLICT DO NOTHING RETURNING id";

const ADD: &str = "INSERT INTO {schema}.apps (id, api_base, app_id, added_at) \
    SELECT COALESCE(max(id), 1) + 1, $1, $2, $3 FROM {schema}.apps \
    ON CONFLICT ON CONSTRAINT apps_once DO UPDATE SET retired_at = NULL RETURNING id";

const RETIRE: &str = "UPDATE {schema}.apps SET retired_at = $3 WHERE api_base = $1 AND app_id = $2 \
    AND retired_at IS NULL RETURNING id";

const RENAME: &str =
    "UPDATE {schema}.apps SET api_base = $3 WHERE api_base = $1 AND app_id = $2 RETURNING id";

const IDENTITY_AND_TIME: &[Type] = &[Type::TEXT, Type::INT8, Type::TIMESTAMPTZ];

/// The maximum number of bindings that GitHub is asked about before rows without an App are adopted.
const SAMPLE_SIZE: i64 = 20;

/// Attempts to add an App while other Apps are added.
const ATTEMPTS: u32 = 10;

/// An App of a schema.
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

/// Why a schema cannot be used for an App. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The schema belongs to other Apps. Handling: check the credential and the schema; to use both Apps, add this one.
    #[error("the schema belongs to another App: {}", listed(.0))]
    Foreign(Vec<AppEntry>),
    /// The App is retired. Handling: add it again.
    #[error("{0} is retired")]
    Retired(AppEntry),
    /// The schema has rows of an earlier version, and GitHub shows this App none of their installations. Handling: check
    /// the credential; start the App of these rows first.
    #[error(
        "the schema has bindings without an App, and GitHub shows this App {ours} of {asked} of their installations, \
         {foreign} of another App"
    )]
    NotOurs {
        /// Installations that GitHub was asked about.
        asked: usize,
        /// Installations of this App.
        ours: usize,
        /// Installations of another App.
        foreign: usize,
    },
    /// The database or GitHub failed. Handling: see the source.
    #[error(transparent)]
    Port(#[from] PortError),
}

fn listed(apps: &[AppEntry]) -> String {
    apps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The Apps of a schema.
#[derive(Debug, Clone)]
pub struct PgApps {
    database: Database,
}

impl PgApps {
    /// Uses the Apps in `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone() }
    }

    /// Returns all Apps, retired ones included, in the order of their numbers.
    ///
    /// # Errors
    /// Infrastructure failures only.
    pub async fn list(&self) -> Result<Vec<AppEntry>, PortError> {
        let list = self.database.statement(LIST, &[]);
        let rows = self.database.rows(&list, &[]).await.map_err(port_error)?;
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(port_error)
    }

    /// Returns the database restricted to the gateway's App, at the API with base URL `api_base`.
    ///
    /// A schema without an App gets this one. If it has rows of a version without Apps, GitHub is asked about at most 20
    /// bound installations first: the App is added if at least one is its own and none is another App's.
    ///
    /// # Errors
    /// See [`AppError`]. The call may be repeated.
    pub async fn open(
        &self,
        api_base: &str,
        github: &dyn GithubGateway,
        now: OffsetDateTime,
    ) -> Result<AppDatabase, AppError> {
        let app = github.registration().app;
        if let Some(found) = self.find(api_base, app).await? {
            return Ok(found);
        }
        if self.has_rows().await? {
            self.check_ownership(github).await?;
        }
        let parameters: &Parameters<'_> = &[&base(api_base), &i64::from(app), &column_time(now)];
        self.write(ADD_FIRST, IDENTITY_AND_TIME, parameters).await.map_err(port_error)?;
        // Another node may have added an App meanwhile: this one or another.
        match self.find(api_base, app).await? {
            Some(found) => Ok(found),
            None => Err(AppError::Foreign(self.list().await?)),
        }
    }

    /// Returns the database restricted to an App that the schema has, or `None` if the schema has no App yet.
    ///
    /// # Errors
    /// [`AppError::Foreign`], [`AppError::Retired`], or an infrastructure failure.
    pub async fn find(&self, api_base: &str, app: AppId) -> Result<Option<AppDatabase>, AppError> {
        let apps = self.list().await?;
        if apps.is_empty() {
            return Ok(None);
        }
        let wanted = base(api_base);
        match apps.iter().find(|entry| entry.app == app && entry.api_base == wanted) {
            Some(entry) if entry.retired_at.is_some() => Err(AppError::Retired(entry.clone())),
            Some(entry) => Ok(Some(AppDatabase::new(self.database.clone(), entry.number))),
            None => Err(AppError::Foreign(apps)),
        }
    }

    /// Adds an App, or puts a retired one back into use. Rows of a version without Apps stay those of the first App.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    pub async fn add(
        &self,
        api_base: &str,
        app: AppId,
        now: OffsetDateTime,
    ) -> Result<AppDatabase, PortError> {
        for _ in 0..ATTEMPTS {
            let added = self
                .write(ADD, IDENTITY_AND_TIME, &[&base(api_base), &i64::from(app), &column_time(now)])
                .await;
            match added {
                // Another App got the number at the same time.
                Err(error) if error.violated() == Some("apps_pkey") => {}
                Err(error) => return Err(port_error(error)),
                Ok(Some(number)) => return Ok(AppDatabase::new(self.database.clone(), number)),
                Ok(None) => break,
            }
        }
        Err(port_error(DatabaseError::Conflict(ATTEMPTS)))
    }

    /// Takes an App out of use: nodes with its credential do not start. Its rows stay. Returns `false` if the schema does
    /// not have the App or it is retired.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    pub async fn retire(&self, api_base: &str, app: AppId, now: OffsetDateTime) -> Result<bool, PortError> {
        let parameters: &Parameters<'_> = &[&base(api_base), &i64::from(app), &column_time(now)];
        let retired = self.write(RETIRE, IDENTITY_AND_TIME, parameters).await;
        Ok(retired.map_err(port_error)?.is_some())
    }

    /// Changes the base URL of an App's API, after its GitHub Enterprise Server was renamed. Returns `false` if the schema
    /// does not have the App.
    ///
    /// # Errors
    /// Infrastructure failures, and `Unexpected` if the schema has the App at the new URL, too.
    pub async fn rename(&self, from: &str, app: AppId, to: &str) -> Result<bool, PortError> {
        let types = &[Type::TEXT, Type::INT8, Type::TEXT];
        let renamed = self.write(RENAME, types, &[&base(from), &i64::from(app), &base(to)]).await;
        Ok(renamed.map_err(port_error)?.is_some())
    }

    async fn has_rows(&self) -> Result<bool, PortError> {
        let has_rows = self.database.statement(HAS_ROWS, &[]);
        let row = self.database.row(&has_rows, &[]).await.map_err(port_error)?;
        row.map_or(Ok(false), |row| get(&row, "present")).map_err(port_error)
    }

    /// Asks GitHub whether the rows of a version without Apps belong to this App.
    async fn check_ownership(&self, github: &dyn GithubGateway) -> Result<(), AppError> {
        let sample = self.database.statement(SAMPLE, &[Type::INT8]);
        let rows = self.database.rows(&sample, &[&SAMPLE_SIZE]).await.map_err(port_error)?;
        let installations: Vec<InstallationId> = rows
            .iter()
            .map(|row| installation(row, "installation_id"))
            .collect::<Result<_, _>>()
            .map_err(port_error)?;
        let our_app = github.registration().app;
        let (asked, mut ours, mut foreign) = (installations.len(), 0, 0);
        for installation in installations {
            if let LookupOutcome::Found(found) = github.installation(installation).await? {
                if found.app == our_app { ours += 1 } else { foreign += 1 }
            }
        }
        if ours > 0 && foreign == 0 { Ok(()) } else { Err(AppError::NotOurs { asked, ours, foreign }) }
    }

    /// Executes a statement that returns the number of the App that it changed.
    async fn write(
        &self,
        template: &str,
        types: &'static [Type],
        parameters: &Parameters<'_>,
    ) -> Result<Option<AppNumber>, DatabaseError> {
        let statement = self.database.statement(template, types);
        let row = self.database.row(&statement, parameters).await?;
        row.map(|row| get(&row, "id").map(AppNumber)).transpose()
    }
}

/// Normalizes a base URL: schemes and hosts are case-insensitive, and GitHub's paths are in lower case.
fn base(api_base: &str) -> String {
    api_base.trim_end_matches('/').to_ascii_lowercase()
}

fn entry(row: &Row) -> Result<AppEntry, DatabaseError> {
    Ok(AppEntry {
        number: AppNumber(get(row, "id")?),
        api_base: get(row, "api_base")?,
        app: parse(row, "app_id", |id: i64| AppId::try_from(id))?,
        added_at: get(row, "added_at")?,
        retired_at: get(row, "retired_at")?,
    })
}

fn port_error(error: DatabaseError) -> PortError {
    error.of_port(PortName::BindingRepo)
}
