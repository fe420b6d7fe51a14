//! Authenticates callers, by API key or by the host's own login, before the query or body is read.

use std::time::Duration;

use dockline::ports::ReadBinding;
use dockline::{
    Actor, AuthenticateError, Authenticated, AuthenticatedKey, Budget, BudgetClass, Caller, Scope,
};
use http::request::Parts;
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

/// The authenticated caller of a request.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) caller: Caller,
    /// The API key; absent if the host's own login authenticated the request.
    pub(crate) key: Option<AuthenticatedKey>,
    /// The binding of the caller's organization, if it was read with the key.
    pub(crate) binding: Option<ReadBinding>,
}

/// Authenticates the caller and charges its budget. `needed` is the scope that an API key needs; `None` accepts any valid key.
///
/// # Errors
/// 401, 403, 429, or a failure of a store or of the login.
pub(crate) async fn authenticate(
    context: &Context,
    needed: Option<&Scope>,
    head: &Parts,
) -> Result<Admitted, ApiError> {
    let class = match head.method {
        Method::GET | Method::HEAD => BudgetClass::Read,
        _ => BudgetClass::Write,
    };
    let admitted = match &context.options.authenticator {
        Some(authenticator) if !(context.dockline.has_api_keys() && has_api_key(&head.headers)) => {
            by_login(context, &**authenticator, head, class).await?
        }
        _ => by_key(context, needed, head, class).await?,
    };
    let selectors = &context.options.tenant_headers;
    tenant_selector::check(&head.headers, selectors, &admitted.caller.organization)?;
    Ok(admitted)
}

async fn by_key(
    context: &Context,
    needed: Option<&Scope>,
    head: &Parts,
    class: BudgetClass,
) -> Result<Admitted, ApiError> {
    let key = bearer(&head.headers).ok_or(AuthenticateError::Unauthenticated)?;
    let outcome = {
        let _permit = auth_failures::lookup_permit(&head.extensions, key).await?;
        context.dockline.authenticate(key, needed, class).await
    };
    let authenticated = outcome.inspect_err(|error| {
        if let Some((key, organization)) = error.key() {
            observe::identify(organization, &Actor::from(key));
        }
    })?;
    let Authenticated { caller, key, budget, binding } = authenticated;
    observe::identify(&caller.organization, &caller.actor);
    show(budget, head);
    Ok(Admitted { caller, key: Some(key), binding })
}

async fn by_login(
    context: &Context,
    authenticator: &dyn Authenticator,
    head: &Parts,
    class: BudgetClass,
) -> Result<Admitted, ApiError> {
    if authenticator.is_ambient() {
        cross_site::check(&head.headers, &context.options.allowed_origins)?;
    }
    let caller = timeout(LOGIN_TIMEOUT, authenticator.authenticate(head)).await.unwrap_or_else(|_| {
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
                "The login system is unreachable. Nothing was changed; the request may be repeated.";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, dockline::ErrorCode::Unavailable, message)
                .with_retry_after(Duration::from_secs(1))
        }
    })?;
    observe::identify(&caller.organization, &caller.actor);
    let budget = context.dockline.charge(&caller, class).await?;
    show(budget, head);
    Ok(Admitted { caller, key: None, binding: None })
}

/// Has the budget written into the headers of the response.
fn show(budget: Option<Budget>, head: &Parts) {
    if let (Some(budget), Some(level)) = (budget, head.extensions.get::<BudgetLevel>()) {
        level.set(budget);
    }
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
