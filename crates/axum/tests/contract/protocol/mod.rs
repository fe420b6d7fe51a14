//! HTTP itself: transport, queries, bodies, the OpenAPI document, operations, logs and metrics.

mod http_rules;
mod observe;
mod openapi;
mod operations;
mod queries;
mod request_body;
mod transport;
