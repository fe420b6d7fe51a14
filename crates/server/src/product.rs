//! Bean Counter, the product of the demo: what a customer of the API builds. A page with a button, and a backend that
//! holds the API key and talks to the API over HTTP like anybody else.

mod api;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use secrecy::SecretString;

use crate::http_client::{ClientFailed, loopback};
use api::{Api, Bound, Trouble};

/// Holds the state that this browser was given. Sent along when GitHub's detour leads back here, which `Strict` would
/// forbid. A product behind HTTPS says `Secure` and `__Host-` too; this one is plain HTTP on the loopback interface.
const COOKIE: &str = "bean-counter-state";

/// As long as the API's state lives.
const COOKIE_SECONDS: u32 = 15 * 60;

/// What the product is deployed with.
#[derive(Debug, Clone)]
pub struct ProductConfig {
    /// The API's base URL.
    pub api: String,
    /// The product's API key.
    pub key: SecretString,
    /// The product's own base URL.
    pub product: String,
    /// Where browsers come back: the product's base URL and `/connected`.
    pub return_url: String,
    /// The web origin of GitHub, where the button leads.
    pub github: String,
    /// Whether disconnecting also removes the App at GitHub. If not, it stays installed there, and can be connected again.
    pub uninstall: bool,
}

#[derive(Debug)]
struct Product {
    api: Api,
    config: ProductConfig,
}

/// The product's routes, below `/product`.
///
/// # Errors
/// [`ClientFailed`] where its HTTP client cannot be made.
pub fn router(config: ProductConfig) -> Result<Router, ClientFailed> {
    let api = Api::new(loopback()?, &config);
    let product = Arc::new(Product { api, config });
    Ok(Router::new()
        .route("/product", get(home))
        .route("/product/connect", post(connect))
        .route("/product/connected", get(connected))
        .route("/product/detach", post(detach))
        .route("/product/by-hand", get(by_hand))
        .route("/product/style.css", get(style))
        .layer(from_fn_with_state(Arc::clone(&product), protect))
        .with_state(product))
}

/// Refuses forms of other sites, and puts the headers of a careful page on every answer.
async fn protect(State(product): State<Arc<Product>>, request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site");
    let foreign = site.is_some_and(|site| site != "same-origin" && site != "none");
    let mut response = if foreign && request.method() == http::Method::POST {
        page(StatusCode::FORBIDDEN, pages::problem("FORBIDDEN", "This form came from another site."))
    } else {
        next.run(request).await
    };
    // Browsers hold the redirects of a form to form-action too, and the button's lead to GitHub.
    let policy = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {}",
        product.config.github
    );
    let headers = response.headers_mut();
    headers
        .extend(HeaderValue::try_from(policy).ok().map(|policy| (header::CONTENT_SECURITY_POLICY, policy)));
    for (name, value) in [
        // The address of the return page holds the state.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], pages::STYLE).into_response()
}

async fn home(State(product): State<Arc<Product>>) -> Response {
    match product.api.bound().await {
        Ok(Some(bound)) => page(StatusCode::OK, pages::connected(&bound)),
        Ok(None) => page(StatusCode::OK, pages::not_connected()),
        Err(trouble) => failed(&trouble),
    }
}

/// The button: asks the API for a link, remembers its state in this browser, and goes there.
async fn connect(State(product): State<Arc<Product>>) -> Response {
    match product.api.install_link(&product.config.return_url).await {
        Ok(link) => {
            let mut response = see_other(&link.install_url);
            set_cookie(&mut response, &link.state, COOKIE_SECONDS);
            response
        }
        Err(trouble) => failed(&trouble),
    }
}

/// What GitHub's detour brings back. Anybody can make such an address up and send it to somebody.
#[derive(Debug, Default)]
struct Returned {
    installation_id: Option<String>,
    state: Option<String>,
    setup_action: Option<String>,
    error: Option<String>,
}

impl Returned {
    fn parse(query: Option<String>) -> Self {
        let mut returned = Self::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let field = match name.as_ref() {
                "installation_id" => &mut returned.installation_id,
                "state" => &mut returned.state,
                "setup_action" => &mut returned.setup_action,
                "error" => &mut returned.error,
                _ => continue,
            };
            *field = Some(value.into_owned());
        }
        returned
    }
}

async fn connected(
    State(product): State<Arc<Product>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let returned = Returned::parse(query);
    // Without this check, a stranger could have their own installation connected in this person's name.
    let Some(state) = returned.state.filter(|state| cookie(&headers).as_ref() == Some(state)) else {
        let message =
            "This connection was not started in this browser, or too long ago. Nothing was connected.";
        return page(StatusCode::FORBIDDEN, pages::problem("STATE_MISMATCH", message));
    };
    let mut response = match (returned.error.as_deref(), returned.setup_action.as_deref()) {
        (Some("access_denied"), _) => page(StatusCode::OK, pages::cancelled()),
        (Some(_), _) => page(StatusCode::OK, pages::problem("GITHUB", "GitHub reported an error.")),
        (None, Some("request")) if returned.installation_id.is_none() => {
            page(StatusCode::OK, pages::waiting())
        }
        _ => match returned.installation_id.and_then(|id| id.parse::<u64>().ok()) {
            Some(installation) => match product.api.register(installation, &state).await {
                Ok(_) => see_other(&product.config.product),
                // The cookie stays where a reload may still succeed.
                Err(trouble) => return failed(&trouble),
            },
            None => page(
                StatusCode::BAD_REQUEST,
                pages::problem("BAD_RETURN", "GitHub's answer names no installation."),
            ),
        },
    };
    set_cookie(&mut response, "", 0);
    response
}

async fn detach(State(product): State<Arc<Product>>) -> Response {
    match product.api.detach().await {
        Ok(()) => see_other(&product.config.product),
        Err(trouble) => failed(&trouble),
    }
}

/// The end of a connection that began on a command line: only shows the number to go on with.
async fn by_hand(RawQuery(query): RawQuery) -> Response {
    let returned = Returned::parse(query);
    match returned.installation_id.and_then(|id| id.parse::<u64>().ok()) {
        Some(installation) => page(StatusCode::OK, pages::by_hand(installation)),
        None => page(StatusCode::OK, pages::cancelled()),
    }
}

fn page(status: StatusCode, html: String) -> Response {
    (status, Html(html)).into_response()
}

fn failed(trouble: &Trouble) -> Response {
    tracing::warn!(code = trouble.code, request_id = trouble.request_id, "the API refused the product");
    page(StatusCode::BAD_GATEWAY, pages::problem(&trouble.code, &trouble.message))
}

fn see_other(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => {
            page(StatusCode::BAD_GATEWAY, pages::problem("BAD_ADDRESS", "The API gave a broken address."))
        }
    }
}

fn set_cookie(response: &mut Response, value: &str, seconds: u32) {
    let cookie = format!("{COOKIE}={value}; Path=/product; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}
