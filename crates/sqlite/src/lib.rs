#![doc = include_str!("../README.md")]

mod bindings;
mod database;
mod decode;
mod error;
mod keys;
mod messages;
mod migrations;
mod operators;
mod states;

pub use bindings::SqliteBindingRepo;
pub use database::{
    AppDatabase, AppNumber, BackupError, DEFAULT_DEADLINE, OpenError, SqliteDatabase, SqliteOptions,
};
pub use keys::{KeyEntry, SqliteAdmission, SqliteKeyStore, SqliteKeyUsage, SqliteRateLimiter};
pub use messages::{OutboxUsage, SqliteOutbox, SqliteRedeliveryStore};
pub use operators::{
    AppEntry, AppError, BindingCounts, Purged, SqliteApps, SqliteBindingCounts, SqliteDataSubjects,
    SqliteDirectory, SqliteHousekeeping, SqliteTombstones, Tombstone, TombstoneReset,
};
pub use states::SqliteStateStore;
