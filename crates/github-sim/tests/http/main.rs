//! The simulator over real HTTP, one module for each thing that it promises.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod adoption;
mod app_api;
mod control;
mod deliveries;
mod delivery_modes;
mod faults;
mod gate;
mod github_openapi;
mod install_flow;
mod installation_requests;
mod jwt;
mod oauth;
mod receiver;
mod session;
mod settings;
mod support;
mod user_api;
mod webhook_control;
mod webhook_events;
mod webhook_schema;
mod webhook_signature;
