//! `GET /v1/whoami`

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header;

use crate::middleware::authenticate::Admitted;
use crate::options::Context;
use crate::wire::bodies::{Json, WhoamiBody};
use crate::wire::error::ApiError;

pub(super) async fn get(
    _: Context,
    Admitted { caller, key, .. }: Admitted,
    _: Request,
) -> Result<Response, ApiError> {
    // A caller that the host's own login authenticated has no key.
    let Some(key) = key else { return Err(ApiError::no_such_path()) };
    let body = Json(WhoamiBody::new(&caller, &key));
    Ok(([(header::CACHE_CONTROL, "no-store")], body).into_response())
}
