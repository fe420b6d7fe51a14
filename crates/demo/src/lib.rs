#![doc = include_str!("../README.md")]

pub mod environment;
pub mod guide;
pub mod http_client;
mod journal;
pub mod options;
mod product;
pub mod scenario;
