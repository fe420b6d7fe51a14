//! Keeps strangers from guessing: an allowance of refused credentials for each client address.
//!
//! # What is charged, and when
//! Each answer that would be a 401: no key, a wrong, revoked or expired one, a delivery with a wrong signature or none.
//! The charge comes after the answer is known, so that within the allowance the order of checks is the contract's for
//! everybody, and a valid key or a good signature is never charged and never limited: behind one address there may be
//! a whole company, and GitHub itself. Where the allowance is used up, the 401 becomes a 429.
//!
//! So the look-up of a key comes before the limit: nobody can know without it whether a well-formed key is valid. What
//! protects the database is that look-ups for an address whose allowance is used up wait for one of two places, all
//! such addresses together; whoever waits for a second is told to come back. What is not even of the form of a key, and
//! any delivery, never reaches the database.

mod cells;
mod client_address;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dockline::{ApiKey, ErrorCode};
use governor::Quota;
use governor::clock::Clock;
use http::{Extensions, StatusCode};
use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::wire::error::ApiError;
use cells::{Cells, Check, Limiter};

/// Look-ups at a time for addresses that have used up their allowance.
const LOOKUPS_AT_ONCE: usize = 2;

/// How long such a look-up waits for its turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a client address may be refused before it is not even told so: see
/// [`RouterOptions::with_auth_failure_limit`](crate::RouterOptions::with_auth_failure_limit).
#[derive(Debug, Clone)]
pub struct AuthFailureLimit {
    per_minute: NonZeroU32,
    trusted_proxies: Vec<IpNet>,
}

impl AuthFailureLimit {
    /// So many refused credentials a minute, which is also how many may come at once; they come back evenly.
    #[must_use]
    pub const fn per_minute(refusals: NonZeroU32) -> Self {
        Self { per_minute: refusals, trusted_proxies: Vec::new() }
    }

    /// Where the peer of a connection is one of these, the client is the right-most entry of `X-Forwarded-For` that is
    /// none of them. Without any, the header is not looked at: anybody can write it.
    #[must_use]
    pub fn with_trusted_proxies(mut self, proxies: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted_proxies = proxies.into_iter().collect();
        self
    }
}

/// A router's memory of who was refused how often.
#[derive(Clone)]
pub(crate) struct AuthFailures(Arc<Kept>);

struct Kept {
    trusted_proxies: Vec<IpNet>,
    limiter: Limiter<Monotonic>,
    lookups: Arc<Semaphore>,
    /// Whether it was said that addresses are not known.
    blind: AtomicBool,
}

/// Time since the router was made: never goes back, whatever is done to the machine's clock.
#[derive(Debug, Clone, Copy)]
struct Monotonic(Instant);

impl Clock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl AuthFailures {
    pub(crate) fn new(limit: &AuthFailureLimit) -> Self {
        let quota = Quota::per_minute(limit.per_minute);
        Self(Arc::new(Kept {
            trusted_proxies: limit.trusted_proxies.clone(),
            limiter: Limiter::new(quota, Cells::default(), Monotonic(Instant::now())),
            lookups: Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)),
            blind: AtomicBool::new(false),
        }))
    }

    /// Whom a request is counted for; `None` where the host does not say who it came from.
    fn source(&self, request: &Request) -> Option<IpAddr> {
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
            if !self.0.blind.swap(true, Ordering::Relaxed) {
                tracing::warn!("requests carry no ConnectInfo<SocketAddr>: failures are not limited");
            }
            return None;
        };
        let client = client_address::address(peer.ip(), request.headers(), &self.0.trusted_proxies);
        Some(client_address::network(client))
    }

    fn used_up(&self, source: IpAddr) -> bool {
        self.0.limiter.check_key(&Check { source, charge: false }).is_err()
    }

    /// Charges one refusal.
    ///
    /// # Errors
    /// After how long there will be room for one, where there is none; nothing is charged then.
    fn charge(&self, source: IpAddr) -> Result<(), Duration> {
        let charged = self.0.limiter.check_key(&Check { source, charge: true });
        charged.map_err(|not_until| not_until.wait_time_from(self.0.limiter.clock().now()))
    }
}

impl std::fmt::Debug for AuthFailures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthFailures")
    }
}

/// Marks a request from an address that has used up its allowance.
#[derive(Debug, Clone)]
struct Suspicion(Arc<Semaphore>);

/// Counts 401s, and turns those above the allowance into 429s.
pub(crate) async fn limit(
    State(failures): State<Option<AuthFailures>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(failures) = failures else { return next.run(request).await };
    let Some(source) = failures.source(&request) else { return next.run(request).await };
    if failures.used_up(source) {
        request.extensions_mut().insert(Suspicion(Arc::clone(&failures.0.lookups)));
    }
    let response = next.run(request).await;
    let refused = response.extensions().get::<ApiError>();
    if refused.is_none_or(|error| !error.is_credential_failure()) {
        return response;
    }
    match failures.charge(source) {
        Ok(()) => response,
        Err(wait) => {
            tracing::warn!(client = %source, "too many refused credentials from one address");
            let message = "Too many requests without valid credentials came from your address. Repeat the call with valid \
                           ones, or after Retry-After seconds.";
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message)
                .with_retry_after(wait)
                .into_response()
        }
    }
}

/// The right to look a presented key up, given back when dropped: `Ok(None)` where none is needed.
///
/// # Errors
/// Where there were too many before it.
pub(crate) async fn turn(
    request: &Extensions,
    presented: &str,
) -> Result<Option<OwnedSemaphorePermit>, ApiError> {
    let Some(Suspicion(places)) = request.get::<Suspicion>() else { return Ok(None) };
    if ApiKey::parse(presented).is_err() {
        return Ok(None);
    }
    let place = timeout(PATIENCE, Arc::clone(places).acquire_owned()).await;
    place.ok().and_then(Result::ok).map(Some).ok_or_else(ApiError::too_late)
}
