//! `GET /v1/whoami`

use axum::extract::Extension;
use axum::response::{IntoResponse, Response};
use axum::{Json, http::header};
use dockline::Caller;

use crate::wire::WhoamiBody;

pub(crate) async fn tell(Extension(caller): Extension<Caller>) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(WhoamiBody::from(&caller))).into_response()
}
