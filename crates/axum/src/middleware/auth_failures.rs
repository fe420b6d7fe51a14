//! Limits failed authentications per client address.
//!
//! Every 401 is charged: no key, a wrong, revoked or expired key, a delivery with a wrong signature or none; and a delivery
//! that does not arrive completely. If the allowance of the address is used up, such a response becomes a 429. The charge
//! follows the response, so a valid key or signature is never charged: a whole company, and GitHub itself, may share one
//! address.
//!
//! Only a lookup in the key store shows whether a well-formed key is valid, so it happens before the limit. To protect the
//! store, lookups for addresses without allowance share two permits; a request that waits longer than a second is a 429, so
//! that clients without credentials cause no 5xx. Malformed keys and deliveries need no lookup. Large deliveries from such
//! addresses share memory of their own.
//!
//! Visits to the callback that are refused are charged like failed authentications, and their lookups need a permit, too.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dockline::{ApiKey, ErrorCode};
use http::{Extensions, StatusCode};
use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::client_address;
use super::failure_store::FailureStore;
use crate::wire::error::ApiError;

/// Concurrent key lookups for addresses without allowance.
const LOOKUPS_AT_ONCE: usize = 2;

/// How long such a lookup waits for a permit.
const LOOKUP_WAIT: Duration = Duration::from_secs(1);

/// The limit of failed authentications per client address before 401 becomes 429. See
/// [`RouterOptions::with_auth_failure_limit`](crate::RouterOptions::with_auth_failure_limit).
#[derive(Debug, Clone)]
pub struct AuthFailureLimit {
    per_minute: NonZeroU32,
    trusted_proxies: Vec<IpNet>,
}

impl AuthFailureLimit {
    /// Allows this many failures per minute, all of them also at once; the allowance refills evenly.
    #[must_use]
    pub const fn per_minute(failures: NonZeroU32) -> Self {
        Self { per_minute: failures, trusted_proxies: Vec::new() }
    }

    /// Trusts `X-Forwarded-For` from these proxies: the client is its right-most entry that is not one of them. Without
    /// proxies the header is ignored, since any client can send it.
    #[must_use]
    pub fn with_trusted_proxies(mut self, proxies: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted_proxies = proxies.into_iter().collect();
        self
    }
}

/// The failed authentications of a router.
#[derive(Clone)]
pub(crate) struct AuthFailures(Arc<Shared>);

struct Shared {
    trusted_proxies: Vec<IpNet>,
    store: FailureStore,
    /// Times are durations since then, so that changes of the system clock do not affect them.
    started: Instant,
    lookups: Arc<Semaphore>,
    /// Whether the warning about missing client addresses was logged.
    warned: AtomicBool,
}

impl AuthFailures {
    pub(crate) fn new(limit: &AuthFailureLimit) -> Self {
        Self(Arc::new(Shared {
            trusted_proxies: limit.trusted_proxies.clone(),
            store: FailureStore::new(limit.per_minute),
            started: Instant::now(),
            lookups: Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)),
            warned: AtomicBool::new(false),
        }))
    }

    /// Returns the client address, or `None` if the request has no `ConnectInfo`.
    fn source(&self, request: &Request) -> Option<IpAddr> {
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
            if !self.0.warned.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "requests have no ConnectInfo<SocketAddr>: failed authentications are not limited"
                );
            }
            return None;
        };
        let client = client_address::address(peer.ip(), request.headers(), &self.0.trusted_proxies);
        Some(client_address::network(client))
    }

    fn used_up(&self, source: IpAddr) -> bool {
        self.0.store.is_used_up(source, self.0.started.elapsed())
    }

    /// Charges one failure.
    ///
    /// # Errors
    /// The time until the next failure is allowed. Then nothing is charged.
    fn charge(&self, source: IpAddr) -> Result<(), Duration> {
        self.0.store.charge(source, self.0.started.elapsed())
    }
}

impl std::fmt::Debug for AuthFailures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthFailures")
    }
}

