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
pub use keys::{SqliteAdmission, SqliteKeyStore, SqliteKeyUsage, SqliteRateLimiter};
pub use messages::{SqliteOutbox, SqliteRedeliveryStore};
pub use operators::{
    AppEntry, AppError, Purged, SqliteApps, SqliteBindingCounter, SqliteDataSubjects, SqliteDirectory,
    SqliteHousekeeping, SqliteTombstones,
};
pub use states::SqliteStateStore;
pub use transfer::{Seal, SealedFile, SealedRows};
