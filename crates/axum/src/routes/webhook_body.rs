//! Reads the body of a delivery: at most 25 MiB, and at a minimum rate. The sender is unknown until the body is complete, so the
//! memory for large bodies is bounded in all, and taken only as their bytes arrive.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::middleware::auth_failures;
use crate::wire::ApiErrorCode;
use crate::wire::error::ApiError;
use crate::wire::request_body::{content_length, too_slow, unreadable};

/// GitHub sends no larger delivery.
const MAX_BYTES: usize = 25 * 1024 * 1024;

/// The largest body that needs no permit. Nearly all events of an App are smaller, so they never wait for large ones. The
/// host's connection limit bounds their memory.
const SMALL: usize = 64 * 1024;

/// Bytes of memory per permit.
const UNIT: usize = 64 * 1024;

/// How long a large body waits for memory.
const WAIT: Duration = Duration::from_secs(5);

/// The minimum rate of a large body: in each interval, this much arrives or the body ends.
const INTERVAL: Duration = Duration::from_secs(1);
const MIN_PER_INTERVAL: usize = 32 * 1024;

/// Memory for large bodies, shared by all requests of a router. Client addresses whose allowance of failed authentications is
/// used up share a part of their own, so that they never keep out others.
#[derive(Debug, Clone)]
pub(crate) struct LargeBodies {
    within_allowance: Arc<Semaphore>,
    over_allowance: Arc<Semaphore>,
}

impl LargeBodies {
    /// Three bodies of the maximum size.
    const WITHIN_ALLOWANCE: usize = 3 * MAX_BYTES / UNIT;

    /// One body of the maximum size.
    const OVER_ALLOWANCE: usize = MAX_BYTES / UNIT;
}

impl Default for LargeBodies {
    fn default() -> Self {
        Self {
            within_allowance: Arc::new(Semaphore::new(Self::WITHIN_ALLOWANCE)),
            over_allowance: Arc::new(Semaphore::new(Self::OVER_ALLOWANCE)),
        }
    }
}

/// The memory of one large body.
#[derive(Debug)]
struct Memory {
    units: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    over_allowance: bool,
}

