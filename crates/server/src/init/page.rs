//! The pages that the browser sees between `dockline init` and GitHub.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

/// `form-action` allows every site, since browsers apply it to redirects after the form, such as to a single sign-on.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action http: https:; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;color:#1f2328;background:#f6f8fa;margin:0}\
main{max-width:36rem;margin:8vh auto;padding:0 1.2rem}h1{font-size:1.5rem}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.2rem}dt{color:#59636e}dd{margin:0;overflow-wrap:anywhere}\
button{font:inherit;padding:.6rem 1.4rem;border:1px solid #1a6b31;border-radius:.4rem;background:#1f7a39;color:#fff;cursor:pointer}";

/// The page that posts the manifest to GitHub.
pub(super) fn start(target: &str, manifest: &Value) -> Response {
    let text = |key: &str| manifest.pointer(key).and_then(Value::as_str);
    page(
        StatusCode::OK,
        "Create the GitHub App",
        html! {
            p { "GitHub shows the App's name, which you can change, and creates the App with these settings:" }
            dl {
                dt { "Callback" } dd { (text("/callback_urls/0").unwrap_or_default()) }
                dt { "Webhook" } dd {
                    (text("/hook_attributes/url").unwrap_or("none, since GitHub cannot reach this machine"))
                }
                dt { "Permissions" } dd { "Members: read, Metadata: read" }
            }
            p { "Add what your product needs afterwards, on the App's settings page." }
            form method="post" action=(target) {
                input type="hidden" name="manifest" value=(manifest.to_string());
                button #continue type="submit" { "Continue at GitHub" }
            }
        },
    )
}

/// The page after GitHub created the App.
pub(super) fn created(name: &str) -> Response {
    page(
        StatusCode::OK,
        "The App is created",
        html! {
            p { "GitHub created " strong { (name) } ". Go back to the terminal, and close this page." }
        },
    )
}

/// The page for what did not work.
pub(super) fn problem(status: StatusCode, text: &str) -> Response {
    page(status, "The App is not configured", html! { p role="alert" { (text) } })
}

fn page(status: StatusCode, title: &str, main: Markup) -> Response {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · dockline init" }
                style { (PreEscaped(STYLE)) }
            }
            body { main { h1 { (title) } (main) } }
        }
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // GitHub sees the origin, but not the secret path.
        (REFERRER_POLICY, HeaderValue::from_static("strict-origin")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, html.into_string()).into_response()
}
