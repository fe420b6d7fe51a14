//! A host with its own login, pages and routes, which calls the use cases itself. It has no API keys and does not use
//! `dockline-axum`.
//!
//! ```toml
//! [dependencies]
//! axum = "0.8"
//! cookie = "0.18"
//! dockline = "0.1"
//! dockline-github = "0.1"
//! dockline-memory = "0.1"
//! form_urlencoded = "1"
//! maud = "0.27"
//! tokio = { version = "1", features = ["full"] }
//! tracing = "0.1"
//! ```
//!
//! `cargo run -p dockline-axum --example own_pages` serves it with a simulated GitHub. With `--check` it performs the flow
//! and exits with 0 only if every response is right.

#[path = "support/login.rs"]
mod login;
#[path = "support/simulation.rs"]
mod simulation;
#[path = "support/visitor.rs"]
mod visitor;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{RawForm, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Router, response::AppendHeaders};
use cookie::{Cookie, SameSite};
use dockline::{
    Actor, Authorization, BrowserSecret, Callback, CallbackError, CallbackOutcome, Caller, CodeVerifier,
    ConfirmationAnswer, ConfirmationPrompt, Dockline, ErrorCode, InstallationChoice, Ports,
    RegistrationRequest, StartInstallRequest, Ticket, Uninstall, WaysOut, WebhookDelivery, WebhookSecrets,
};
use dockline_github::GithubApp;
use dockline_github_sim::GithubSim;
use dockline_memory::{MemoryBindingRepo, MemoryStateStore};
use maud::{DOCTYPE, Markup, html};

use login::Login;
use simulation::{Result, Simulation};
use visitor::{OWN_PAGE, Visitor};

const CALLBACK: &str = "/github/callback";
const WEBHOOKS: &str = "/github/webhooks";

/// The largest webhook that GitHub sends.
const MAX_DELIVERY: usize = 25 * 1024 * 1024;

#[derive(Clone)]
struct Host {
    dockline: Dockline,
    login: Arc<Login>,
    /// Where browsers reach the host.
    origin: String,
    /// The state that each user's browser waits for. A host with a session store keeps it there.
    expected_states: Arc<Mutex<HashMap<Actor, String>>>,
}

fn routes(host: Host) -> Router {
    Router::new()
        .route("/github", get(show))
        .route("/github/connect", post(connect))
        .route(CALLBACK, get(callback))
        .route("/github/confirm", post(confirm))
        .route("/github/connected", get(connected))
        .route("/github/disconnect", post(disconnect))
        .route(WEBHOOKS, post(webhook))
        .with_state(host)
}

// docs: caller
impl Host {
    /// Returns the caller if the request comes from a signed-in administrator. The session cookie is SameSite=Lax, so other
    /// sites cannot use it in a POST; no GET below has an effect that another site could want.
    fn caller(&self, headers: &HeaderMap) -> Result<Caller, StatusCode> {
        let user = self.login.user(headers).ok_or(StatusCode::UNAUTHORIZED)?;
        let caller = Caller::new(user.organization, user.organization_name, user.name);
        user.is_admin.then(|| caller.with_return_hosts(["localhost"])).ok_or(StatusCode::FORBIDDEN)
    }
}
// docs: end

// docs: connect
async fn connect(State(host): State<Host>, headers: HeaderMap) -> Result<Redirect, Response> {
    let caller = host.caller(&headers).map_err(IntoResponse::into_response)?;
    let return_url = format!("{}/github/connected", host.origin);
    let request = StartInstallRequest { return_url: Some(&return_url), state: None };
    let link = host.dockline.start_install(&caller, request).await.map_err(|e| failed(e.code(), &e))?;
    let mut expected = host.expected_states.lock().unwrap_or_else(PoisonError::into_inner);
    expected.insert(caller.actor, link.state.expose().to_owned());
    Ok(Redirect::to(&link.url))
}
// docs: end

