//! What whoever runs the service asks it: is the process there, should it be sent requests, what does it count. No key is
//! needed, so nothing that is told here is anybody's secret (`contract.md` §3).

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use dockline::ErrorCode;
use http::{StatusCode, header};
use tokio::time::timeout;

use crate::options::Context;
use crate::wire::bodies::{CheckBody, HealthBody};
use crate::wire::error::{ApiError, Details};

/// The format of [`Exposition::render`](crate::Exposition::render): Prometheus' text.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long [`Readiness::checks`](dockline::ports::Readiness::checks) is waited for: probes give up after a few seconds themselves.
const PATIENCE: Duration = Duration::from_secs(5);

/// 200 as long as the process answers at all.
pub(super) async fn healthz() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(HealthBody { status: "ok", checks: None })).into_response()
}

/// 200 where every check holds, 503 otherwise.
pub(super) async fn readyz(State(context): State<Context>) -> Result<Response, ApiError> {
    let checks = match &context.options.readiness {
        Some(readiness) => timeout(PATIENCE, readiness.checks()).await.map_err(|_| ApiError::too_late())?,
        None => Vec::new(),
    };
    let fine = checks.iter().all(|check| check.failing.is_none());
    let checks: Vec<_> = checks.into_iter().map(CheckBody::from).collect();
    if fine {
        let body = HealthBody { status: "ok", checks: Some(checks) };
        return Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response());
    }
    let message = "This node is not ready for requests; details.checks says why.";
    Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, message)
        .with_details(Details::Checks { checks })
        .with_retry_after(Duration::from_secs(1)))
}

/// What the host counts; there is nothing at this path where it counts nothing.
pub(super) async fn metrics(State(context): State<Context>) -> Result<Response, ApiError> {
    let exposition = context.options.exposition.as_ref().ok_or_else(ApiError::internal)?;
    let headers = [(header::CONTENT_TYPE, EXPOSITION), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, exposition.render()).into_response())
}