impl Memory {
    /// Takes memory until `bytes` fit. Returns whether it took any.
    ///
    /// # Errors
    /// 429 for an address without allowance and 503 for others, if none becomes free in time.
    async fn grow(&mut self, bytes: usize) -> Result<bool, ApiError> {
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = u32::try_from(bytes.div_ceil(UNIT).saturating_sub(held)).unwrap_or(u32::MAX);
        if missing == 0 {
            return Ok(false);
        }
        let more = timeout(WAIT, Arc::clone(&self.units).acquire_many_owned(missing)).await;
        let Some(more) = more.ok().and_then(Result::ok) else {
            if self.over_allowance {
                return Err(auth_failures::too_many(Duration::from_secs(1)));
            }
            tracing::warn!("too many large deliveries at once");
            return Err(ApiError::timed_out());
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(true)
    }
}

/// A complete body. Frees its memory on drop.
#[derive(Debug)]
pub(super) struct DeliveryBody {
    bytes: Vec<u8>,
    _memory: Option<OwnedSemaphorePermit>,
}

impl DeliveryBody {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the body until `deadline`. A `Content-Length` above the limit is rejected before any byte is awaited.
pub(super) async fn read(
    request: Request,
    large_bodies: &LargeBodies,
    deadline: Instant,
) -> Result<DeliveryBody, ApiError> {
    let announced = content_length(request.headers()).unwrap_or_default();
    if announced > MAX_BYTES as u64 {
        return Err(too_large());
    }
    let over_allowance = auth_failures::is_over_limit(request.extensions());
    let units = if over_allowance { &large_bodies.over_allowance } else { &large_bodies.within_allowance };
    let mut memory = Memory { units: Arc::clone(units), held: None, over_allowance };
    let mut body = request.into_body();
    let mut bytes = Vec::new();
    let mut pace = Pace { due: deadline, counted: 0 };
    while let Some(frame) = timeout_at(pace.due.min(deadline), body.frame()).await.map_err(|_| stalled())? {
        let Ok(data) = frame.map_err(|error| unreadable(&error).into_failed_authentication())?.into_data()
        else {
            continue;
        };
        let length = bytes.len() + data.len();
        if length > MAX_BYTES {
            return Err(too_large());
        }
        if length > SMALL {
            if bytes.len() <= SMALL {
                // Reserve all at once: growth in steps would hold the body twice. Unwritten pages cost no memory.
                let whole =
                    if announced == 0 { MAX_BYTES } else { usize::try_from(announced).unwrap_or(MAX_BYTES) };
                bytes.reserve_exact(whole.max(length) - bytes.len());
            }
            let waited = memory.grow(length).await?;
            if waited || length >= pace.counted + MIN_PER_INTERVAL {
                pace = Pace { due: Instant::now() + INTERVAL, counted: length };
            }
        }
        bytes.extend_from_slice(&data);
    }
    Ok(DeliveryBody { bytes, _memory: memory.held })
}

/// When the next part of a body is due.
struct Pace {
    due: Instant,
    /// The length of the body when the interval began.
    counted: usize,
}

fn too_large() -> ApiError {
    let message = "The delivery is larger than 25 MiB.";
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ApiErrorCode::PayloadTooLarge, message)
}

/// Counts as a failed authentication, since its signature was never shown to be valid.
fn stalled() -> ApiError {
    too_slow().into_failed_authentication()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::stream;

    use super::*;

    fn request(bytes: usize) -> Request {
        Request::new(Body::from(vec![b'x'; bytes]))
    }

    fn in_ten_seconds() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    /// Sends `first`, then `rate` bytes twice a second.
    fn slow(first: usize, rate: usize) -> Request {
        let pieces = stream::unfold(true, move |is_first| async move {
            if is_first {
                return Some((Ok::<_, std::io::Error>(vec![b'x'; first]), false));
            }
            tokio::time::sleep(INTERVAL / 2).await;
            Some((Ok(vec![b'x'; rate]), false))
        });
        Request::new(Body::from_stream(pieces))
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_memory_and_small_ones_do_not() {
        let large_bodies = LargeBodies::default();
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(read(request(MAX_BYTES), &large_bodies, in_ten_seconds()).await.unwrap());
        }
        for _ in 0..100 {
            let small = read(request(SMALL), &large_bodies, in_ten_seconds()).await.unwrap();
            assert_eq!(small.bytes().len(), SMALL);
        }
        let refused = read(request(SMALL + 1), &large_bodies, in_ten_seconds()).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        held.pop();
        let body = read(request(MAX_BYTES), &large_bodies, in_ten_seconds()).await.unwrap();
        assert_eq!(body.bytes().len(), MAX_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_takes_memory_only_for_what_arrived() {
        let large_bodies = LargeBodies::default();
        let mut held = Vec::new();
        for _ in 0..LargeBodies::WITHIN_ALLOWANCE / 2 {
            held.push(read(request(SMALL + 1), &large_bodies, in_ten_seconds()).await.unwrap());
        }
        read(request(SMALL + 1), &large_bodies, in_ten_seconds()).await.unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_below_the_minimum_rate_is_given_up() {
        for (first, rate, seconds) in [
            (SMALL + 1, 0, 1.0),
            (SMALL + 1, MIN_PER_INTERVAL / 2 - 1, 1.0),
            (SMALL + 1, MIN_PER_INTERVAL / 2, 10.0),
            (SMALL, 0, 10.0),
            (SMALL, 1, 1.5),
        ] {
            let began = Instant::now();
            let refused =
                read(slow(first, rate), &LargeBodies::default(), in_ten_seconds()).await.unwrap_err();
            assert_eq!(refused.status, StatusCode::REQUEST_TIMEOUT, "{first} {rate}");
            assert!(refused.is_credential_failure());
            let took = began.elapsed().as_secs_f64();
            assert!((took - seconds).abs() < 0.1, "{first} {rate}: {took} s");
        }
    }

    #[tokio::test]
    async fn a_body_without_content_length_is_limited_too() {
        let body = Body::from_stream(stream::iter(
            [MAX_BYTES, 1].map(|length| Ok::<_, std::io::Error>(vec![b'x'; length])),
        ));
        let refused = read(Request::new(body), &LargeBodies::default(), in_ten_seconds()).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
