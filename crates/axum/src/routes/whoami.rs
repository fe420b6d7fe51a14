//! `GET /v1/whoami`

use axum::extract::Extension;
use axum::response::{IntoResponse, Response};
use dockline::Caller;
use http::header;

use crate::middleware::authenticate::ByKey;
use crate::wire::bodies::{Json, WhoamiBody};
use crate::wire::error::ApiError;

pub(super) async fn get(
    Extension(caller): Extension<Caller>,
    key: Option<Extension<ByKey>>,
) -> Result<Response, ApiError> {
    // A caller that the host's own login authenticated has no key.
    let Some(Extension(ByKey(key))) = key else { return Err(ApiError::no_such_path()) };
    let body = Json(WhoamiBody::new(&caller, &key));
    Ok(([(header::CACHE_CONTROL, "no-store")], body).into_response())
}
