use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use dockline::Caller;
use http::request::Parts;

/// Authenticates the callers of the API, for a host with its own login.
///
/// If a call takes longer than five seconds, the response is 503; if it panics, 500.
#[async_trait]
pub trait Authenticator: Debug + Send + Sync + 'static {
    /// Returns the caller, from the head of the request: session cookie, client certificate or token.
    ///
    /// # Errors
    /// See [`AuthenticationError`].
    async fn authenticate(&self, request: &Parts) -> Result<Caller, AuthenticationError>;

    /// Returns whether browsers send the credential by themselves, as they do with cookies, HTTP authentication and client
    /// certificates. If so, requests from pages of other sites are rejected before [`Authenticator::authenticate`] is
    /// called. A credential that a script must add, such as a bearer token, is not ambient.
    fn is_ambient(&self) -> bool {
        true
    }
}

/// Why a host's [`Authenticator`] did not return a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// The request has no valid credential: 401.
    #[error("the request has no valid credential")]
    Unauthenticated,
    /// The credential is valid, but the caller may not administer GitHub installations: 403.
    #[error("the caller may not administer GitHub installations")]
    Forbidden,
    /// The caller has sent too many requests: 429.
    #[error("the caller has sent too many requests")]
    Limited {
        /// The value of `Retry-After`.
        retry_after: Duration,
    },
    /// The login system is unreachable: 503.
    #[error("the login system is unreachable")]
    Unavailable,
}
