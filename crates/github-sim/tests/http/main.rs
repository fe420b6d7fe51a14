//! The simulator over HTTP.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod browser;
mod control;
mod faults;
mod git;
mod rest;
mod support;
mod webhooks;
