//! The listener's limits, on real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod ending;
mod http1;
mod http2;
mod idle;
mod served;
