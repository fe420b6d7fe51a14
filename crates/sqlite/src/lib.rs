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
mod transfer;

pub use bindings::SqliteBindingRepo;
pub use database::{
    AppDatabase, AppNumber, BackupError, CheckError, DEFAULT_DEADLINE, FileFacts, OpenError, ServerProcess,
    SqliteDatabase, SqliteOptions,
};
pub use keys::{KeyEntry, SqliteAdmission, SqliteKeyStore, SqliteKeyUsage, SqliteRateLimiter};
pub use messages::{OutboxUsage, SqliteOutbox, SqliteRedeliveryStore};
pub use operators::{
    AppEntry, AppError, BindingCounts, Purged, SqliteApps, SqliteBindingCounts, SqliteDataSubjects,
    SqliteDirectory, SqliteHousekeeping, SqliteTombstones, Tombstone, TombstoneReset,
};
pub use states::SqliteStateStore;
pub use transfer::{Seal, SealedFile, SealedRows};
