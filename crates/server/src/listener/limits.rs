//! What a client may take.

use std::time::Duration;

/// Every limit of a listener. The defaults are meant for a public port.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time for a request's head from its first byte, and for the first byte of a new connection; then it is a 408, or
    /// without a byte an end. HTTP/2 counts it for the connection's preface alone: afterwards heads that do not come are
    /// idleness.
    pub head: Duration,
    /// Time for a request's whole body, counted from its head. A handler that reads a late body gets an error from it,
    /// and answers as it answers any broken body.
    pub body: Duration,
    /// Time for a request's answer to begin; then it is a 503. Longer than the router's own deadline, which says more.
    pub answer: Duration,
    /// How long an answer may make no progress because its client does not take it; then the connection is cut.
    pub write: Duration,
    /// How long a connection may be kept without a request; then it is closed.
    pub idle: Duration,
    /// Headers of a request; more are a 431.
    pub headers: usize,
    /// Bytes of a request's head, at least 8 KiB; more are a 431.
    pub head_bytes: usize,
    /// Bytes of a request's path and query; more are a 414.
    pub target_bytes: usize,
    /// Connections at a time; further ones wait in the operating system's queue.
    pub connections: usize,
    /// Connections at a time of one address, of which IPv6 counts the first 64 bits; further ones are closed at once.
    /// Loopback, private and link-local addresses are not counted: there one's own proxies are. `None` for no limit.
    pub connections_per_address: Option<usize>,
    /// Requests that are worked on at a time, over all connections; further ones wait for as long as an answer may take, as
    /// many as there may be connections, and beyond that they are a 503 at once.
    pub requests: usize,
    /// Requests under way at a time on one connection of HTTP/2.
    pub streams: u32,
    /// Requests that a connection of HTTP/2 may give up before they were answered, beyond those that it had answered;
    /// then it is cut (CVE-2023-44487).
    pub aborted: u32,
    /// How often a connection of HTTP/2 is asked whether its client is there, and for how long the answer may take.
    pub ping: Duration,
    /// Time for running requests to end after the shutdown began.
    pub grace: Duration,
}

impl Limits {
    /// The least that [`Limits::head_bytes`] can be.
    pub const LEAST_HEAD_BYTES: usize = 8 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            answer: Duration::from_secs(70),
            write: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            headers: 100,
            head_bytes: 32 * 1024,
            target_bytes: 8 * 1024,
            connections: 10_240,
            connections_per_address: None,
            requests: 1_024,
            streams: 100,
            aborted: 100,
            ping: Duration::from_secs(20),
            grace: Duration::from_secs(20),
        }
    }
}
