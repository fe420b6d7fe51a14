//! The gateway against a scripted GitHub, on real sockets.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod app_settings;
mod config;
mod installer;
mod jwt;
mod listing;
mod logs;
mod lookup;
mod mint;
mod observed;
mod pause;
mod proof;
mod rate;
mod revocation;
mod scripted;
mod secrets;
mod setting;
mod signer;
mod skew;
mod tls;
mod trouble;
mod uninstall;
