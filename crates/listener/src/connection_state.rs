//! The state of one connection, and the deadline that follows from it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::limits::Limits;

/// The state of one connection. The socket and the requests report to it; `connection.rs` enforces its deadlines.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    activity: Mutex<Activity>,
    http2: bool,
}

#[derive(Debug)]
struct Activity {
    /// Applies while no request is open.
    waiting: Waiting,
    /// Open requests, each with its number.
    requests: Vec<(u64, Phase)>,
    last_number: u64,
    /// HTTP/1: the last response is complete, but not written yet.
    unflushed: bool,
    /// Since when the socket has taken no output.
    write_blocked: Option<Instant>,
    /// Requests that the client gave up, less those that were answered.
    resets: u32,
    /// hyper's own response to malformed input was discarded.
    discarded: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// Since then, for the first byte of the next request.
    Idle(Instant),
    /// Since then, for the rest of a request head; also on a new connection.
    Head(Instant),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The service works on it, within deadlines of its own.
    Processing,
    /// The response made its last progress then.
    Responding(Instant),
}

/// The action when the deadline of a connection has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// Respond with 408 and close.
    Head,
    /// Close gracefully.
    Idle,
    /// Cut the connection: the client does not read its response.
    Write,
    /// Cut the connection: the client gave up too many requests.
    Resets,
}

/// An open request; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct OpenRequest {
    state: Arc<ConnectionState>,
    number: u64,
}

