//! `dockline init` as a process, against a simulated GitHub.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod answers;
mod create_app;
mod first_hour;
#[path = "../support/http_client.rs"]
mod http_client;
mod places;
mod questions;
mod scene;
mod terminal;
mod texts;
mod troubles;
