//! The middleware of every route: request ids, spans and metrics, error bodies, authentication, limits.

pub(crate) mod auth_failures;
pub(crate) mod authenticate;
pub(crate) mod budget_headers;
mod client_address;
mod cross_site;
pub(crate) mod envelope;
mod failure_store;
pub(crate) mod observe;
mod request_head;
pub(crate) mod request_id;
pub(crate) mod tenant_selector;
pub(crate) mod trace_parent;
