//! Authenticates callers, by API key or by the host's own login, before the query or body is read.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dockline::ports::ReadBinding;
use dockline::{Actor, AuthenticateError, AuthenticatedKey, Budget, BudgetClass, Caller, Scope};
use http::{HeaderMap, Method, StatusCode, header};
use tokio::time::timeout;

use super::auth_failures;
use super::budget_headers::BudgetLevel;
use super::cross_site;
use super::observe;
use super::tenant_selector;
use crate::authenticator::{AuthenticationError, Authenticator};
use crate::options::Context;
use crate::wire::error::ApiError;

/// The deadline of the host's login.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The state of the middleware of a route.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    pub(crate) context: Context,
    /// The scope that an API key needs; `None` accepts any valid key.
    pub(crate) needed: Option<Scope>,
}

/// The API key of an authenticated request; absent if the host's own login authenticated it.
#[derive(Debug, Clone)]
pub(crate) struct ByKey(pub(crate) AuthenticatedKey);

/// The binding of the caller's organization, if it was read with the key.
#[derive(Debug, Clone)]
pub(crate) struct BindingByKey(pub(crate) Arc<ReadBinding>);

impl BindingByKey {
    /// Returns the binding of a request's extension.
    pub(crate) fn take(read: Option<Extension<Self>>) -> Option<ReadBinding> {
        read.map(|Extension(Self(read))| Arc::unwrap_or_clone(read))
    }
}

/// Middleware: authenticates the caller, charges its budget, and passes both to the handler as extensions, with the key, if
/// there is one.
pub(crate) async fn authenticate(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let class = match *request.method() {
        Method::GET | Method::HEAD => BudgetClass::Read,
        _ => BudgetClass::Write,
    };
    let authenticator = gate.context.options.authenticator.clone();
    let outcome = match authenticator {
        Some(authenticator) if !(gate.context.dockline.has_api_keys() && has_api_key(request.headers())) => {
            by_login(&gate, &*authenticator, request, class).await
        }
        _ => by_key(&gate, request, class).await,
    };
    match outcome.and_then(|request| check_tenant(&gate, request)) {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn check_tenant(gate: &Gate, request: Request) -> Result<Request, ApiError> {
    if let Some(caller) = request.extensions().get::<Caller>() {
        let selectors = &gate.context.options.tenant_headers;
        tenant_selector::check(request.headers(), selectors, &caller.organization)?;
    }
    Ok(request)
}

async fn by_key(gate: &Gate, mut request: Request, class: BudgetClass) -> Result<Request, ApiError> {
    let key = bearer(request.headers()).ok_or(AuthenticateError::Unauthenticated)?;
    let outcome = {
        let _permit = auth_failures::lookup_permit(request.extensions(), key).await?;
        gate.context.dockline.authenticate(key, gate.needed.as_ref(), class).await
    };
    let authenticated = outcome.inspect_err(|error| {
        if let Some((key, organization)) = error.key() {
            observe::identify(organization, &Actor::from(key));
        }
    })?;
    observe::identify(&authenticated.caller.organization, &authenticated.caller.actor);
    attach(&mut request, authenticated.caller, authenticated.budget);
    request.extensions_mut().insert(ByKey(authenticated.key));
    if let Some(binding) = authenticated.binding {
        request.extensions_mut().insert(BindingByKey(Arc::new(binding)));
    }
    Ok(request)
}

async fn by_login(
    gate: &Gate,
    authenticator: &dyn Authenticator,
    request: Request,
    class: BudgetClass,
) -> Result<Request, ApiError> {
    if authenticator.is_ambient() {
        cross_site::check(request.headers(), &gate.context.options.allowed_origins)?;
    }
    let (parts, body) = request.into_parts();
    let caller = timeout(LOGIN_TIMEOUT, authenticator.authenticate(&parts)).await.unwrap_or_else(|_| {
        tracing::error!("authenticator timed out");
        Err(AuthenticationError::Unavailable)
    });
    let caller = caller.map_err(|error| match error {
        AuthenticationError::Unauthenticated => ApiError::not_logged_in(),
        AuthenticationError::Forbidden => ApiError::forbidden(),
        AuthenticationError::Limited { retry_after } => {
            let message = "Too many requests. Repeat the request after Retry-After seconds.";
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, dockline::ErrorCode::RateLimited, message)
                .with_retry_after(retry_after)
        }
        AuthenticationError::Unavailable => {
            let message =
                "The login system is out of reach. Nothing was changed; the request may be repeated.";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, dockline::ErrorCode::Unavailable, message)
                .with_retry_after(Duration::from_secs(1))
        }
    })?;
    observe::identify(&caller.organization, &caller.actor);
    let budget = gate.context.dockline.charge(&caller, class).await?;
    let mut request = Request::from_parts(parts, body);
    attach(&mut request, caller, budget);
    Ok(request)
}

fn attach(request: &mut Request, caller: Caller, budget: Option<Budget>) {
    if let (Some(budget), Some(level)) = (budget, request.extensions().get::<BudgetLevel>()) {
        level.set(budget);
    }
    request.extensions_mut().insert::<Caller>(caller);
}

/// Returns the Bearer token of exactly one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

/// Returns whether the request presents an API key, valid or not.
fn has_api_key(headers: &HeaderMap) -> bool {
    bearer(headers).is_some_and(|token| token.starts_with("lp_"))
}
