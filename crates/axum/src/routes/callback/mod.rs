//! `GET` and `POST /v1/github/installation/callback`: GitHub's redirect and the visitor's answer.

mod cookies;
mod response;

use axum::extract::{Request, State};
use axum::response::Response;
use cookie::SameSite;
use dockline::{
    Authorization, BrowserSecret, Callback, CallbackError, CallbackOutcome, CallbackRefusal, CodeVerifier,
    ConfirmationAnswer, ConfirmationPrompt, ErrorCode, InstallationChoice, Ticket, WaysOut,
};
use http::{HeaderMap, Method, StatusCode};

use crate::endpoint::Endpoint;
use crate::middleware::auth_failures::Allowance;
use crate::options::Context;
use crate::pages::{Choice, Confirmation};
use crate::wire::query::Parameters;
use crate::wire::request_body;

/// The parameters of GitHub's redirect.
const PARAMETERS: [&str; 5] = ["state", "installation_id", "code", "setup_action", "error"];

pub(super) async fn get(State(context): State<Context>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let headers = &parts.headers;
    if parts.method == Method::HEAD {
        return response::head();
    }
    if is_prefetch(headers) {
        return response::prefetch();
    }
    let allowance = Allowance::of(&parts.extensions);
    let _permit = match allowance.permit().await {
        Ok(permit) => permit,
        Err(error) => return response::refusal(&context, headers, error, &WaysOut::default()),
    };
    let parameters = Parameters::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let callback_url = context.options.callback_url(Endpoint::ArriveFromGithub);
    let callback = Callback {
        state: parameters.once("state"),
        installation_id: parameters.once("installation_id"),
        code: parameters.once("code"),
        setup_action: parameters.once("setup_action"),
        error: parameters.once("error"),
        select_account: parameters.once("prompt") == Some("select_account"),
        ambiguous: PARAMETERS.iter().any(|name| parameters.is_repeated(name)),
        verifier: None,
        callback_url: callback_url.as_deref(),
    };
    let verifier = callback.nonce().and_then(|nonce| verifier(headers, nonce));
    let callback = Callback { verifier: verifier.as_ref(), ..callback };
    match context.dockline.handle_callback(callback).await {
        Ok(CallbackOutcome::Confirm(prompt)) => confirmation_page(&context, headers, &prompt),
        Ok(CallbackOutcome::Choose(choice)) => choice_page(&context, &choice),
        Ok(CallbackOutcome::Redirect(to)) => response::redirect(StatusCode::FOUND, &to.url),
        Ok(CallbackOutcome::Unsolicited { url }) => response::redirect(StatusCode::FOUND, &url),
        Ok(CallbackOutcome::Authorize(to)) => {
            if to.code_was_refused
                && let Err(error) = allowance.charge()
            {
                return response::refusal(&context, headers, error, &WaysOut::default());
            }
            web_flow(headers, &to)
        }
        Err(error) => refuse(&context, headers, &allowance, error),
    }
}

pub(super) async fn post(State(context): State<Context>, request: Request) -> Response {
    let headers = request.headers().clone();
    let allowance = Allowance::of(request.extensions());
    let _permit = match allowance.permit().await {
        Ok(permit) => permit,
        Err(error) => return response::refusal(&context, &headers, error, &WaysOut::default()),
    };
    let form = match request_body::read(request, "application/x-www-form-urlencoded").await {
        Ok(form) => form,
        Err(error) => return response::refusal(&context, &headers, error, &WaysOut::default()),
    };
    let parameters = Parameters::parse(&form);
    let (ticket, confirmed) = match parameters.once("answer") {
        Some("confirm") => (parameters.once("ticket"), true),
        Some("cancel") => (parameters.once("ticket"), false),
        // Not an answer that the page sends, so it is refused like an answer to an unknown question.
        _ => (None, false),
    };
    let ticket = Ticket::presented(ticket.unwrap_or_default());
    let browser = cookies::value(&headers, &ticket.cookie_name(cookies::VISIT)).map(BrowserSecret::presented);
    let answer = ConfirmationAnswer {
        state: parameters.once("state"),
        ticket: &ticket,
        browser: browser.as_ref(),
        confirmed,
    };
    match context.dockline.confirm(answer).await {
        // The cookie stays, so that a second click or a reload gets the same answer.
        Ok(to) => response::redirect(StatusCode::SEE_OTHER, &to.url),
        Err(error) => refuse(&context, &headers, &allowance, error),
    }
}

