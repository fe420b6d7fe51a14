use std::fmt;

use dockline::{AppId, PortError};
use dockline_github::GithubApp;
use dockline_postgres::PgApps;
use dockline_sqlite::SqliteApps;
use time::OffsetDateTime;

use super::{AppStorage, Storage};

/// An App of the storage.
#[derive(Debug, Clone)]
pub(crate) struct AppEntry {
    pub(crate) number: i64,
    pub(crate) api_base: String,
    pub(crate) app: AppId,
    pub(crate) added_at: OffsetDateTime,
    pub(crate) retired_at: Option<OffsetDateTime>,
    /// The storage restricted to this App.
    pub(crate) storage: AppStorage,
}

/// Why the storage cannot be used for an App.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppError {
    #[error(transparent)]
    Postgres(#[from] dockline_postgres::AppError),
    #[error(transparent)]
    File(#[from] dockline_sqlite::AppError),
}

impl AppError {
    /// Returns whether the storage has other Apps only.
    pub(crate) const fn is_foreign(&self) -> bool {
        use {dockline_postgres::AppError as Pg, dockline_sqlite::AppError as Sqlite};
        matches!(self, Self::Postgres(Pg::Foreign(_)) | Self::File(Sqlite::Foreign(_)))
    }

    /// Returns what to do about the error.
    pub(crate) const fn help(&self) -> &'static str {
        use {dockline_postgres::AppError as Pg, dockline_sqlite::AppError as Sqlite};
        match self {
            Self::Postgres(Pg::Foreign(_)) => {
                "check the App's credential and the schema; to use the schema for both Apps, run `dockline apps add`"
            }
            Self::File(Sqlite::Foreign(_)) => {
                "check the App's credential and --data-dir; to use the file for both Apps, run `dockline apps add`"
            }
            Self::Postgres(Pg::Retired(_)) | Self::File(Sqlite::Retired(_)) => {
                "run `dockline apps add` to use it again"
            }
            Self::Postgres(Pg::NotOurs { .. }) => {
                "check the App's credential; start with the App of these bindings"
            }
            Self::Postgres(Pg::Port(_) | _) => "repeat when the database and GitHub are reachable",
            Self::File(Sqlite::Port(_) | _) => "repeat when the file can be used",
        }
    }
}

/// The Apps of the storage.
#[derive(Debug)]
pub(crate) struct Apps(Inner);

#[derive(Debug)]
enum Inner {
    Postgres(PgApps, dockline_postgres::Database),
    File(SqliteApps, dockline_sqlite::SqliteDatabase),
}

impl Storage {
    pub(crate) fn apps(&self) -> Apps {
        Apps(match self {
            Self::Postgres(database) => Inner::Postgres(PgApps::new(database), database.clone()),
            Self::File(database) => Inner::File(SqliteApps::new(database), database.clone()),
        })
    }
}

impl Apps {
    /// Returns all Apps, retired ones included, in the order of their numbers.
    pub(crate) async fn list(&self) -> Result<Vec<AppEntry>, PortError> {
        Ok(match &self.0 {
            Inner::Postgres(apps, database) => apps
                .list()
                .await?
                .into_iter()
                .map(|entry| AppEntry {
                    number: entry.number.get().into(),
                    api_base: entry.api_base,
                    app: entry.app,
                    added_at: entry.added_at,
                    retired_at: entry.retired_at,
                    storage: AppStorage::Postgres(database.with_app(entry.number)),
                })
                .collect(),
            Inner::File(apps, database) => apps
                .list()
                .await?
                .into_iter()
                .map(|entry| AppEntry {
                    number: entry.number.get(),
                    api_base: entry.api_base,
                    app: entry.app,
                    added_at: entry.added_at,
                    retired_at: entry.retired_at,
                    storage: AppStorage::File(database.with_app(entry.number)),
                })
                .collect(),
        })
    }

    /// Returns the storage restricted to the App of `github`. A storage without an App gets this one.
    pub(crate) async fn open(&self, github: &GithubApp, now: OffsetDateTime) -> Result<AppStorage, AppError> {
        let api_base = github.api_base();
        Ok(match &self.0 {
            Inner::Postgres(apps, _) => AppStorage::Postgres(apps.open(api_base, github, now).await?),
            Inner::File(apps, _) => {
                use dockline::ports::GithubGateway as _;
                AppStorage::File(apps.open(api_base, github.registration().app, now).await?)
            }
        })
    }

    /// Returns the storage restricted to an App that it has, or `None` if it has no App yet.
    pub(crate) async fn find(&self, api_base: &str, app: AppId) -> Result<Option<AppStorage>, AppError> {
        Ok(match &self.0 {
            Inner::Postgres(apps, _) => apps.find(api_base, app).await?.map(AppStorage::Postgres),
            Inner::File(apps, _) => apps.find(api_base, app).await?.map(AppStorage::File),
        })
    }

    /// Adds an App, or puts a retired one back into use. Returns its number and the storage restricted to it.
    pub(crate) async fn add(
        &self,
        api_base: &str,
        app: AppId,
        now: OffsetDateTime,
    ) -> Result<(i64, AppStorage), PortError> {
        Ok(match &self.0 {
            Inner::Postgres(apps, _) => {
                let added = apps.add(api_base, app, now).await?;
                (added.app().get().into(), AppStorage::Postgres(added))
            }
            Inner::File(apps, _) => {
                let added = apps.add(api_base, app, now).await?;
                (added.app().get(), AppStorage::File(added))
            }
        })
    }

    /// Takes an App out of use. Returns `false` if the storage does not have it, or it is retired.
    pub(crate) async fn retire(
        &self,
        api_base: &str,
        app: AppId,
        now: OffsetDateTime,
    ) -> Result<bool, PortError> {
        match &self.0 {
            Inner::Postgres(apps, _) => apps.retire(api_base, app, now).await,
            Inner::File(apps, _) => apps.retire(api_base, app, now).await,
        }
    }

    /// Changes the base URL of an App's API. Returns `false` if the storage does not have the App.
    pub(crate) async fn rename(&self, from: &str, app: AppId, to: &str) -> Result<bool, PortError> {
        match &self.0 {
            Inner::Postgres(apps, _) => apps.rename(from, app, to).await,
            Inner::File(apps, _) => apps.rename(from, app, to).await,
        }
    }
}

impl fmt::Display for AppEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "App {} at {}", self.app, self.api_base)
    }
}
