use std::fmt;

use dockline::{PortError, PortName};
use rusqlite::Connection;

use super::SqliteDatabase;
use crate::error::SqliteError;

/// The number of an App in a file. Bindings, installations, installers, states and messages belong to one App each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AppNumber(pub(crate) i64);

impl AppNumber {
    /// The first App of a file. A host whose file has one App only, for good, may use it without asking
    /// [`SqliteApps::open`](crate::SqliteApps::open).
    pub const FIRST: Self = Self(1);

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for AppNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A file, restricted to the rows of one App. Adapters that are made of it neither see nor change other Apps' rows.
#[derive(Debug, Clone)]
pub struct AppDatabase {
    database: SqliteDatabase,
    app: AppNumber,
}

impl AppDatabase {
    pub(crate) const fn new(database: SqliteDatabase, app: AppNumber) -> Self {
        Self { database, app }
    }

    /// Returns the file with all Apps, which keys, budgets and housekeeping use.
    #[must_use]
    pub const fn database(&self) -> &SqliteDatabase {
        &self.database
    }

    /// Returns the App's number.
    #[must_use]
    pub const fn app(&self) -> AppNumber {
        self.app
    }

    /// [`SqliteDatabase::read`] for the App, with errors of a port.
    pub(crate) async fn read<T, F>(&self, port: PortName, work: F) -> Result<T, PortError>
    where
        T: Send + 'static,
        F: Fn(&Connection, AppNumber) -> Result<T, SqliteError> + Send + 'static,
    {
        let app = self.app;
        let read = self.database.read(move |connection| work(connection, app));
        read.await.map_err(|error| error.of_port(port))
    }

    /// [`SqliteDatabase::write`] for the App, with errors of a port.
    pub(crate) async fn write<T, F>(&self, port: PortName, work: F) -> Result<T, PortError>
    where
        T: Send + 'static,
        F: Fn(&Connection, AppNumber) -> Result<T, SqliteError> + Send + 'static,
    {
        let app = self.app;
        let written = self.database.write(move |connection| work(connection, app));
        written.await.map_err(|error| error.of_port(port))
    }
}

impl SqliteDatabase {
    /// Returns the file restricted to the rows of one of its Apps; see [`SqliteApps`](crate::SqliteApps).
    #[must_use]
    pub fn with_app(&self, app: AppNumber) -> AppDatabase {
        AppDatabase::new(self.clone(), app)
    }
}
