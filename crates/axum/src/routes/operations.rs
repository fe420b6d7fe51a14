//! `GET /healthz`, `/readyz` and `/metrics`, for operators. They need no key, so their responses hold no secrets.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use dockline::ErrorCode;
use http::{StatusCode, header};
use tokio::time::timeout;

use crate::options::Context;
use crate::wire::bodies::{CheckBody, HealthBody, Json};
use crate::wire::error::{ApiError, Details};

/// The media type of [`Exposition::render`](crate::Exposition::render).
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The deadline of [`Readiness::checks`](dockline::ports::Readiness::checks); probes give up after a few seconds.
const CHECKS_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers 200.
pub(super) async fn healthz() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(HealthBody { status: "ok", checks: None })).into_response()
}

/// Answers 200 if every check passes, 503 otherwise.
pub(super) async fn readyz(State(context): State<Context>) -> Result<Response, ApiError> {
    let checks = match &context.options.readiness {
        Some(readiness) => {
            timeout(CHECKS_TIMEOUT, readiness.checks()).await.map_err(|_| ApiError::timed_out())?
        }
        None => Vec::new(),
    };
    let ready = checks.iter().all(|check| check.failing.is_none());
    let checks: Vec<_> = checks.into_iter().map(CheckBody::from).collect();
    if ready {
        let body = HealthBody { status: "ok", checks: Some(checks) };
        return Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response());
    }
    let message = "This node is not ready for requests; details.checks says why.";
    Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, message)
        .with_details(Details::Checks { checks })
        .with_retry_after(Duration::from_secs(1)))
}

/// Answers the metrics. The route exists only with [`RouterOptions::with_metrics`](crate::RouterOptions::with_metrics).
pub(super) async fn metrics(State(context): State<Context>) -> Result<Response, ApiError> {
    let exposition = context.options.exposition.as_ref().ok_or_else(ApiError::internal)?;
    let headers = [(header::CONTENT_TYPE, PROMETHEUS_TEXT), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, exposition.render()).into_response())
}
