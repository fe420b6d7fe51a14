//! Concurrent nodes, kills, crashes and lost deliveries.

mod crashes;
pub(crate) mod lifecycle;
mod nodes;
mod passwords;
mod shutdown;
mod uninstalls;