/// Returns whether the browser loads the page before the visitor wants to see it.
fn is_prefetch(headers: &HeaderMap) -> bool {
    let names_it = |value: &http::HeaderValue| {
        value.as_bytes().to_ascii_lowercase().windows(8).any(|part| part == b"prefetch")
    };
    ["sec-purpose", "purpose"].into_iter().flat_map(|name| headers.get_all(name)).any(names_it)
}

/// Returns the verifier of the visit to GitHub's web flow; `None` if the cookie has not the form of one.
fn verifier(headers: &HeaderMap, nonce: &str) -> Option<CodeVerifier> {
    let value = cookies::value(headers, &format!("{}-{nonce}", cookies::FLOW))?;
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_verifier = (43..=128).contains(&value.len()) && value.bytes().all(unreserved);
    is_verifier.then(|| CodeVerifier::presented(value))
}

fn web_flow(headers: &HeaderMap, to: &Authorization) -> Response {
    let mut response = response::redirect(StatusCode::FOUND, &to.url);
    let name = format!("{}-{}", cookies::FLOW, to.nonce);
    // GitHub's redirect back is a navigation from another site, to which browsers do not send Strict cookies.
    let (value, lifetime) = (to.verifier.expose(), Authorization::LIFETIME);
    cookies::set(&mut response, headers, cookies::FLOW, &name, value, SameSite::Lax, lifetime);
    response
}

fn confirmation_page(context: &Context, headers: &HeaderMap, prompt: &ConfirmationPrompt) -> Response {
    let pages = context.options.pages.as_ref();
    let html = pages.confirmation(&Confirmation {
        account: &prompt.account,
        organization_name: &prompt.organization_name,
        organization: &prompt.organization,
        actor: &prompt.actor,
        return_host: &prompt.return_host,
        state: prompt.state.expose(),
        ticket: prompt.ticket.expose(),
    });
    // Browsers check the whole redirect chain of a form against form-action, and the product's return URL may redirect
    // further. So the policy names the scheme, not the host.
    let scheme = if is_plain_http(&prompt.return_url) { "http" } else { "https" };
    let mut response = response::page(pages, html, &format!("'self' {scheme}:"));
    let name = prompt.ticket.cookie_name(cookies::VISIT);
    let (value, lifetime) = (prompt.browser.expose(), prompt.expires_in);
    cookies::set(&mut response, headers, cookies::VISIT, &name, value, SameSite::Strict, lifetime);
    response
}

fn choice_page(context: &Context, choice: &InstallationChoice) -> Response {
    let pages = context.options.pages.as_ref();
    let html = pages.choice(&Choice {
        organization_name: &choice.organization_name,
        organization: &choice.organization,
        options: &choice.options,
        install_url: &choice.install_url,
        ways_out: &choice.ways_out,
    });
    response::page(pages, html, "'none'")
}

/// Charges a refusal to the address, since anyone can send one; failures of ours are not charged.
fn refuse(context: &Context, headers: &HeaderMap, allowance: &Allowance, error: CallbackError) -> Response {
    let ways_out = error.ways_out().clone();
    // A text that is no state is refused without a lookup.
    let is_charged = error.refusal().is_some_and(|reason| {
        reason.code() == ErrorCode::Validation && reason != CallbackRefusal::MalformedState
    });
    let charged = if is_charged { allowance.charge() } else { Ok(()) };
    let error = charged.err().unwrap_or_else(|| error.into());
    response::refusal(context, headers, error, &ways_out)
}

/// Returns whether the URL's scheme is `http`, ignoring case.
fn is_plain_http(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("http"))
}
