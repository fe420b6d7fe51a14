use std::sync::Arc;

use dockline::ports::DataSubjects;
use dockline::{BindingCounts, InstallationId, OrganizationId, PortError, Tombstone, TombstoneReset};
use dockline_postgres::{PgBindingCounts, PgDataSubjects, PgTombstones};
use dockline_sqlite::{SqliteBindingCounts, SqliteDataSubjects, SqliteTombstones};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{AppStorage, Storage};

/// Counts the live bindings of an App.
#[derive(Debug, Clone)]
pub(crate) enum BindingCounter {
    Postgres(PgBindingCounts),
    File(SqliteBindingCounts),
}

impl BindingCounter {
    pub(crate) async fn count(&self, now: OffsetDateTime) -> Result<BindingCounts, PortError> {
        match self {
            Self::Postgres(counts) => counts.count(now).await,
            Self::File(counts) => counts.count(now).await,
        }
    }
}

impl AppStorage {
    pub(crate) fn binding_counter(&self) -> BindingCounter {
        match self {
            Self::Postgres(database) => BindingCounter::Postgres(PgBindingCounts::new(database)),
            Self::File(database) => BindingCounter::File(SqliteBindingCounts::new(database)),
        }
    }

    pub(crate) fn tombstones(&self) -> Tombstones {
        match self {
            Self::Postgres(database) => Tombstones::Postgres(PgTombstones::new(database)),
            Self::File(database) => Tombstones::File(SqliteTombstones::new(database)),
        }
    }
}

/// The final ends of an App's installations.
#[derive(Debug)]
pub(crate) enum Tombstones {
    Postgres(PgTombstones),
    File(SqliteTombstones),
}

impl Tombstones {
    /// Returns the final end of the installation, if it has ended for good.
    pub(crate) async fn find(&self, installation: InstallationId) -> Result<Option<Tombstone>, PortError> {
        match self {
            Self::Postgres(tombstones) => tombstones.find(installation).await,
            Self::File(tombstones) => tombstones.find(installation).await,
        }
    }

    /// Forgets the final end of an installation that is not bound.
    pub(crate) async fn reset(
        &self,
        installation: InstallationId,
        note: &str,
        now: OffsetDateTime,
    ) -> Result<Option<TombstoneReset>, PortError> {
        match self {
            Self::Postgres(tombstones) => tombstones.reset(installation, note, now).await,
            Self::File(tombstones) => tombstones.reset(installation, note, now).await,
        }
    }

    /// Returns all audit entries, oldest first.
    pub(crate) async fn resets(&self) -> Result<Vec<TombstoneReset>, PortError> {
        match self {
            Self::Postgres(tombstones) => tombstones.resets().await,
            Self::File(tombstones) => tombstones.resets().await,
        }
    }
}

/// Exports and erases organizations and persons.
#[derive(Debug)]
pub(crate) enum Subjects {
    Postgres(PgDataSubjects),
    File(SqliteDataSubjects),
}

impl Storage {
    pub(crate) fn subjects(&self) -> Subjects {
        match self {
            Self::Postgres(database) => Subjects::Postgres(PgDataSubjects::new(database)),
            Self::File(database) => Subjects::File(SqliteDataSubjects::new(database)),
        }
    }
}

impl Subjects {
    /// Returns the number of tables of an export.
    pub(crate) const fn tables(&self) -> u64 {
        match self {
            Self::Postgres(_) => PgDataSubjects::TABLES,
            Self::File(_) => SqliteDataSubjects::TABLES,
        }
    }

    /// Returns everything that is stored about an organization, by table.
    pub(crate) async fn export_with(
        &self,
        organization: &OrganizationId,
        before_table: impl FnMut(&'static str) + Send,
    ) -> Result<Option<Map<String, Value>>, PortError> {
        match self {
            Self::Postgres(subjects) => subjects.export_with(organization, before_table).await,
            Self::File(subjects) => subjects.export_with(organization, before_table).await,
        }
    }

    pub(crate) fn port(self) -> Arc<dyn DataSubjects> {
        match self {
            Self::Postgres(subjects) => Arc::new(subjects),
            Self::File(subjects) => Arc::new(subjects),
        }
    }
}
