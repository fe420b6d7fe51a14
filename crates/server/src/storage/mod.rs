//! The storage of the program: a schema of PostgreSQL, or one SQLite file. Returns the ports, and the operations that
//! commands need beyond them. In the rest of this crate, only the options, `doctor`, `backup` and `move` depend on the
//! kind of storage.

mod apps;
mod location;
mod metrics;
mod operators;
mod outbox;
mod probe;
mod schema;

use std::path::Path;
use std::sync::Arc;

use dockline::ports::{
    BindingRepo, Directory, Housekeeping, KeyUsage, KeyUsageWriter, RedeliveryStore, StateStore,
};
use dockline_postgres::{
    PgBindingRepo, PgDirectory, PgHousekeeping, PgKeyUsage, PgRedeliveryStore, PgStateStore,
};
use dockline_sqlite::{
    SqliteBindingRepo, SqliteDirectory, SqliteHousekeeping, SqliteKeyUsage, SqliteRedeliveryStore,
    SqliteStateStore,
};
use dockline_telemetry::Metered;

pub(crate) use apps::AppEntry;
pub(crate) use location::Location;
pub(crate) use metrics::StorageMetrics;
pub(crate) use outbox::AppOutbox;
pub(crate) use schema::{file_error, schema_error};

/// The open storage, with the rows of all Apps.
#[derive(Debug, Clone)]
pub(crate) enum Storage {
    Postgres(dockline_postgres::Database),
    File(dockline_sqlite::SqliteDatabase),
}

/// The open storage, restricted to the rows of one App.
#[derive(Debug, Clone)]
pub(crate) enum AppStorage {
    Postgres(dockline_postgres::AppDatabase),
    File(dockline_sqlite::AppDatabase),
}

impl Storage {
    /// Returns the name of the storage for messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Postgres(database) => format!("the schema {}", database.schema()),
            Self::File(database) => format!("the file {}", database.path().display()),
        }
    }

    /// Returns the path of the file, if the storage is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Postgres(_) => None,
            Self::File(database) => Some(database.path()),
        }
    }

    /// Ends the use by a server: writes the log into the file, so that the file alone is a complete copy.
    pub(crate) async fn close(&self) {
        if let Self::File(database) = self
            && let Err(error) = database.checkpoint().await
        {
            tracing::warn!(
                cause = error.causes(),
                "the write-ahead log was not written into the database file; keep both files together"
            );
        }
    }

    /// Returns the storage restricted to its first App.
    pub(crate) fn first_app(&self) -> AppStorage {
        match self {
            Self::Postgres(database) => {
                AppStorage::Postgres(database.with_app(dockline_postgres::AppNumber::FIRST))
            }
            Self::File(database) => AppStorage::File(database.with_app(dockline_sqlite::AppNumber::FIRST)),
        }
    }

    pub(crate) fn housekeeping(&self) -> Arc<dyn Housekeeping> {
        match self {
            Self::Postgres(database) => Arc::new(PgHousekeeping::new(database)),
            Self::File(database) => Arc::new(SqliteHousekeeping::new(database)),
        }
    }

    /// Returns the recorder of key usage, and what writes it.
    pub(crate) fn key_usage(&self) -> (Arc<dyn KeyUsage>, Arc<dyn KeyUsageWriter>) {
        match self {
            Self::Postgres(database) => {
                let usage = Arc::new(PgKeyUsage::new(database));
                (Arc::clone(&usage) as _, usage)
            }
            Self::File(database) => {
                let usage = Arc::new(SqliteKeyUsage::new(database));
                (Arc::clone(&usage) as _, usage)
            }
        }
    }
}

/// The ports measure their calls.
impl AppStorage {
    /// Returns the storage with all Apps.
    pub(crate) fn all_apps(&self) -> Storage {
        match self {
            Self::Postgres(database) => Storage::Postgres(database.database().clone()),
            Self::File(database) => Storage::File(database.database().clone()),
        }
    }

    pub(crate) fn states(&self) -> Arc<dyn StateStore> {
        match self {
            Self::Postgres(database) => Arc::new(Metered::over(PgStateStore::new(database))),
            Self::File(database) => Arc::new(Metered::over(SqliteStateStore::new(database))),
        }
    }

    pub(crate) fn bindings(&self) -> Arc<dyn BindingRepo> {
        match self {
            Self::Postgres(database) => Arc::new(Metered::over(PgBindingRepo::new(database))),
            Self::File(database) => Arc::new(Metered::over(SqliteBindingRepo::new(database))),
        }
    }

    pub(crate) fn directory(&self) -> Arc<dyn Directory> {
        match self {
            Self::Postgres(database) => Arc::new(Metered::over(PgDirectory::new(database))),
            Self::File(database) => Arc::new(Metered::over(SqliteDirectory::new(database))),
        }
    }

    pub(crate) fn redeliveries(&self) -> Arc<dyn RedeliveryStore> {
        match self {
            Self::Postgres(database) => Arc::new(PgRedeliveryStore::new(database)),
            Self::File(database) => Arc::new(SqliteRedeliveryStore::new(database)),
        }
    }
}
