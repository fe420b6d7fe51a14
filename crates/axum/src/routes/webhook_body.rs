//! Reads the body of a delivery: at most 25 MiB, and few large bodies at a time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::wire::ApiErrorCode;
use crate::wire::error::ApiError;
use crate::wire::request_body::{content_length, incomplete};

/// GitHub sends no larger delivery.
const MAX_BYTES: usize = 25 * 1024 * 1024;

/// The largest body that needs no permit. Nearly all events of an App are smaller, so they never wait for large ones. The
/// host's connection limit bounds their memory.
const SMALL: usize = 64 * 1024;

/// How long a large body waits for its permit.
const WAIT: Duration = Duration::from_secs(5);

/// Permits for large bodies, shared by all requests of a router.
#[derive(Debug, Clone)]
pub(crate) struct LargeBodies(Arc<Semaphore>);

impl LargeBodies {
    /// At most 100 MiB in all. The sender is unknown until its body is complete, so this bounds what strangers can use.
    const AT_ONCE: usize = 4;

    /// Returns a permit, or `None` if none becomes free in time.
    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        timeout(WAIT, Arc::clone(&self.0).acquire_owned()).await.ok()?.ok()
    }
}

impl Default for LargeBodies {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(Self::AT_ONCE)))
    }
}

/// A complete body. Releases its permit on drop.
#[derive(Debug)]
pub(super) struct DeliveryBody {
    bytes: Vec<u8>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl DeliveryBody {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the body. A `Content-Length` above the limit is rejected before any byte is awaited.
pub(super) async fn read(request: Request, permits: &LargeBodies) -> Result<DeliveryBody, ApiError> {
    let announced = content_length(request.headers()).unwrap_or_default();
    if announced > MAX_BYTES as u64 {
        return Err(too_large());
    }
    let mut body: Body = request.into_body();
    let mut read = DeliveryBody { bytes: Vec::new(), _permit: None };
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| incomplete())?.into_data() else { continue };
        let length = read.bytes.len() + data.len();
        if length > MAX_BYTES {
            return Err(too_large());
        }
        if length > SMALL && read._permit.is_none() {
            let permit = permits.permit().await.ok_or_else(|| {
                tracing::warn!("too many large deliveries at once");
                ApiError::timed_out()
            })?;
            read._permit = Some(permit);
            // Reserve all at once: growth in steps would hold the body twice. Unwritten pages cost no memory.
            let whole =
                if announced == 0 { MAX_BYTES } else { usize::try_from(announced).unwrap_or(MAX_BYTES) };
            read.bytes.reserve_exact(whole.max(length) - read.bytes.len());
        }
        read.bytes.extend_from_slice(&data);
    }
    Ok(read)
}

fn too_large() -> ApiError {
    let message = "The delivery is larger than 25 MiB.";
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ApiErrorCode::PayloadTooLarge, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(bytes: usize) -> Request {
        Request::new(Body::from(vec![b'x'; bytes]))
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_a_permit_and_small_ones_do_not() {
        let permits = LargeBodies::default();
        let mut held = Vec::new();
        for _ in 0..LargeBodies::AT_ONCE {
            held.push(read(request(SMALL + 1), &permits).await.unwrap());
        }
        for _ in 0..100 {
            assert_eq!(read(request(SMALL), &permits).await.unwrap().bytes().len(), SMALL);
        }
        let refused = read(request(SMALL + 1), &permits).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        held.pop();
        assert_eq!(read(request(MAX_BYTES), &permits).await.unwrap().bytes().len(), MAX_BYTES);
    }

    #[tokio::test]
    async fn a_body_without_content_length_is_limited_too() {
        let body = Body::from_stream(futures_util::stream::iter(
            [MAX_BYTES, 1].map(|length| Ok::<_, std::io::Error>(vec![b'x'; length])),
        ));
        let refused = read(Request::new(body), &LargeBodies::default()).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
