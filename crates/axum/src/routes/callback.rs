//! `GET` and `POST /v1/github/installation/callback`: GitHub's redirect and the visitor's answer.

use std::time::Duration;

use axum::extract::{RawQuery, Request, State};
use axum::response::{Html, IntoResponse, Response};
use cookie::{Cookie, SameSite};
use dockline::{
    BrowserSecret, Callback, CallbackOutcome, CallbackRefusal, ConfirmationAnswer, ConfirmationPrompt, Ticket,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::middleware::observe::ResponseCode;
use crate::options::Context;
use crate::pages::{Confirmation, Pages, Refusal};
use crate::wire::error::ApiError;
use crate::wire::header_list;
use crate::wire::query::Parameters;
use crate::wire::request_body;

/// The prefix binds it to this host: no sibling domain can set it, and browsers send it only over HTTPS or to loopback.
const COOKIE: &str = "__Host-dockline-visit";

pub(super) async fn get(
    State(context): State<Context>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let parameters = Parameters::parse(query.as_bytes());
    let callback = Callback {
        state: parameters.once("state"),
        installation_id: parameters.once("installation_id"),
        code: parameters.once("code"),
        setup_action: parameters.once("setup_action"),
        error: parameters.once("error"),
    };
    match context.dockline.handle_callback(callback).await {
        Ok(CallbackOutcome::Confirm(prompt)) => confirmation_page(&context, &prompt),
        Ok(CallbackOutcome::Redirect(to)) => redirect(StatusCode::FOUND, &to.url),
        Ok(CallbackOutcome::Authorize(authorization)) => redirect(StatusCode::FOUND, &authorization.url),
        Err(error) => refuse(&context, &headers, error.into()),
    }
}

pub(super) async fn post(State(context): State<Context>, request: Request) -> Response {
    let headers = request.headers().clone();
    let form = match request_body::read(request, "application/x-www-form-urlencoded").await {
        Ok(form) => form,
        Err(error) => return refuse(&context, &headers, error),
    };
    let parameters = Parameters::parse(&form);
    let confirmed = match parameters.once("answer") {
        Some("confirm") => true,
        Some("cancel") => false,
        _ => return refuse(&context, &headers, CallbackRefusal::TicketRefused.into()),
    };
    let ticket = Ticket::presented(parameters.once("ticket").unwrap_or_default());
    let browser = browser_cookie(&headers);
    let answer = ConfirmationAnswer {
        state: parameters.once("state"),
        ticket: &ticket,
        browser: browser.as_ref(),
        confirmed,
    };
    match context.dockline.confirm(answer).await {
        Ok(to) => {
            // The ticket is used up, so the cookie is of no more use.
            let mut response = redirect(StatusCode::SEE_OTHER, &to.url);
            set_cookie(&mut response, "", Duration::ZERO);
            response
        }
        Err(error) => refuse(&context, &headers, error.into()),
    }
}

fn confirmation_page(context: &Context, prompt: &ConfirmationPrompt) -> Response {
    let pages = context.options.pages.as_ref();
    let html = pages.confirmation(&Confirmation {
        account: &prompt.account,
        organization_name: &prompt.organization_name,
        state: prompt.state.expose(),
        ticket: prompt.ticket.expose(),
    });
    // Browsers check the whole redirect chain of a form against form-action, and the product's return URL may redirect
    // further. So the policy names the scheme, not the host.
    let scheme = if is_plain_http(&prompt.return_url) { "http" } else { "https" };
    let mut response = page(pages, html, &format!("'self' {scheme}:"));
    set_cookie(&mut response, prompt.browser.expose(), prompt.expires_in);
    response
}

/// Answers a browser with a page, and any other client with the JSON error body.
fn refuse(context: &Context, headers: &HeaderMap, error: ApiError) -> Response {
    if !header_list::accepts(headers, "text/html") {
        return error.into_response();
    }
    let pages = context.options.pages.as_ref();
    let html = pages.refusal(&Refusal { code: error.code, message: &error.message });
    let mut response = page(pages, html, "'none'");
    *response.status_mut() = error.status;
    response.extensions_mut().insert(ResponseCode(error.code));
    error.write_headers(response.headers_mut());
    response
}

fn page(pages: &dyn Pages, html: String, form_action: &str) -> Response {
    const FIXED: [(HeaderName, &str); 4] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let policy = format!(
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action {form_action}; {}",
        pages.content_sources()
    );
    let mut response =
        (FIXED.map(|(name, value)| (name, HeaderValue::from_static(value))), Html(html)).into_response();
    let policy = HeaderValue::from_str(policy.trim_end_matches([' ', ';']))
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn redirect(status: StatusCode, url: &str) -> Response {
    // Always printable ASCII: the return URL was parsed when it was stored, and GitHub's comes from the configuration.
    let Ok(location) = HeaderValue::from_str(url) else { return ApiError::internal().into_response() };
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn set_cookie(response: &mut Response, value: &str, max_age: Duration) {
    let cookie = Cookie::build((COOKIE, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(max_age.try_into().unwrap_or(time::Duration::ZERO));
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie.to_string()) {
        cookie.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn browser_cookie(headers: &HeaderMap) -> Option<BrowserSecret> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == COOKIE)
        .map(|cookie| BrowserSecret::presented(cookie.value()))
}

/// Returns whether the URL's scheme is `http`, ignoring case.
fn is_plain_http(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("http"))
}
