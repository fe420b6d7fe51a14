//! The simulator over real HTTP, one module for each thing that it promises.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod app_api;
mod control;
mod faults;
mod gate;
mod github_openapi;
mod install_flow;
mod jwt;
mod oauth;
mod session;
mod settings;
mod support;
mod user_api;
