//! Queries and bodies of requests, bodies of responses, errors.

pub(crate) mod bodies;
mod core_errors;
pub(crate) mod error;
mod error_code;
pub(crate) mod header_list;
pub(crate) mod query;
pub(crate) mod request_body;

pub use error_code::ApiErrorCode;
