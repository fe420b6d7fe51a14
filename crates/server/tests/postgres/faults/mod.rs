//! Concurrent nodes, kills, crashes and lost deliveries.

mod crashes;
mod lifecycle;
mod nodes;
mod shutdown;
mod uninstalls;
