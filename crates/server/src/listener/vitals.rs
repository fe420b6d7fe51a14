//! What one connection is doing, and until when it may.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::limits::Limits;

/// What is known of one connection; told by its socket and its requests, asked by whoever drives it.
#[derive(Debug)]
pub(super) struct Vitals {
    state: Mutex<State>,
    http2: bool,
}

#[derive(Debug)]
struct State {
    /// Holds while nothing is under way.
    quiet: Quiet,
    /// Requests under way, each by its number.
    requests: Vec<(u64, Stage)>,
    counted: u64,
    /// HTTP/1: an answer was made, and not all of it is written.
    unflushed: bool,
    /// Since when the client takes nothing of what is written.
    blocked: Option<Instant>,
    aborted: u32,
    /// The head came too late; the socket is to say so.
    late: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quiet {
    /// No byte of the next request.
    Idle(Instant),
    /// Its head has begun, or the connection is new.
    Head(Instant),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Being worked on, which has its own deadlines.
    Asked,
    /// Answered; the last time that the client took some of it.
    Answering(Instant),
}

/// What is to be done when a time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Say that the head is late, and end.
    LateHead,
    /// Close.
    Idle,
    /// Cut: nobody takes what we answer.
    Stuck,
    /// Cut: more is asked and given up than a client has reason to.
    Abusive,
}

/// A request under way; it is over when this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    vitals: Arc<Vitals>,
    number: u64,
}

impl Vitals {
    /// Of a connection that began then; of HTTP/2, whose preface was there then.
    pub(super) fn new(http2: bool, since: Instant) -> Arc<Self> {
        let state = State {
            quiet: if http2 { Quiet::Idle(since) } else { Quiet::Head(since) },
            requests: Vec::new(),
            counted: 0,
            unflushed: false,
            blocked: None,
            aborted: 0,
            late: false,
        };
        Arc::new(Self { state: Mutex::new(state), http2 })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes were read. On HTTP/1 they begin a head where nothing is under way; on HTTP/2 they may be anything.
    pub(super) fn read(&self) {
        let mut state = self.state();
        if !self.http2 && state.requests.is_empty() && matches!(state.quiet, Quiet::Idle(_)) {
            state.quiet = Quiet::Head(Instant::now());
        }
    }

    /// A request's head is there.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        let mut state = self.state();
        state.counted += 1;
        let number = state.counted;
        state.requests.push((number, Stage::Asked));
        UnderWay { vitals: Arc::clone(self), number }
    }

    /// Some of what was to be written was taken.
    pub(super) fn wrote(&self) {
        self.state().blocked = None;
    }

    /// Nothing was.
    pub(super) fn could_not_write(&self) {
        self.state().blocked.get_or_insert_with(Instant::now);
    }

    /// Everything is written.
    pub(super) fn flushed(&self) {
        let mut state = self.state();
        state.blocked = None;
        if std::mem::take(&mut state.unflushed) {
            state.quiet = Quiet::Idle(Instant::now());
        }
    }

    /// On HTTP/1: what is written now answers no request that was let through.
    pub(super) fn answers_nothing(&self) -> bool {
        let state = self.state();
        !self.http2 && state.requests.is_empty() && !state.unflushed
    }

    /// Whether the head is too late; see [`Vitals::is_late`].
    pub(super) fn say_late(&self) {
        self.state().late = true;
    }

    /// Whether the socket is to say so and end.
    pub(super) fn is_late(&self) -> bool {
        self.state().late
    }

    /// When something is to be done next, if nothing happens until then.
    pub(super) fn due(&self, limits: &Limits) -> Option<(Instant, Due)> {
        let state = self.state();
        if state.aborted > limits.aborted {
            return Some((Instant::now(), Due::Abusive));
        }
        let stuck = state.requests.iter().filter_map(|(_, stage)| match stage {
            Stage::Asked => None,
            Stage::Answering(since) => Some(*since),
        });
        let stuck = stuck.chain(state.blocked).min().map(|since| (since + limits.write, Due::Stuck));
        let quiet = (state.requests.is_empty() && !state.unflushed).then(|| match state.quiet {
            Quiet::Idle(since) => (since + limits.idle, Due::Idle),
            Quiet::Head(since) => (since + limits.head, Due::LateHead),
        });
        stuck.into_iter().chain(quiet).min_by_key(|(at, _)| *at)
    }
}

