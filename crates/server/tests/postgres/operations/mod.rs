//! The output for operators: health, metrics and spans.

pub(crate) mod exposition;
mod health;
mod metrics;
#[cfg(feature = "otel")]
mod otel;
