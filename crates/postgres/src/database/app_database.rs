use std::fmt;

use tokio_postgres::types::Type;

use super::{Database, Statement};

/// The number of an App in a schema. Bindings, installations, installers and states belong to one App each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AppNumber(pub(crate) i32);

impl AppNumber {
    /// The first App of a schema. A host whose schema has one App only, for good, may use it without asking
    /// [`PgApps::open`](crate::PgApps::open).
    pub const FIRST: Self = Self(1);

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl fmt::Display for AppNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A database, restricted to the rows of one App. Adapters that are made of it neither see nor change other Apps' rows.
#[derive(Debug, Clone)]
pub struct AppDatabase {
    database: Database,
    app: AppNumber,
}

impl AppDatabase {
    pub(crate) fn new(database: Database, app: AppNumber) -> Self {
        Self { database, app }
    }

    /// Returns the database with all Apps, which keys, budgets and housekeeping use.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Returns the App's number.
    #[must_use]
    pub const fn app(&self) -> AppNumber {
        self.app
    }

    /// Creates a statement of a template that contains `{app}`.
    pub(crate) fn statement(&self, template: &str, types: &'static [Type]) -> Statement {
        self.database.statement(&template.replace("{app}", &self.app.to_string()), types)
    }
}

impl Database {
    /// Returns the database restricted to the rows of one App of the schema; see [`PgApps`](crate::PgApps).
    #[must_use]
    pub fn with_app(&self, app: AppNumber) -> AppDatabase {
        AppDatabase::new(self.clone(), app)
    }
}
