//! Concurrent nodes, kills, crashes and lost deliveries.

mod crashes;
mod lifecycle;
mod nodes;
mod passwords;
mod shutdown;
mod uninstalls;
