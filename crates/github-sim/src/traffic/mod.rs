//! The stages before a handler: the request log, faults and rate limits.

pub(crate) mod fault;
pub(crate) mod fault_response;
pub(crate) mod faults;
pub(crate) mod list_fault;
pub(crate) mod rate_limit;
pub(crate) mod refusal;
pub(crate) mod request_log;
pub(crate) mod target;
