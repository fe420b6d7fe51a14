#![doc = include_str!("../README.md")]

mod app_database;
pub mod apps;
pub mod backup;
pub mod bindings;
pub mod cli;
pub mod config;
pub mod database;
pub mod deliveries;
mod doctor;
mod generate;
mod github_app;
mod http_server;
mod init;
pub mod installations;
pub mod keys;
pub mod logging;
pub mod migrate;
pub mod moving;
pub mod organizations;
pub mod reconcile;
pub mod serve;
mod storage;
pub mod telemetry;
mod terminal;
