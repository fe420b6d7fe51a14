//! Concurrent nodes, kills, crashes and lost deliveries.

mod crashes;
mod github_hangs;
pub(crate) mod lifecycle;
mod nodes;
mod passwords;
mod shutdown;
mod uninstalls;
