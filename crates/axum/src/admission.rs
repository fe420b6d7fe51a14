//! Key, scope and budget, before anything else of a request is looked at (invariant I12).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dockline::{AuthenticateError, BudgetClass, Caller, Scope};
use http::{HeaderMap, Method, header};

use crate::budget_headers::Standing;
use crate::context::Context;
use crate::error::ApiError;
use crate::guessing;
use crate::observe;

/// Who may use a route.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    pub(crate) context: Context,
    /// The scope that a key needs; `None`: any valid key will do.
    pub(crate) needed: Option<Scope>,
}

/// Admits the caller, hands it to the handler as an extension, and notes where it stands, for the answer's headers.
pub(crate) async fn authenticate(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let class = match *request.method() {
        Method::GET | Method::HEAD => BudgetClass::Read,
        _ => BudgetClass::Write,
    };
    let admission = match bearer(request.headers()) {
        Some(key) => match guessing::turn(request.extensions(), key).await {
            // The turn is over when the key is judged.
            Ok(_turn) => gate.context.dockline.authenticate(key, gate.needed.as_ref(), class).await,
            Err(error) => return error.into_response(),
        },
        None => Err(AuthenticateError::Unauthenticated),
    };
    match admission {
        Ok(admission) => {
            observe::identify(&admission.caller);
            request.extensions_mut().insert::<Caller>(admission.caller);
            if let (Some(budget), Some(standing)) = (admission.budget, request.extensions().get::<Standing>())
            {
                standing.is(budget);
            }
            next.run(request).await
        }
        Err(error) => {
            if let Some(caller) = error.caller() {
                observe::identify(caller);
            }
            ApiError::from(error).into_response()
        }
    }
}

/// The Bearer token of exactly one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}
