//! What happens to requests before they reach a handler: the request log, faults and rate limits.

pub(crate) mod fault;
pub(crate) mod fault_response;
pub(crate) mod rate_limit;
pub(crate) mod request_log;
