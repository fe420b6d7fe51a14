//! The limits of a listener.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Timeouts and size limits of a [`Listener`](crate::Listener). The defaults suit a public port.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time to receive a request head, from its first byte, and to receive the first byte of a new connection. Then the
    /// client gets a 408, or an empty connection is closed. On HTTP/2 this covers the connection preface only; after that
    /// `idle_timeout` applies.
    pub head_timeout: Duration,
    /// Time to receive a request body, from the end of its head. Then reading the body returns an [`std::io::Error`] of the
    /// kind `TimedOut`.
    pub body_timeout: Duration,
    /// Time until the service returns a response; then the client gets a 503. Set it longer than the deadline of the
    /// service itself, whose response can say more.
    pub response_timeout: Duration,
    /// How long a response may make no progress because the client does not read it; then the connection is cut.
    pub write_timeout: Duration,
    /// How long a connection without a request stays open.
    pub idle_timeout: Duration,
    /// Header fields of a request; more are a 431.
    pub max_headers: usize,
    /// Bytes of a request head, at least [`Limits::MIN_HEAD_BYTES`]; more are a 431.
    pub max_head_bytes: usize,
    /// Bytes of a request's path and query; more are a 414.
    pub max_target_bytes: usize,
    /// Open connections; further ones wait in the accept queue of the operating system.
    pub max_connections: usize,
    /// Open connections per client address (IPv6: per /64 network); further ones are closed at once. Loopback, private and
    /// link-local addresses are exempt, because proxies have them. `None` disables the limit.
    pub max_connections_per_address: Option<NonZeroUsize>,
    /// Requests that the service processes at a time, over all connections.
    pub max_requests: usize,
    /// Further requests, which wait for that, at most for `response_timeout`. Beyond them the client gets a 503 at once.
    pub max_waiting_requests: usize,
    /// How long a 429 or a 503 is held back before it is sent, other than to exempt requests. A client that repeats its
    /// request at once, without a look at `Retry-After`, would otherwise take processing time from all others.
    pub refusal_delay: Duration,
    /// Open streams of an HTTP/2 connection.
    pub max_streams: u32,
    /// Streams that an HTTP/2 client may reset before their response, beyond the number of its answered requests; then the
    /// connection is cut (rapid reset, CVE-2023-44487).
    pub max_resets: u32,
    /// Interval of HTTP/2 pings, and the time to acknowledge one; then the connection is closed.
    pub ping_interval: Duration,
    /// Time for open requests to finish after the shutdown began.
    pub shutdown_grace: Duration,
}

impl Limits {
    /// The minimum of [`Limits::max_head_bytes`].
    pub const MIN_HEAD_BYTES: usize = 8 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            response_timeout: Duration::from_secs(70),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            max_headers: 100,
            max_head_bytes: 32 * 1024,
            max_target_bytes: 8 * 1024,
            max_connections: 10_240,
            max_connections_per_address: None,
            max_requests: 1_024,
            max_waiting_requests: 256,
            refusal_delay: Duration::from_millis(250),
            max_streams: 100,
            max_resets: 100,
            ping_interval: Duration::from_secs(20),
            shutdown_grace: Duration::from_secs(20),
        }
    }
}
