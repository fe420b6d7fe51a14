#![doc = include_str!("../README.md")]
#![expect(clippy::unwrap_used, reason = "a case fails by panicking, and fixtures are valid")]

pub mod admission;
pub mod binding_repo;
pub mod data_subjects;
pub mod directory;
pub mod dropped;
pub mod failures;
pub mod faults;
pub mod fixtures;
pub mod github_gateway;
pub mod handles;
pub mod housekeeping;
pub mod key_admin;
pub mod key_store;
pub mod key_usage;
pub mod operators;
pub mod outbox;
mod ports;
pub mod race;
pub mod random;
pub mod rate_limiter;
pub mod redelivery_store;
pub mod runner;
pub mod state_store;
pub mod steps;
pub mod two_apps;

pub use dockline;
pub use dockline::ports::{ManualClock, SeededEntropy};
pub use fastrand;
