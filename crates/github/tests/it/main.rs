//! The gateway against a scripted GitHub, over sockets.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod app_settings;
mod config;
mod connect_proxy;
mod failures;
mod fixtures;
mod installer;
mod jwt;
mod listing;
mod logs;
mod lookup;
mod mint;
mod observer;
mod pause;
mod proxy;
mod rate_budget;
mod scripted;
mod secrets;
mod signer;
mod skew;
mod tls;
mod uninstall;
mod visitor;
mod visitor_token;
