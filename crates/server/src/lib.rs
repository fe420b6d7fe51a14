#![doc = include_str!("../README.md")]

pub mod cli;
mod completions;
pub mod config;
pub mod database;
mod doctor;
mod github_app;
mod http_server;
pub mod keys;
pub mod logging;
mod man;
pub mod migrate;
pub mod mistakes;
mod period;
pub mod policy;
pub mod reconcile;
mod secret;
pub mod serve;
pub mod telemetry;