impl ConnectionState {
    /// A connection that was accepted at `since`, or on HTTP/2 sent its preface then.
    pub(crate) fn new(http2: bool, since: Instant) -> Arc<Self> {
        let activity = Activity {
            waiting: if http2 { Waiting::Idle(since) } else { Waiting::Head(since) },
            requests: Vec::new(),
            last_number: 0,
            unflushed: false,
            write_blocked: None,
            resets: 0,
            discarded: false,
        };
        Arc::new(Self { activity: Mutex::new(activity), http2 })
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records input. On HTTP/1 it begins a request head if no request is open; on HTTP/2 it may be any frame. Returns
    /// whether it begins a head.
    pub(crate) fn input_arrived(&self) -> bool {
        let mut activity = self.activity();
        let begins =
            !self.http2 && activity.requests.is_empty() && matches!(activity.waiting, Waiting::Idle(_));
        if begins {
            activity.waiting = Waiting::Head(Instant::now());
        }
        begins
    }

    /// Records a complete request head.
    pub(crate) fn open_request(self: &Arc<Self>) -> OpenRequest {
        let mut activity = self.activity();
        activity.last_number += 1;
        let number = activity.last_number;
        activity.requests.push((number, Phase::Processing));
        OpenRequest { state: Arc::clone(self), number }
    }

    /// Records that the socket took some output.
    pub(crate) fn write_progressed(&self) {
        self.activity().write_blocked = None;
    }

    /// Records that the socket took no output.
    pub(crate) fn write_blocked(&self) {
        self.activity().write_blocked.get_or_insert_with(Instant::now);
    }

    /// Records that all output is written.
    pub(crate) fn flushed(&self) {
        let mut activity = self.activity();
        activity.write_blocked = None;
        if std::mem::take(&mut activity.unflushed) {
            activity.waiting = Waiting::Idle(Instant::now());
        }
    }

    /// Returns whether output has to be discarded, and remembers it: on HTTP/1, output while no request is open is hyper's
    /// response to malformed input.
    pub(crate) fn discards_writes(&self) -> bool {
        let mut activity = self.activity();
        let discards = !self.http2 && activity.requests.is_empty() && !activity.unflushed;
        activity.discarded |= discards;
        discards
    }

    /// Returns whether output was discarded, so that the client has no response yet.
    pub(crate) fn has_discarded(&self) -> bool {
        self.activity().discarded
    }

    /// Returns the next deadline if nothing else happens before.
    pub(crate) fn deadline(&self, limits: &Limits) -> Option<(Instant, Expiry)> {
        let activity = self.activity();
        if activity.resets > limits.max_resets {
            return Some((Instant::now(), Expiry::Resets));
        }
        let responding = activity.requests.iter().filter_map(|(_, phase)| match phase {
            Phase::Processing => None,
            Phase::Responding(since) => Some(*since),
        });
        let stalled = responding.chain(activity.write_blocked).min();
        let write = stalled.map(|since| (since + limits.write_timeout, Expiry::Write));
        let waiting = (activity.requests.is_empty() && !activity.unflushed).then(|| match activity.waiting {
            Waiting::Idle(since) => (since + limits.idle_timeout, Expiry::Idle),
            Waiting::Head(since) => (since + limits.head_timeout, Expiry::Head),
        });
        write.into_iter().chain(waiting).min_by_key(|(at, _)| *at)
    }
}

impl OpenRequest {
    /// Records that the response begins, or that some of it was taken.
    pub(crate) fn response_progressed(&self) {
        let mut activity = self.state.activity();
        if let Some((_, phase)) = activity.requests.iter_mut().find(|(number, _)| *number == self.number) {
            *phase = Phase::Responding(Instant::now());
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut activity = self.state.activity();
        let Some(at) = activity.requests.iter().position(|(number, _)| *number == self.number) else {
            return;
        };
        let (_, phase) = activity.requests.swap_remove(at);
        activity.resets = match phase {
            Phase::Processing => activity.resets.saturating_add(1),
            Phase::Responding(_) => activity.resets.saturating_sub(1),
        };
        activity.unflushed |= !self.state.http2;
        if activity.requests.is_empty() {
            activity.waiting = Waiting::Idle(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits() -> Limits {
        Limits {
            head_timeout: SECOND,
            write_timeout: 2 * SECOND,
            idle_timeout: 5 * SECOND,
            max_resets: 3,
            ..Limits::default()
        }
    }

    fn deadline(state: &ConnectionState) -> Option<(Duration, Expiry)> {
        state.deadline(&limits()).map(|(at, expiry)| (at - Instant::now(), expiry))
    }

    #[tokio::test(start_paused = true)]
    async fn the_head_timeout_starts_with_the_first_byte_and_not_with_idleness() {
        let state = ConnectionState::new(false, Instant::now());
        assert_eq!(deadline(&state), Some((SECOND, Expiry::Head)));
        let request = state.open_request();
        assert_eq!(deadline(&state), None);
        request.response_progressed();
        assert_eq!(deadline(&state), Some((2 * SECOND, Expiry::Write)));
        drop(request);
        // The connection is not idle before the response is written.
        assert_eq!(deadline(&state), None);
        state.flushed();
        assert_eq!(deadline(&state), Some((5 * SECOND, Expiry::Idle)));
        advance(4 * SECOND).await;
        state.input_arrived();
        assert_eq!(deadline(&state), Some((SECOND, Expiry::Head)));
        // Sending byte by byte does not extend it.
        advance(SECOND / 2).await;
        state.input_arrived();
        assert_eq!(deadline(&state), Some((SECOND / 2, Expiry::Head)));
    }

    #[tokio::test(start_paused = true)]
    async fn http2_input_without_a_request_is_idleness() {
        let state = ConnectionState::new(true, Instant::now());
        advance(SECOND).await;
        state.input_arrived();
        assert_eq!(deadline(&state), Some((4 * SECOND, Expiry::Idle)));
        let (first, second) = (state.open_request(), state.open_request());
        first.response_progressed();
        advance(SECOND).await;
        second.response_progressed();
        // Progress of one response does not extend the deadline of another.
        assert_eq!(deadline(&state), Some((SECOND, Expiry::Write)));
        drop(first);
        assert_eq!(deadline(&state), Some((2 * SECOND, Expiry::Write)));
        drop(second);
        assert_eq!(deadline(&state), Some((5 * SECOND, Expiry::Idle)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_write_timeout_starts_with_the_first_blocked_write() {
        let state = ConnectionState::new(false, Instant::now());
        let _request = state.open_request();
        state.write_blocked();
        advance(SECOND).await;
        state.write_blocked();
        assert_eq!(deadline(&state), Some((SECOND, Expiry::Write)));
        state.write_progressed();
        assert_eq!(deadline(&state), None);
        state.write_blocked();
        state.flushed();
        assert_eq!(deadline(&state), None);
    }

    #[tokio::test(start_paused = true)]
    async fn answered_requests_offset_resets() {
        let state = ConnectionState::new(true, Instant::now());
        for _ in 0..10 {
            drop(state.open_request());
            state.open_request().response_progressed();
        }
        for _ in 0..3 {
            drop(state.open_request());
        }
        assert_ne!(deadline(&state).map(|(_, expiry)| expiry), Some(Expiry::Resets));
        drop(state.open_request());
        assert_eq!(deadline(&state), Some((Duration::ZERO, Expiry::Resets)));
    }

    #[tokio::test(start_paused = true)]
    async fn http1_output_is_discarded_only_while_no_response_is_due() {
        let state = ConnectionState::new(false, Instant::now());
        let request = state.open_request();
        assert!(!state.discards_writes());
        drop(request);
        assert!(!state.discards_writes(), "the response is not written yet");
        assert!(!state.has_discarded());
        state.flushed();
        assert!(state.discards_writes());
        assert!(state.has_discarded());
        assert!(!ConnectionState::new(true, Instant::now()).discards_writes());
    }
}
