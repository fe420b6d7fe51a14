//! HTTP itself: transport, queries, bodies, the OpenAPI document, operations, logs and metrics.

mod deliveries;
mod http_rules;
mod large_deliveries;
mod observe;
mod openapi;
mod operations;
mod queries;
mod request_body;
mod transport;
