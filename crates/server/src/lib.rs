#![doc = include_str!("../README.md")]

pub mod cli;
pub mod demo;
pub mod github_sim;
pub mod http_client;
pub mod listener;
pub mod logging;
pub mod product;
pub mod signals;
pub mod walk;
