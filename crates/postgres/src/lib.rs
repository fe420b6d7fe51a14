#![doc = include_str!("../README.md")]

mod admission;
mod apps;
mod batch;
mod binding_counter;
mod binding_repo;
mod budget;
mod confirmations;
mod connect;
mod data_subjects;
mod database;
mod decode;
mod directory;
mod error;
mod housekeeping;
mod key_store;
mod key_usage;
mod migrations;
mod outbox;
mod redelivery_store;
mod schema;
mod state_lookups;
mod state_store;
mod tombstones;
mod transfer;

// Unit tests share the integration tests' schemas.
#[cfg(test)]
extern crate self as dockline_postgres;
#[cfg(test)]
#[path = "../tests/postgres/test_schema.rs"]
mod test_schema;

pub use deadpool_postgres;
pub use deadpool_postgres::Pool;
pub use tokio_postgres;

pub use admission::PgAdmission;
pub use apps::{AppEntry, AppError, PgApps};
pub use batch::BatchCounts;
pub use binding_counter::PgBindingCounter;
pub use binding_repo::PgBindingRepo;
pub use budget::PgRateLimiter;
pub use connect::OpenError;
pub use data_subjects::PgDataSubjects;
pub use database::{
    AppDatabase, AppNumber, DEFAULT_CONNECTIONS, Database, ServerFacts, StatementMode, open_pool,
    open_reloading_pool,
};
pub use directory::PgDirectory;
pub use housekeeping::{PgHousekeeping, Purged};
pub use key_store::PgKeyStore;
pub use key_usage::PgKeyUsage;
pub use migrations::{Applied, MigrationError, Migrator};
pub use outbox::PgOutbox;
pub use redelivery_store::PgRedeliveryStore;
pub use schema::{InvalidSchema, Schema};
pub use state_store::PgStateStore;
pub use tombstones::PgTombstones;
pub use transfer::{ImportError, PgImport};