// docs: callback
async fn callback(
    State(host): State<Host>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    // Link checkers and prefetches must not use the visitor's code up.
    if method == Method::HEAD {
        return Ok(StatusCode::OK.into_response());
    }
    if headers.contains_key("sec-purpose") || headers.contains_key("purpose") {
        return Err(StatusCode::SERVICE_UNAVAILABLE.into_response());
    }
    let pairs: Vec<_> = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes()).collect();
    let query: HashMap<_, _> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    let parameter = |name| query.get(name).copied();
    let callback_url = format!("{}{CALLBACK}", host.origin);
    let callback = Callback {
        state: parameter("state"),
        installation_id: parameter("installation_id"),
        code: parameter("code"),
        setup_action: parameter("setup_action"),
        error: parameter("error"),
        select_account: parameter("prompt") == Some("select_account"),
        ambiguous: query.len() < pairs.len(),
        verifier: None,
        callback_url: Some(&callback_url),
    };
    let verifier = callback.nonce().and_then(|nonce| cookie(&headers, &format!("{FLOW}-{nonce}")));
    let verifier = verifier.map(CodeVerifier::presented);
    let callback = Callback { verifier: verifier.as_ref(), ..callback };
    Ok(match host.dockline.handle_callback(callback).await.map_err(|e| refused(&e))? {
        CallbackOutcome::Confirm(prompt) => ask(&prompt),
        CallbackOutcome::Choose(choice) => choose(&choice),
        CallbackOutcome::Redirect(product) => Redirect::to(&product.url).into_response(),
        CallbackOutcome::Unsolicited { url } => Redirect::to(&url).into_response(),
        CallbackOutcome::Authorize(github) => authorize(&github),
    })
}

/// GitHub's redirect back is a navigation from another site, to which browsers do not send a Strict cookie.
fn authorize(github: &Authorization) -> Response {
    let cookie = Cookie::build((format!("{FLOW}-{}", github.nonce), github.verifier.expose()))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Authorization::LIFETIME.try_into().unwrap_or_default());
    let to = Redirect::to(&github.url);
    (AppendHeaders([(header::SET_COOKIE, cookie.to_string())]), to).into_response()
}

/// GitHub named no installation, so the visitor chooses one.
fn choose(choice: &InstallationChoice) -> Response {
    let chosen = |query: &str| format!("{CALLBACK}?{query}");
    let page = page(&html! {
        p { "Connect one of these accounts to " b { (choice.organization_name) } ":" }
        @for option in &choice.options {
            p { a href=(chosen(&option.query)) { (option.account.login) } }
        }
        p { a href=(choice.install_url) { "Install the App on another account" } }
        (links(&choice.ways_out))
    });
    page.into_response()
}

/// A refusal: what the visitor can do, and the way back to the product.
fn refused(error: &CallbackError) -> Response {
    tracing::warn!(code = %error.code(), %error, "visit refused");
    let main = html! { p { "GitHub was not connected: " (error) } (links(error.ways_out())) };
    (StatusCode::UNPROCESSABLE_ENTITY, page(&main)).into_response()
}

fn links(ways_out: &WaysOut) -> Markup {
    let visit = |query: &str| format!("{CALLBACK}?{query}");
    html! {
        @if let Some(url) = &ways_out.single_sign_on { p { a href=(url) { "Sign in to the organization" } } }
        @if let Some(query) = &ways_out.again { p { a href=(visit(query)) { "Continue with GitHub" } } }
        @if let Some(query) = &ways_out.other_account { p { a href=(visit(query)) { "Use another account" } } }
        @if let Some(url) = &ways_out.return_url { p { a href=(url) { "Back" } } }
    }
}

/// The confirmation page. The cookie ties the answer to this browser; the page must not be framed.
fn ask(prompt: &ConfirmationPrompt) -> Response {
    let cookie = Cookie::build((prompt.ticket.cookie_name(VISIT), prompt.browser.expose()))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(prompt.expires_in.try_into().unwrap_or_default());
    let page = page(&html! {
        p { "Connect " b { (prompt.account.login) } " on GitHub to " b { (prompt.organization_name) }
            " (" (prompt.organization) ")? " (prompt.actor) " asked for it, and you return to " (prompt.return_host)
            ". If you did not start this yourself a moment ago, cancel." }
        form method="post" action="/github/confirm" {
            input type="hidden" name="state" value=(prompt.state.expose());
            input type="hidden" name="ticket" value=(prompt.ticket.expose());
            button name="answer" value="confirm" { "Confirm" }
            button name="answer" value="cancel" { "Cancel" }
        }
    });
    (AppendHeaders([(header::SET_COOKIE, cookie.to_string())]), page).into_response()
}

