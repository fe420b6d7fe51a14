#![doc = include_str!("../README.md")]

pub mod address;
pub mod cli;
pub mod database;
pub mod demo;
pub mod github_sim;
pub mod http_client;
pub mod keys;
pub mod listener;
pub mod logging;
pub mod migrate;
pub mod policy;
pub mod product;
pub mod serve;
pub mod signals;
pub mod walk;
pub mod world;
