//! The use cases over the memory adapters and a scripted GitHub, without HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "tests fail by panicking"
)]

mod authentication;
mod callback;
mod choice;
mod confirmation;
mod denials;
mod detach;
mod errors;
mod installer;
mod jobs;
mod life;
mod lives;
mod membership;
mod reconcile;
mod refresh;
mod refusals;
mod registration;
mod repeats;
mod repositories;
mod repository_pages;
mod serialization;
mod start_install;
mod support;
mod tokens;
mod web_flow;
mod webhooks;
