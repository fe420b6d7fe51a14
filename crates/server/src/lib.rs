#![doc = include_str!("../README.md")]

pub mod cli;
mod completions;
pub mod config;
pub mod database;
pub mod demo;
mod doctor;
mod github_app;
pub mod github_sim;
pub mod http_client;
mod http_server;
pub mod keys;
pub mod logging;
mod man;
pub mod migrate;
pub mod mistakes;
mod period;
pub mod policy;
pub mod product;
pub mod reconcile;
mod secret;
pub mod serve;
mod sweep;
pub mod telemetry;
pub mod walk;
pub mod world;
