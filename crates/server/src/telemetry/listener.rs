//! `/metrics` on an address of its own.

use std::future::pending;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use dockline_axum::Exposition;
use dockline_listener::Limits;
use http::header;
use tokio::net::TcpListener;

use crate::http_server;

/// The media type of Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves `/metrics`, and nothing else, forever.
pub(crate) async fn serve(listener: TcpListener, exposition: Arc<dyn Exposition>) {
    let metrics = move || async move {
        ([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-store")], exposition.render())
    };
    let router = Router::new().route("/metrics", get(metrics));
    http_server::serve(listener, router, Limits::default(), pending()).await;
}
