//! Messages for the product, and the scans of GitHub's delivery log.

pub(crate) mod erasure;
mod lease;
mod list;
mod outbox;
pub(crate) mod queues;
mod read;
mod redelivery_store;
mod rows;
mod settle;
mod store;

pub use outbox::SqliteOutbox;
pub use redelivery_store::SqliteRedeliveryStore;
