//! Dockline's storage ports on PostgreSQL: [`PgKeyStore`], [`PgStateStore`], [`PgBindingRepo`], [`PgRateLimiter`],
//! [`PgKeyUsage`].
//!
//! Takes the host's own pool, or opens one ([`open_pool`]); keeps its tables in one schema, which [`Migrator`] makes
//! and brings up to date, and [`PgHousekeeping`] keeps small. `docs/postgresql.md` describes the tables, the rights
//! that the role needs, poolers, TLS, deadlines and backups.
//!
//! ```no_run
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! use dockline_postgres::{DEFAULT_CONNECTIONS, Database, Migrator, PgBindingRepo, open_pool};
//!
//! let url = std::env::var("DATABASE_URL")?.into();
//! let database = Database::new(open_pool(&url, DEFAULT_CONNECTIONS)?);
//! Migrator::new(database.pool().clone(), database.schema().clone()).run().await?;
//! let bindings = PgBindingRepo::new(&database);
//! # Ok(()) }
//! ```
//!
//! # How calls behave
//! Every call of a port is one statement and one round trip, but for an insert that met a rival, which reads what
//! stands in its way. It needs no more than READ COMMITTED and keeps nothing in the session. It ends within
//! [`Database::with_deadline`]; its connection is thrown away if it did not, or if its future was dropped. In either
//! case the statement has its whole effect or none, and repeating the call tells which.
//!
//! # Errors
//! One table, by SQLSTATE where the server gave one:
//!
//! | what | kind |
//! |---|---|
//! | `08…`, `53…`, `57P01`–`57P03`, `57014`, `55P03`, `25006`; I/O; a closed connection; our deadline | `Unavailable` |
//! | `40001`, `40P01` | tried three times in all, then `Unavailable` |
//! | `28…`, `3D000`, `42501`; a server that will not let us in for another reason | `Rejected` |
//! | `22…`; a column or a message that does not parse | `Corrupt` |
//! | `42P01`, `42703`, `3F000` | `Unexpected`: run the migrations |
//! | `26000`, `42P05`, `0A000` for a prepared statement | sent again, unnamed, on a connection that is then thrown away |
//! | anything else | `Unexpected` |
//!
//! The client library logs each statement with its parameters at level `debug` of `log`: digests, ids and URLs to
//! return to, no secret.

mod binding_repo;
mod census;
mod column;
mod database;
mod failure;
mod housekeeping;
mod key_store;
mod key_usage;
mod lease;
mod migrations;
mod pool;
mod probe;
mod rate_limiter;
mod schema;
mod sqlstate;
mod state_store;
mod statement;
mod tls;

// Unit tests make schemas in the same way as the others.
#[cfg(test)]
extern crate self as dockline_postgres;
#[cfg(test)]
#[path = "../tests/postgres/fresh.rs"]
mod fresh;

pub use deadpool_postgres;
pub use deadpool_postgres::Pool;
pub use tokio_postgres;

pub use binding_repo::PgBindingRepo;
pub use census::{Census, PgBindingCounts};
pub use database::{Database, StatementMode};
pub use housekeeping::{PgHousekeeping, Purged};
pub use key_store::{KeyEntry, PgKeyStore};
pub use key_usage::PgKeyUsage;
pub use migrations::{Applied, MigrationError, Migrator};
pub use pool::{DEFAULT_CONNECTIONS, OpenError, open_pool};
pub use probe::ServerFacts;
pub use rate_limiter::PgRateLimiter;
pub use schema::{InvalidSchema, Schema};
pub use state_store::PgStateStore;
