//! Bean Counter, a product as a customer of the API builds it: a page with a button, and a backend that holds the API key and
//! calls the API over HTTP.

mod api;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use secrecy::SecretString;
use serde::Deserialize;

use crate::http_client::loopback;
use crate::journal::Journal;
use api::{Api, ApiError};

/// Stores the state that the API issued for this browser. Behind HTTPS a product would add `Secure` and the prefix `__Host-`.
const COOKIE: &str = "bean-counter-state";

/// The lifetime of the API's state.
const COOKIE_LIFETIME: Duration = Duration::minutes(15);

#[derive(Debug, Clone)]
pub(crate) struct ProductConfig {
    /// The base URL of the API.
    pub(crate) api: String,
    /// The product's API key.
    pub(crate) key: SecretString,
    /// The URL of the product's page.
    pub(crate) product: String,
    /// The product's return URL.
    pub(crate) return_url: String,
    /// The web origin of GitHub, to which the connect form redirects.
    pub(crate) github: String,
    /// The steps of the flow, for the page.
    pub(crate) journal: Journal,
    /// Uninstall the App at GitHub when the account is disconnected. Otherwise it can be connected again.
    pub(crate) uninstall: bool,
}

#[derive(Debug)]
struct Product {
    api: Api,
    config: ProductConfig,
}

/// Returns the product's routes, below `/product`.
pub(crate) fn router(config: ProductConfig) -> reqwest::Result<Router> {
    let api = Api::new(loopback().build()?, &config);
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

/// Middleware: rejects forms of other sites and adds the security headers.
async fn protect(State(product): State<Arc<Product>>, request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site");
    let cross_site = site.is_some_and(|site| site != "same-origin" && site != "none");
    let mut response = if cross_site && request.method() == Method::POST {
        let message = "This form belongs to another site.";
        (StatusCode::FORBIDDEN, pages::problem("FORBIDDEN", message)).into_response()
    } else {
        next.run(request).await
    };
    // Browsers apply form-action to redirects of a form too, and the connect form redirects to GitHub.
    let policy = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {}",
        product.config.github
    );
    let headers = response.headers_mut();
    headers
        .extend(HeaderValue::try_from(policy).ok().map(|policy| (header::CONTENT_SECURITY_POLICY, policy)));
    for (name, value) in [
        // The URL of the return page contains the state.
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

async fn home(State(product): State<Arc<Product>>) -> Result<Response, ApiError> {
    let steps = product.config.journal.steps();
    Ok(match product.api.binding().await? {
        Some(binding) => pages::connected(&binding, &steps),
        None => pages::not_connected(&steps),
    }
    .into_response())
}

/// Asks the API for an install link, stores its state in the browser, and redirects there.
async fn connect(State(product): State<Arc<Product>>) -> Result<Response, ApiError> {
    let link = product.api.install_link(&product.config.return_url).await?;
    Ok((set_cookie(link.state, COOKIE_LIFETIME), Redirect::to(&link.install_url)).into_response())
}

/// The query of the return URL. An attacker can forge it and send it to a victim.
#[derive(Debug, Default, Deserialize)]
struct Returned {
    installation_id: Option<String>,
    state: Option<String>,
    setup_action: Option<String>,
    error: Option<String>,
}

impl Returned {
    fn installation(&self) -> Option<u64> {
        self.installation_id.as_ref()?.parse().ok()
    }
}

async fn connected(
    State(product): State<Arc<Product>>,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Result<Response, ApiError> {
    // Without this check an attacker could connect their own installation to the visitor's organization.
    let Some(state) = returned.state.as_ref().filter(|state| cookie(&headers).as_ref() == Some(*state))
    else {
        let message =
            "This connection was started in another browser, or too long ago. Nothing was connected.";
        return Ok((StatusCode::FORBIDDEN, pages::problem("STATE_MISMATCH", message)).into_response());
    };
    let response = match (returned.error.as_deref(), returned.setup_action.as_deref()) {
        (Some("access_denied"), _) => pages::cancelled().into_response(),
        (Some(_), _) => pages::problem("GITHUB", "GitHub reported an error.").into_response(),
        (None, Some("request")) if returned.installation_id.is_none() => pages::waiting().into_response(),
        _ => match returned.installation() {
            Some(installation) => {
                // An error keeps the cookie, so that reloading the page can succeed.
                product.api.register(installation, state).await?;
                Redirect::to(&product.config.product).into_response()
            }
            None => {
                let page = pages::problem("BAD_RETURN", "GitHub's redirect contains no installation id.");
                (StatusCode::BAD_REQUEST, page).into_response()
            }
        },
    };
    Ok((set_cookie(String::new(), Duration::ZERO), response).into_response())
}

async fn detach(State(product): State<Arc<Product>>) -> Result<Redirect, ApiError> {
    product.api.detach().await?;
    Ok(Redirect::to(&product.config.product))
}

/// The return URL of a connection that was started on the command line: shows the installation id.
async fn by_hand(Query(returned): Query<Returned>) -> Response {
    match returned.installation() {
        Some(installation) => pages::by_hand(installation),
        None => pages::cancelled(),
    }
    .into_response()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        tracing::warn!(
            code = self.code,
            request_id = self.request_id,
            "the API rejected the product's request"
        );
        (StatusCode::BAD_GATEWAY, pages::problem(&self.code, &self.message)).into_response()
    }
}

/// `SameSite=Strict` would withhold the cookie when GitHub redirects to the return URL.
fn set_cookie(value: String, lifetime: Duration) -> [(http::HeaderName, String); 1] {
    let cookie = Cookie::build((COOKIE, value))
        .path("/product")
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(lifetime);
    [(header::SET_COOKIE, cookie.to_string())]
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(Cookie::split_parse)
        .flatten()
        .find(|cookie| cookie.name() == COOKIE && !cookie.value().is_empty())
        .map(|cookie| cookie.value().to_owned())
}
