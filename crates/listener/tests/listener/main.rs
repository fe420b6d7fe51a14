//! The listener on real sockets and a paused clock.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod framing;
mod http1;
mod http2;
mod http2_limits;
mod shutdown;
mod support;