impl UnderWay {
    /// Its answer begins, or some of it was taken.
    pub(super) fn answers(&self) {
        let mut state = self.vitals.state();
        if let Some((_, stage)) = state.requests.iter_mut().find(|(number, _)| *number == self.number) {
            *stage = Stage::Answering(Instant::now());
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.vitals.state();
        let Some(at) = state.requests.iter().position(|(number, _)| *number == self.number) else { return };
        let (_, stage) = state.requests.swap_remove(at);
        state.aborted = match stage {
            Stage::Asked => state.aborted.saturating_add(1),
            Stage::Answering(_) => state.aborted.saturating_sub(1),
        };
        state.unflushed |= !self.vitals.http2;
        if state.requests.is_empty() {
            state.quiet = Quiet::Idle(Instant::now());
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
        Limits { head: SECOND, write: 2 * SECOND, idle: 5 * SECOND, aborted: 3, ..Limits::default() }
    }

    fn due(vitals: &Vitals) -> Option<(Duration, Due)> {
        vitals.due(&limits()).map(|(at, due)| (at - Instant::now(), due))
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_for_a_head_begins_with_its_first_byte_and_not_with_idleness() {
        let vitals = Vitals::new(false, Instant::now());
        assert_eq!(due(&vitals), Some((SECOND, Due::LateHead)));
        let request = vitals.begin();
        assert_eq!(due(&vitals), None);
        request.answers();
        assert_eq!(due(&vitals), Some((2 * SECOND, Due::Stuck)));
        drop(request);
        // Nothing is quiet before the answer is written.
        assert_eq!(due(&vitals), None);
        vitals.flushed();
        assert_eq!(due(&vitals), Some((5 * SECOND, Due::Idle)));
        advance(4 * SECOND).await;
        vitals.read();
        assert_eq!(due(&vitals), Some((SECOND, Due::LateHead)));
        // Byte by byte gains nothing.
        advance(SECOND / 2).await;
        vitals.read();
        assert_eq!(due(&vitals), Some((SECOND / 2, Due::LateHead)));
    }

    #[tokio::test(start_paused = true)]
    async fn on_http2_bytes_without_a_request_are_idleness() {
        let vitals = Vitals::new(true, Instant::now());
        advance(SECOND).await;
        vitals.read();
        assert_eq!(due(&vitals), Some((4 * SECOND, Due::Idle)));
        let (first, second) = (vitals.begin(), vitals.begin());
        first.answers();
        advance(SECOND).await;
        second.answers();
        // Who takes one answer may not leave another.
        assert_eq!(due(&vitals), Some((SECOND, Due::Stuck)));
        drop(first);
        assert_eq!(due(&vitals), Some((2 * SECOND, Due::Stuck)));
        drop(second);
        assert_eq!(due(&vitals), Some((5 * SECOND, Due::Idle)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_stuck_from_the_first_refusal_on() {
        let vitals = Vitals::new(false, Instant::now());
        let _request = vitals.begin();
        vitals.could_not_write();
        advance(SECOND).await;
        vitals.could_not_write();
        assert_eq!(due(&vitals), Some((SECOND, Due::Stuck)));
        vitals.wrote();
        assert_eq!(due(&vitals), None);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_are_given_up_are_weighed_against_those_that_are_not() {
        let vitals = Vitals::new(true, Instant::now());
        for _ in 0..10 {
            drop(vitals.begin());
            let answered = vitals.begin();
            answered.answers();
        }
        assert_ne!(due(&vitals).map(|(_, due)| due), Some(Due::Abusive));
        for _ in 0..4 {
            drop(vitals.begin());
        }
        assert_eq!(due(&vitals), Some((Duration::ZERO, Due::Abusive)));
    }
}