/// Extension of a request whose client address has no allowance left: the permits for its key lookup.
#[derive(Debug, Clone)]
struct LookupPermits(Arc<Semaphore>);

/// Counts 401s and turns those above the limit into 429s.
pub(super) async fn limit(failures: Option<&AuthFailures>, mut request: Request, next: Next) -> Response {
    let Some(failures) = failures else { return next.run(request).await };
    let Some(source) = failures.source(&request) else { return next.run(request).await };
    if failures.used_up(source) {
        request.extensions_mut().insert(LookupPermits(Arc::clone(&failures.0.lookups)));
    }
    request.extensions_mut().insert(Charged { failures: failures.clone(), source });
    let response = next.run(request).await;
    let error = response.extensions().get::<ApiError>();
    if error.is_none_or(|error| !error.is_credential_failure()) {
        return response;
    }
    match failures.charge(source) {
        Ok(()) => response,
        Err(wait) => {
            tracing::warn!(client = %source, "too many failed authentications from one address");
            too_many(wait).into_response()
        }
    }
}

/// Returns the 429 of an address without allowance.
pub(crate) fn too_many(wait: Duration) -> ApiError {
    let message = "Too many requests without valid credentials came from your address. Repeat the call with valid ones, or \
                   after Retry-After seconds.";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message).with_retry_after(wait)
}

/// Returns the 429 of a visitor's address without allowance.
fn too_many_visits(wait: Duration) -> ApiError {
    let message =
        "Too many visits from your address were refused. Wait a minute, and start again from the product.";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message).with_retry_after(wait)
}

/// Returns whether the client address of a request has no allowance left.
pub(crate) fn is_over_limit(request: &Extensions) -> bool {
    request.get::<LookupPermits>().is_some()
}

/// Extension of a request: the address that failures are charged to.
#[derive(Debug, Clone)]
struct Charged {
    failures: AuthFailures,
    source: IpAddr,
}

/// The allowance of a visitor's address; unlimited if no limit is configured.
#[derive(Debug)]
pub(crate) struct Allowance {
    charged: Option<Charged>,
    permits: Option<LookupPermits>,
}

impl Allowance {
    pub(crate) fn of(request: &Extensions) -> Self {
        Self { charged: request.get().cloned(), permits: request.get().cloned() }
    }

    /// Charges a refused visit.
    ///
    /// # Errors
    /// 429 if the allowance is used up.
    pub(crate) fn charge(&self) -> Result<(), ApiError> {
        let Some(Charged { failures, source }) = &self.charged else { return Ok(()) };
        failures.charge(*source).map_err(|wait| {
            tracing::warn!(client = %source, "too many refused visits from one address");
            too_many_visits(wait)
        })
    }

    /// Returns the permit for a visit, released on drop; `Ok(None)` if none is needed.
    ///
    /// # Errors
    /// 429 if no permit becomes free in time.
    pub(crate) async fn permit(&self) -> Result<Option<OwnedSemaphorePermit>, ApiError> {
        let Some(LookupPermits(permits)) = &self.permits else { return Ok(None) };
        acquire(permits).await.map(Some).ok_or_else(|| too_many_visits(LOOKUP_WAIT))
    }
}

async fn acquire(permits: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    let permit = timeout(LOOKUP_WAIT, Arc::clone(permits).acquire_owned()).await;
    permit.ok().and_then(Result::ok)
}

/// Returns the permit to look up a presented key, released on drop; `Ok(None)` if none is needed.
///
/// # Errors
/// 429 if no permit becomes free in time.
pub(super) async fn lookup_permit(
    request: &Extensions,
    presented: &str,
) -> Result<Option<OwnedSemaphorePermit>, ApiError> {
    let Some(LookupPermits(permits)) = request.get::<LookupPermits>() else { return Ok(None) };
    if ApiKey::parse(presented).is_err() {
        return Ok(None);
    }
    acquire(permits).await.map(Some).ok_or_else(|| too_many(LOOKUP_WAIT))
}
