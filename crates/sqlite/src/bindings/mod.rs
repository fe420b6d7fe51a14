//! Bindings and the stored facts about installations.

mod changes;
mod insert;
mod observe;
mod repo;
pub(crate) mod rows;

pub(crate) use insert::record_facts;
pub use repo::SqliteBindingRepo;
