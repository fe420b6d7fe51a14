//! Faults.

mod connection;
mod effects;
mod refusals;
