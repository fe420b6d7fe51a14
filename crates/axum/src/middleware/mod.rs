//! What surrounds every route: request ids, spans and metrics, error bodies, authentication, limits.

pub(crate) mod auth_failures;
pub(crate) mod authenticate;
pub(crate) mod budget_headers;
mod cross_site;
pub(crate) mod envelope;
pub(crate) mod observe;
pub(crate) mod request_id;
pub(crate) mod trace_parent;
