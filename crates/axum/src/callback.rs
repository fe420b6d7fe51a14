//! `GET` and `POST /v1/github/installation/callback`: where GitHub sends the browser, and the visitor's answer.

use std::time::Duration;

use axum::extract::{RawQuery, Request, State};
use axum::response::{Html, IntoResponse, Response};
use dockline::{
    Authorization, BrowserSecret, Callback, CallbackOutcome, CallbackRefusal, ConfirmationAnswer,
    ConfirmationOutcome, ConfirmationPrompt, ReturnRedirect, Ticket,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::body;
use crate::context::Context;
use crate::error::{ApiError, Details};
use crate::observe::Told;
use crate::pages::{Confirmation, Pages, Refusal};
use crate::query::Parameters;

/// Bound to this host by its prefix: never set by a sibling domain, never sent over plain HTTP but on loopback.
const COOKIE: &str = "__Host-dockline-visit";

pub(crate) async fn arrive(
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
        Ok(CallbackOutcome::Confirm(question)) => ask(&context, &question),
        Ok(CallbackOutcome::Redirect(ReturnRedirect { url })) => redirect(StatusCode::FOUND, &url),
        Ok(CallbackOutcome::Authorize(Authorization { url })) => redirect(StatusCode::FOUND, &url),
        Ok(CallbackOutcome::Refused(reason)) => turn_away(&context, &headers, refusal(reason)),
        Err(error) => turn_away(&context, &headers, error.into()),
    }
}

pub(crate) async fn confirm(State(context): State<Context>, request: Request) -> Response {
    let headers = request.headers().clone();
    let form = match body::read(request, "application/x-www-form-urlencoded").await {
        Ok(form) => form,
        Err(error) => return turn_away(&context, &headers, error),
    };
    let parameters = Parameters::parse(&form);
    let confirmed = match parameters.once("answer") {
        Some("confirm") => true,
        Some("cancel") => false,
        _ => return turn_away(&context, &headers, refusal(CallbackRefusal::TicketRefused)),
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
        Ok(ConfirmationOutcome::Redirect(ReturnRedirect { url })) => {
            // The question is answered: its cookie has nothing left to prove.
            let mut response = redirect(StatusCode::SEE_OTHER, &url);
            set_cookie(&mut response, "", Duration::ZERO);
            response
        }
        Ok(ConfirmationOutcome::Refused(reason)) => turn_away(&context, &headers, refusal(reason)),
        Err(error) => turn_away(&context, &headers, error.into()),
    }
}

fn ask(context: &Context, question: &ConfirmationPrompt) -> Response {
    let pages = context.options.pages.as_ref();
    let html = pages.confirmation(&Confirmation {
        account: &question.account,
        organization_name: &question.organization_name,
        state: question.state.expose(),
        ticket: question.ticket.expose(),
    });
    // Browsers hold a form's whole chain of redirects against form-action, and where the product's return URL leads
    // on to is its own affair: so the scheme is named, not the host.
    let form_action = format!("'self' {}:", question.return_scheme);
    let mut response = page(pages, html, &form_action);
    set_cookie(&mut response, question.browser.expose(), question.expires_in);
    response
}

/// A page for a browser, the envelope for everybody else.
fn turn_away(context: &Context, headers: &HeaderMap, error: ApiError) -> Response {
    let accepts_html = headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    if !accepts_html {
        return error.into_response();
    }
    let pages = context.options.pages.as_ref();
    let html = pages.refusal(&Refusal { code: error.code, message: error.message });
    let mut response = page(pages, html, "'none'");
    *response.status_mut() = error.status;
    response.extensions_mut().insert(Told(error.code));
    error.write_headers(response.headers_mut());
    response
}

fn refusal(reason: CallbackRefusal) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, reason.code(), reason.message())
        .with_details(Details::Reason { reason: reason.as_str() })
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
    // Printable ASCII: a stored return URL was parsed when it was issued, and GitHub's is of the configuration.
    let Ok(location) = HeaderValue::from_str(url) else { return ApiError::internal().into_response() };
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn set_cookie(response: &mut Response, value: &str, max_age: Duration) {
    let seconds = max_age.as_secs();
    let cookie = format!("{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn browser_cookie(headers: &HeaderMap) -> Option<BrowserSecret> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| BrowserSecret::presented(value))
}
