#![doc = include_str!("../README.md")]

pub mod address;
pub mod cli;
mod completions;
pub mod config;
pub mod database;
mod doctor;
mod github_app;
pub mod keys;
pub mod listener;
pub mod logging;
mod man;
pub mod migrate;
pub mod mistakes;
mod period;
pub mod policy;
pub mod reconcile;
mod secret;
pub mod serve;
pub mod signals;
pub mod telemetry;