/// The prefix binds the cookies to this host and to HTTPS.
const VISIT: &str = "__Host-visit";
const FLOW: &str = "__Host-flow";

/// Cookies are octets: one that is not text must not hide the others.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().map(|line| line.as_bytes());
    let mut cookies = lines.flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    let value = cookies.find_map(|cookie| cookie.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(value.to_vec()).ok()
}

async fn confirm(
    State(host): State<Host>,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Result<Redirect, Response> {
    let form = fields(&form);
    let field = |name| form.get(name).map(String::as_str);
    let ticket = Ticket::presented(field("ticket").unwrap_or_default());
    let browser = cookie(&headers, &ticket.cookie_name(VISIT)).map(BrowserSecret::presented);
    let answer = ConfirmationAnswer {
        state: field("state"),
        ticket: &ticket,
        browser: browser.as_ref(),
        confirmed: field("answer") == Some("confirm"),
    };
    let product = host.dockline.confirm(answer).await.map_err(|e| refused(&e))?;
    Ok(Redirect::to(&product.url))
}
// docs: end

// docs: connected
/// The return URL. The state must be the one that this user's browser waits for: another person may have sent the link.
async fn connected(
    State(host): State<Host>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let caller = host.caller(&headers).map_err(IntoResponse::into_response)?;
    let query = fields(query.unwrap_or_default().as_bytes());
    let state = query.get("state");
    let expected =
        host.expected_states.lock().unwrap_or_else(PoisonError::into_inner).get(&caller.actor).cloned();
    if state.is_none() || state != expected.as_ref() {
        return Err(
            (StatusCode::BAD_REQUEST, page(&html! { p { "This link was not made here." } })).into_response()
        );
    }
    if query.contains_key("error") {
        return Ok(page(&html! { p { "Nothing was connected." } }).into_response());
    }
    let installation = query.get("installation_id").and_then(|id| id.parse().ok());
    let state = state.and_then(|state| dockline::State::parse(state.as_str()).ok());
    let (Some(installation), Some(state)) = (installation, state) else {
        return Ok(
            page(&html! { p { "The owners of the account were asked to install the App." } }).into_response()
        );
    };
    let request = RegistrationRequest { installation, state };
    let registered = host.dockline.register(&caller, &request).await.map_err(|e| failed(e.code(), &e))?;
    let account = &registered.binding().account;
    Ok(page(&html! { p { "Connected " b #login { (account.login) } } }).into_response())
}
// docs: end

// docs: own-use-cases
async fn show(State(host): State<Host>, headers: HeaderMap) -> Result<Page, Response> {
    let caller = host.caller(&headers).map_err(IntoResponse::into_response)?;
    let binding = host.dockline.binding(&caller).await.map_err(|e| failed(e.code(), &e))?;
    Ok(page(&match binding {
        Some(binding) => html! { p { b #login { (binding.account.login) } " is " (binding.status) } },
        None => html! { form method="post" action="/github/connect" { button { "Connect GitHub" } } },
    }))
}

async fn disconnect(State(host): State<Host>, headers: HeaderMap) -> Result<Redirect, Response> {
    let caller = host.caller(&headers).map_err(IntoResponse::into_response)?;
    host.dockline.detach(&caller, Uninstall::No).await.map_err(|e| failed(e.code(), &e))?;
    Ok(Redirect::to("/github"))
}

async fn webhook(State(host): State<Host>, headers: HeaderMap, body: Body) -> Result<StatusCode, Response> {
    let signature = headers.get("x-hub-signature-256").map(|value| value.as_bytes());
    let unsigned = |_| StatusCode::UNAUTHORIZED.into_response();
    host.dockline.precheck_signature(signature).map_err(unsigned)?;
    let body =
        to_bytes(body, MAX_DELIVERY).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE.into_response())?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (event, content_type) = (text("x-github-event"), text("content-type"));
    let id = None; // Only a host that hands deliveries to the product needs `X-GitHub-Delivery`.
    let delivery = WebhookDelivery { signature, event, id, content_type, body: &body };
    let outcome = host.dockline.handle_webhook(delivery).await.map_err(|e| failed(e.code(), &e))?;
    // After the response: GitHub waits ten seconds at most. `dockline_worker` retries and merges such refreshes.
    if let Some(installation) = outcome.refresh {
        tokio::spawn(async move { host.dockline.refresh(installation).await });
    }
    Ok(StatusCode::ACCEPTED)
}
// docs: end

fn fields(form: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(form).into_owned().collect()
}

fn failed(code: ErrorCode, error: &impl std::error::Error) -> Response {
    tracing::warn!(%code, %error, "request failed");
    let status =
        if code.is_retryable() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::UNPROCESSABLE_ENTITY };
    (status, page(&html! { p { "GitHub was not connected: " (code) } })).into_response()
}

const HEADERS: [(header::HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

type Page = ([(header::HeaderName, &'static str); 4], Html<String>);

fn page(main: &Markup) -> Page {
    (HEADERS, Html(html! { (DOCTYPE) html lang="en" { title { "GitHub" } body { (main) } } }.into_string()))
}

#[tokio::main]
async fn main() -> Result {
    let simulation = Simulation::start(CALLBACK, WEBHOOKS).await?;
    let dockline = Dockline::builder(Ports {
        states: Arc::new(MemoryStateStore::new()),
        bindings: Arc::new(MemoryBindingRepo::new()),
        github: Arc::new(GithubApp::new(simulation.settings()?)?),
    })
    .with_webhook_secrets(WebhookSecrets::new([simulation.app.webhook_secret.clone()])?)
    .build()?;
    let (login, origin) = (Login::new()?, simulation.origin.clone());
    let host = Host { dockline, login: Arc::clone(&login), origin, expected_states: Arc::default() };
    simulation.serve(routes(host).merge(login.routes()), check).await
}

async fn check(origin: &str, github: &GithubSim, app: u64) -> Result {
    let visitor = Visitor::new()?;
    let url = |path: &str| format!("{origin}{path}");
    visitor.submit(&url("/github/connect"), &[]).await?.expect(401, "before the login")?;
    visitor.submit(&url("/login"), &[("user", "bob")]).await?.expect(303, "bob's login")?;
    visitor.submit(&url("/github/connect"), &[]).await?.expect(403, "bob is no administrator")?;
    visitor.submit(&url("/login"), &[("user", "ann")]).await?.expect(303, "ann's login")?;
    let link = visitor.submit(&url("/github/connect"), &[]).await?.expect(303, "Connect")?;
    let state = link.parameter("state")?;

    let id = github.install(app, "acme-coffee", "olga")?;
    let question = url(&format!("{CALLBACK}?installation_id={id}&setup_action=install&state={state}"));
    let page = visitor.open(&question).await?.expect(200, "the confirmation page")?;
    let fields = [("state", page.field("state")?), ("ticket", page.field("ticket")?), ("answer", "confirm")];
    let stranger = Visitor::new()?.submit(&url("/github/confirm"), &fields).await?;
    stranger.expect(422, "another browser's Confirm")?;
    let back = visitor.submit(&url("/github/confirm"), &fields).await?.expect(303, "Confirm")?;
    let forged = url(&format!("/github/connected?installation_id={id}&state=another-persons-state"));
    visitor.get(&forged, OWN_PAGE).await?.expect(400, "another state")?;
    let back = back.location.ok_or("no redirect")?;
    let page = visitor.open(back.as_str()).await?.expect(200, "the return URL")?;
    shows(&page, "Connected <b id=\"login\">acme-coffee</b>")?;
    let page = visitor.get(&url("/github"), OWN_PAGE).await?;
    shows(&page, "acme-coffee</b> is active")?;

    github.settled().await;
    let mut deliveries = github.deliveries().into_iter();
    if !deliveries.all(|delivery| delivery.outcome.is_some_and(|outcome| outcome.status_code == 202)) {
        return Err("the host did not accept every delivery".into());
    }
    visitor.submit(&url("/github/disconnect"), &[]).await?.expect(303, "Disconnect")?;
    let page = visitor.get(&url("/github"), OWN_PAGE).await?;
    shows(&page, "Connect GitHub")
}

fn shows(page: &visitor::Page, text: &str) -> Result {
    if page.body.contains(text) { Ok(()) } else { Err(format!("no {text:?} in {}", page.body).into()) }
}
