//! Requests to GitHub: the HTTPS client, what every call has in common, and the meaning of each response.

mod api;
mod client;
mod connector;
mod error_mapping;
mod links;
mod rate_limit;
mod redact;
mod request;
mod response;

pub(crate) use api::Api;
pub(crate) use client::HttpClient;
pub(crate) use error_mapping::error_of;
pub(crate) use links::{PER_PAGE, PageOf, next_page, next_query};
pub(crate) use redact::redacted;
pub(crate) use request::{Credential, Request};
pub(crate) use response::Response;
