//! The REST API.

mod access_token;
mod app;
mod applications;
mod conditional;
mod deliveries;
mod gate;
pub(crate) mod installation_requests;
mod jwt;
mod lookups;
pub(crate) mod openapi;
mod rate_limits;
mod repositories;
mod token_lifetime;
mod user;
