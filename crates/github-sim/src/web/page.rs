//! The layout of all pages, error pages, and redirects.

use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Forbids scripts and external content. `form-action` allows every site, since browsers apply it to redirects after a form, and those lead to Apps.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action http: https:; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#1f2328;background:#f6f8fa;margin:0}\
main{max-width:36rem;margin:2rem auto;padding:1.5rem 2rem;background:#fff;border:1px solid #d1d9e0;border-radius:6px}\
h1{font-size:1.5rem;margin-top:0}fieldset{border:1px solid #d1d9e0;border-radius:6px;margin:1rem 0}\
button{font:inherit;padding:.4rem 1rem;border:1px solid #1a6b31;border-radius:6px;background:#1f7a39;color:#fff;cursor:pointer}\
button.plain{background:#fff;color:#1f2328;border-color:#818b98}select{font:inherit;padding:.3rem}\
.notice{border-left:4px solid #9a6700;padding-left:.8rem}footer{max-width:36rem;margin:auto;color:#59636e;font-size:.85rem}";

pub(super) fn page(status: StatusCode, title: &str, main: Markup) -> Response {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · GitHub simulator" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { h1 { (title) } (main) }
                footer { "This is a simulator for development, not GitHub." }
            }
        }
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, html.into_string()).into_response()
}

pub(super) fn error_page(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, title, html! { p { (text) } })
}

pub(super) fn not_found() -> Response {
    error_page(StatusCode::NOT_FOUND, "Not found", "This is not the web page you are looking for.")
}

/// Returns a 302 redirect, the status that GitHub uses.
pub(super) fn found(url: &str) -> Response {
    match HeaderValue::try_from(url) {
        Ok(location) => (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
        Err(_) => error_page(StatusCode::BAD_REQUEST, "Invalid URL", "The redirect URL is not valid."),
    }
}
