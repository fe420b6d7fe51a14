//! Flags, environment and file; help, completions and manual. Needs neither network nor database.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod config_errors;
mod dashboard;
mod forwarding;
mod precedence;
mod program;
mod reference;
mod secrets;
mod shells;
