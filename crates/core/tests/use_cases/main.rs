//! The use cases over the memory adapters and a scripted GitHub, without HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "tests fail by panicking"
)]

mod admission;
mod authentication;
mod errors;
mod facts;
mod github_hangs;
mod install_flow;
mod jobs;
mod lifecycle;
mod registration;
mod serialization;
mod support;
mod tokens;
