use std::sync::Arc;

use dockline::ports::DataSubjects;
use dockline::{InstallationId, OrganizationId, PortError, UninstalledBy};
use dockline_postgres::{PgBindingCounts, PgDataSubjects, PgTombstones};
use dockline_sqlite::{SqliteBindingCounts, SqliteDataSubjects, SqliteTombstones};
use dockline_telemetry::BindingTotals;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{AppStorage, Storage};

/// Counts the live bindings of an App.
#[derive(Debug, Clone)]
pub(crate) enum BindingCounter {
    Postgres(PgBindingCounts),
    File(SqliteBindingCounts),
}

macro_rules! totals {
    ($counts:expr) => {{
        let counts = $counts;
        BindingTotals {
            active: counts.active,
            suspended: counts.suspended,
            missing: counts.missing,
            ending: counts.ending,
            uninstalled: counts.uninstalled,
            not_shown: counts.not_shown,
            due_since: counts.due_since,
        }
    }};
}

impl BindingCounter {
    pub(crate) async fn count(&self, now: OffsetDateTime) -> Result<BindingTotals, PortError> {
        Ok(match self {
            Self::Postgres(counts) => totals!(counts.count(now).await?),
            Self::File(counts) => totals!(counts.count(now).await?),
        })
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

/// The final end of an installation.
#[derive(Debug, Clone)]
pub(crate) struct Tombstone {
    /// The organization that is still bound to it.
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) by: UninstalledBy,
    pub(crate) ended_at: OffsetDateTime,
}

/// The audit entry of a tombstone that was forgotten.
#[derive(Debug, Clone)]
pub(crate) struct TombstoneReset {
    pub(crate) installation: InstallationId,
    pub(crate) by: UninstalledBy,
    pub(crate) ended_at: OffsetDateTime,
    pub(crate) reset_at: OffsetDateTime,
    pub(crate) note: String,
}

/// The final ends of an App's installations.
#[derive(Debug)]
pub(crate) enum Tombstones {
    Postgres(PgTombstones),
    File(SqliteTombstones),
}

macro_rules! from_adapters {
    ($to:ident: $($from:path),* => $fields:tt) => {
        $(impl From<$from> for $to {
            fn from(found: $from) -> Self {
                from_adapters!(@build $to found $fields)
            }
        })*
    };
    (@build $to:ident $found:ident { $($field:ident),* }) => { $to { $($field: $found.$field),* } };
}

from_adapters!(Tombstone: dockline_postgres::Tombstone, dockline_sqlite::Tombstone => { organization, by, ended_at });
from_adapters!(TombstoneReset: dockline_postgres::TombstoneReset, dockline_sqlite::TombstoneReset
    => { installation, by, ended_at, reset_at, note });

impl Tombstones {
    /// Returns the final end of the installation, if it has ended for good.
    pub(crate) async fn find(&self, installation: InstallationId) -> Result<Option<Tombstone>, PortError> {
        Ok(match self {
            Self::Postgres(tombstones) => tombstones.find(installation).await?.map(Tombstone::from),
            Self::File(tombstones) => tombstones.find(installation).await?.map(Tombstone::from),
        })
    }

    /// Forgets the final end of an installation that is not bound.
    pub(crate) async fn reset(
        &self,
        installation: InstallationId,
        note: &str,
        now: OffsetDateTime,
    ) -> Result<Option<TombstoneReset>, PortError> {
        Ok(match self {
            Self::Postgres(tombstones) => {
                tombstones.reset(installation, note, now).await?.map(TombstoneReset::from)
            }
            Self::File(tombstones) => {
                tombstones.reset(installation, note, now).await?.map(TombstoneReset::from)
            }
        })
    }

    /// Returns all audit entries, oldest first.
    pub(crate) async fn resets(&self) -> Result<Vec<TombstoneReset>, PortError> {
        Ok(match self {
            Self::Postgres(it) => it.resets().await?.into_iter().map(TombstoneReset::from).collect(),
            Self::File(it) => it.resets().await?.into_iter().map(TombstoneReset::from).collect(),
        })
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
