//! The gateway against a scripted GitHub, over sockets.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod auth;
mod config;
mod connect_proxy;
mod fixtures;
mod http;
mod logs;
mod operations;
mod scripted;
