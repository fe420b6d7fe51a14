//! `/metrics` on an address of its own.

use std::future::pending;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use dockline_axum::Exposition;
use http::header;
use tokio::net::TcpListener;

use crate::listener::{self, Limits};

/// The format of what is told.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers scrapes, and nothing else, for ever.
pub(crate) async fn serve(listener: TcpListener, exposition: Arc<dyn Exposition>) {
    let told = move || async move {
        ([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-store")], exposition.render())
    };
    listener::serve(listener, Router::new().route("/metrics", get(told)), Limits::default(), pending()).await;
}
