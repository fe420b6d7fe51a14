//! `dockline init` as a process, against a simulated GitHub.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod answers;
mod create_app;
#[path = "../support/http_client.rs"]
mod http_client;
mod scene;
