//! Capabilities that operators, data subjects and the background work need.

mod apps;
mod binding_counter;
mod data_subjects;
mod directory;
mod export;
mod housekeeping;
mod tombstones;

pub use apps::{AppEntry, AppError, SqliteApps};
pub use binding_counter::SqliteBindingCounter;
pub use data_subjects::SqliteDataSubjects;
pub use directory::SqliteDirectory;
pub use housekeeping::{Purged, SqliteHousekeeping};
pub use tombstones::SqliteTombstones;
