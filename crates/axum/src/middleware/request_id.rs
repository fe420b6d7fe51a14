//! `X-Request-Id: req_<ULID>` on every response.

use dockline::ports::{Clock, Entropy};
use http::{HeaderMap, HeaderName, HeaderValue};
use ulid::Ulid;

/// The header's name.
pub(crate) const NAME: HeaderName = HeaderName::from_static("x-request-id");

const PREFIX: &str = "req_";

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
        let mut id = String::with_capacity(PREFIX.len() + ulid::ULID_LEN);
        id.push_str(PREFIX);
        id.push_str(ulid.array_to_str(&mut [0; ulid::ULID_LEN]));
        Self(id)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Sets the header of a response.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::try_from(self.0) {
            headers.insert(NAME, value);
        }
    }
}
