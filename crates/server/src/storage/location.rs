use std::error::Error;
use std::path::PathBuf;

use dockline_postgres::{Database, Migrator};
use dockline_sqlite::{OpenError, SqliteOptions};

use super::Storage;
use super::schema::{check_file, check_schema, file_error};
use crate::config::{ConfigError, ConfigErrors};
use crate::serve::Migrations;

type Failure = Box<dyn Error + Send + Sync>;

/// Where the configured storage is.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    /// A schema of PostgreSQL. Connects on the first call.
    Postgres(Database),
    /// The SQLite file at this path.
    File(PathBuf),
}

/// The versions before and after a migration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migrated {
    pub(crate) from: u32,
    pub(crate) to: u32,
}

impl Location {
    /// Returns the name of the storage for messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Postgres(database) => format!("the schema {}", database.schema()),
            Self::File(path) => format!("the file {}", path.display()),
        }
    }

    /// Opens the storage for a command, beside servers. Does not connect to PostgreSQL yet.
    pub(crate) async fn open(self) -> Result<Storage, ConfigErrors> {
        match self {
            Self::Postgres(database) => Ok(Storage::Postgres(database)),
            Self::File(path) => match SqliteOptions::new(&path).as_command().open().await {
                Ok(database) => Ok(Storage::File(database)),
                Err(error) => Err(file_error(&path, &error).into()),
            },
        }
    }

    /// Checks that a server can use the storage, or that its start will migrate it. Changes nothing.
    pub(crate) async fn check(&self, migrations: Migrations) -> Result<(), ConfigError> {
        match self {
            Self::Postgres(database) => check_schema(database, migrations).await,
            Self::File(path) => match check_file(path, migrations).await?.server {
                Some(server) => Err(file_error(path, &OpenError::InUse { process: server.process })),
                None => Ok(()),
            },
        }
    }

    /// Opens the storage for a server that has checked it. Applies migrations if `migrations` says so; otherwise the check has
    /// rejected pending ones.
    pub(crate) async fn open_for_server(self, migrations: Migrations) -> Result<Storage, Failure> {
        match self {
            Self::Postgres(database) => {
                if migrations == Migrations::Apply {
                    let applied = migrator(&database).run().await?;
                    if applied.from != applied.to {
                        tracing::info!(from = applied.from, to = applied.to, "the schema was migrated");
                    }
                }
                Ok(Storage::Postgres(database))
            }
            Self::File(path) => {
                let failed = |error| ConfigErrors::from(file_error(&path, &error));
                let before = SqliteOptions::new(&path).without_check().inspect().await.map_err(failed)?;
                let is_new = before.version.unwrap_or_default() == 0;
                let database = SqliteOptions::new(&path).as_server().open().await.map_err(failed)?;
                let file = path.display();
                if is_new {
                    // A URL that got lost must not go unnoticed.
                    tracing::warn!(%file, "created a new database file, since no database URL is set");
                } else {
                    tracing::info!(%file, "opened the database file, since no database URL is set");
                }
                Ok(Storage::File(database))
            }
        }
    }

    /// Applies missing migrations, and creates what is missing.
    pub(crate) async fn migrate(&self) -> Result<Migrated, Failure> {
        match self {
            Self::Postgres(database) => {
                let applied = migrator(database).run().await?;
                Ok(Migrated { from: applied.from, to: applied.to })
            }
            Self::File(path) => {
                let failed = |error| ConfigErrors::from(file_error(path, &error));
                let facts = SqliteOptions::new(path).without_check().inspect().await.map_err(failed)?;
                SqliteOptions::new(path).open().await.map_err(failed)?;
                Ok(Migrated { from: facts.version.unwrap_or_default(), to: facts.known })
            }
        }
    }

    /// Checks that no migration is missing. Changes nothing.
    pub(crate) async fn check_migrated(&self) -> Result<(), Failure> {
        match self {
            Self::Postgres(database) => Ok(migrator(database).check().await?),
            Self::File(path) => {
                Ok(check_file(path, Migrations::Check).await.map(drop).map_err(ConfigErrors::from)?)
            }
        }
    }
}

impl Storage {
    /// Checks that no migration is missing. Changes nothing.
    pub(crate) async fn check_migrated(&self) -> Result<(), Failure> {
        match self {
            Self::Postgres(database) => Ok(migrator(database).check().await?),
            // Opening it checked that.
            Self::File(_) => Ok(()),
        }
    }
}

/// Returns the migrator of a schema.
pub(super) fn migrator(database: &Database) -> Migrator {
    Migrator::new(database.pool().clone(), database.schema().clone())
}
