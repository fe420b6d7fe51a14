//! API keys and their budgets.

mod admission;
mod budget;
mod key_store;
mod key_usage;

pub use admission::SqliteAdmission;
pub use budget::SqliteRateLimiter;
pub use key_store::SqliteKeyStore;
pub use key_usage::SqliteKeyUsage;
