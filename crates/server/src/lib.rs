#![doc = include_str!("../README.md")]

pub mod address;
pub mod cli;
pub mod database;
pub mod demo;
mod github_app;
pub mod github_sim;
pub mod http_client;
pub mod keys;
pub mod listener;
pub mod logging;
pub mod migrate;
mod period;
pub mod policy;
pub mod product;
pub mod reconcile;
pub mod serve;
pub mod signals;
mod sweep;
pub mod telemetry;
pub mod walk;
pub mod world;
