//! `X-Request-Id: req_<ULID>` on every response.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use dockline::ports::{Clock, Entropy};
use http::HeaderValue;
use ulid::Ulid;

use crate::options::Context;

/// The header's name.
pub(crate) const NAME: &str = "x-request-id";

/// The id of a request. Always generated; a client's `X-Request-Id` is ignored.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(String);

impl RequestId {
    pub(crate) fn mint(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        let millis = clock.now().unix_timestamp_nanos() / 1_000_000;
        let mut random = [0_u8; 16];
        // An id is no secret: without randomness it still has the time.
        let _ = entropy.fill(&mut random);
        let ulid = Ulid::from_parts(u64::try_from(millis).unwrap_or(0), u128::from_be_bytes(random));
        Self(format!("req_{ulid}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

pub(crate) async fn assign(State(context): State<Context>, mut request: Request, next: Next) -> Response {
    let id = RequestId::mint(&*context.options.clock, &*context.options.entropy);
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(NAME, value);
    }
    response
}
