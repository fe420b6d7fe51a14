//! Reading a delivery: 25 MiB at the most, and never many large ones at once.

use axum::body::Body;
use axum::extract::Request;
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;

use super::large_bodies::LargeBodies;
use crate::wire::ApiErrorCode;
use crate::wire::error::ApiError;
use crate::wire::request_body::{announced, broken_off};

/// The most bytes of a delivery: GitHub sends no larger one (`contract.md` §3).
const LARGEST: usize = 25 * 1024 * 1024;

/// What any delivery may hold without asking for a place. Nearly all of an App's own events are smaller, so that they
/// never wait for large ones; what they take together is bounded by the host's connections, as for any other request.
const SMALL: usize = 64 * 1024;

/// A whole body. Gives its place back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    bytes: Vec<u8>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Held {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads a body, counting. An announced length is judged before a byte is waited for.
pub(super) async fn read(request: Request, places: &LargeBodies) -> Result<Held, ApiError> {
    let announced = announced(request.headers()).unwrap_or_default();
    if announced > LARGEST as u64 {
        return Err(too_large());
    }
    let mut body: Body = request.into_body();
    let mut held = Held { bytes: Vec::new(), _place: None };
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| broken_off())?.into_data() else { continue };
        let length = held.bytes.len() + data.len();
        if length > LARGEST {
            return Err(too_large());
        }
        if length > SMALL && held._place.is_none() {
            let place = places.place().await.ok_or_else(|| {
                tracing::warn!("too many large deliveries at once");
                ApiError::too_late()
            })?;
            held._place = Some(place);
            // All at once: growing step by step would hold it twice over. What is not written to costs nothing.
            let whole = if announced == 0 { LARGEST } else { usize::try_from(announced).unwrap_or(LARGEST) };
            held.bytes.reserve_exact(whole.max(length) - held.bytes.len());
        }
        held.bytes.extend_from_slice(&data);
    }
    Ok(held)
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
    async fn small_deliveries_do_not_wait_for_large_ones_which_wait_for_a_while() {
        let places = LargeBodies::default();
        let mut held = Vec::new();
        for _ in 0..LargeBodies::AT_ONCE {
            held.push(read(request(SMALL + 1), &places).await.unwrap());
        }
        for _ in 0..100 {
            assert_eq!(read(request(SMALL), &places).await.unwrap().bytes().len(), SMALL);
        }
        let refused = read(request(SMALL + 1), &places).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        held.pop();
        assert_eq!(read(request(LARGEST), &places).await.unwrap().bytes().len(), LARGEST);
    }

    #[tokio::test]
    async fn one_byte_too_many_is_noticed_without_an_announcement() {
        let body = Body::from_stream(futures_util::stream::iter(
            [LARGEST, 1].map(|length| Ok::<_, std::io::Error>(vec![b'x'; length])),
        ));
        let refused = read(Request::new(body), &LargeBodies::default()).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
