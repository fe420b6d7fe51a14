mod queue;

use std::convert::Infallible;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dockline::ports::RefreshQueue;
use dockline::{Dockline, InstallationId, PortError, PortErrorKind};
use futures_util::FutureExt;
use futures_util::future::join_all;
use metrics::{counter, gauge};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::metric_names::{REFRESH_QUEUE, REFRESHES};
use queue::{Next, PushOutcome, Queue};

/// Caps the drain timeout, so that it can be added to any time.
const LONGEST_DRAIN: Duration = Duration::from_secs(86_400);

/// Options of the refreshes after webhooks.
#[derive(Debug, Clone, Copy)]
pub struct RefreshOptions {
    concurrency: usize,
    capacity: usize,
    attempts: u32,
    first_pause: Duration,
}

impl Default for RefreshOptions {
    /// Two refreshes at a time, 10,000 waiting installations, five attempts with pauses of 1, 4, 16 and 64 seconds.
    fn default() -> Self {
        Self { concurrency: 2, capacity: 10_000, attempts: 5, first_pause: Duration::from_secs(1) }
    }
}

impl RefreshOptions {
    /// Sets the number of refreshes at a time; at least one.
    #[must_use]
    pub const fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = if concurrency == 0 { 1 } else { concurrency };
        self
    }

    /// Sets the number of installations that may wait. Further hints are dropped with a warning.
    #[must_use]
    pub const fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets the number of attempts per hint; at least one. After the last one, the hint is left to the sweep.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = if attempts == 0 { 1 } else { attempts };
        self
    }

    /// Sets the pause after the first failed attempt; each further pause is four times as long, and never shorter than
    /// GitHub's `Retry-After`.
    #[must_use]
    pub const fn with_first_pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }
}

/// The queue of hints, processed by the worker. Hints for the same installation are merged. An installation leaves the
/// queue before GitHub is asked, so that a later hint leads to another refresh.
///
/// The queue is in memory and bounded. Hints that are dropped, given up or lost with the process are found by the next
/// sweep.
#[derive(Debug)]
pub struct Refresher {
    queue: Mutex<Queue>,
    /// Wakes a worker if there may be something to do.
    wake: Notify,
    pending: watch::Sender<usize>,
    options: RefreshOptions,
}

impl RefreshQueue for Refresher {
    fn enqueue(&self, installation: InstallationId) {
        let outcome = {
            let mut queue = self.queue();
            let outcome = queue.push(installation);
            self.publish(&queue);
            outcome
        };
        match outcome {
            PushOutcome::Added => self.wake.notify_one(),
            PushOutcome::Merged => {}
            PushOutcome::Full => {
                count("dropped", 1);
                tracing::warn!(%installation, "the refresh queue is full; left to the sweep");
            }
            PushOutcome::Closed => {
                count("dropped", 1);
                tracing::warn!(%installation, "a hint arrived after the shutdown; left to the sweep");
            }
        }
    }
}

impl Refresher {
    pub(crate) fn new(options: RefreshOptions) -> Self {
        Self {
            queue: Mutex::new(Queue::new(options.capacity)),
            wake: Notify::new(),
            pending: watch::Sender::new(0),
            options,
        }
    }

    /// Returns the number of installations that wait or are being refreshed.
    #[must_use]
    pub fn pending(&self) -> usize {
        *self.pending.borrow()
    }

    /// Waits until nothing is pending.
    pub async fn idle(&self) {
        // The sender lives as long as `self`.
        let _ = self.pending.subscribe().wait_for(|pending| *pending == 0).await;
    }

    /// Processes hints, several at a time.
    pub(crate) async fn run(&self, dockline: &Dockline) -> Infallible {
        {
            let mut queue = self.queue();
            // Cut off if this is a restart after a panic.
            let abandoned = queue.abandon_in_flight();
            count("panicked", abandoned);
            self.publish(&queue);
        }
        join_all((0..self.options.concurrency).map(|_| self.work(dockline))).await;
        pending().await
    }

    /// Accepts no more hints and waits until all hints that can be processed within `limit` are processed, at most for
    /// `limit`. Returns the number of hints that are left to the sweep.
    pub(crate) async fn drain(&self, limit: Duration) -> usize {
        let limit = limit.min(LONGEST_DRAIN);
        {
            let mut queue = self.queue();
            queue.close(Instant::now() + limit);
            self.publish(&queue);
        }
        let _ = timeout(limit, self.idle()).await;
        let left = self.queue().left();
        if left > 0 {
            tracing::warn!(left, "hints were not processed before the shutdown; left to the sweep");
        }
        left
    }

    /// Gives up all hints, so that no caller of [`idle`](Self::idle) waits for a worker that is gone.
    pub(crate) fn end(&self) {
        let mut queue = self.queue();
        queue.end(Instant::now());
        self.publish(&queue);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes the length under the queue's lock, so that lengths are published in the right order.
    fn publish(&self, queue: &Queue) {
        let pending = queue.pending();
        gauge!(REFRESH_QUEUE).set(u32::try_from(pending).unwrap_or(u32::MAX));
        self.pending.send_if_modified(|published| std::mem::replace(published, pending) != pending);
    }

    async fn work(&self, dockline: &Dockline) -> Infallible {
        loop {
            let next = self.queue().next(Instant::now());
            match next {
                Next::Refresh { installation, attempt, more } => {
                    if more {
                        // One wake-up may stand for many hints.
                        self.wake.notify_one();
                    }
                    self.refresh(dockline, installation, attempt).await;
                }
                Next::WaitUntil(until) => {
                    tokio::select! {
                        () = self.wake.notified() => {}
                        () = sleep_until(until) => {}
                    }
                }
                Next::Wait => self.wake.notified().await,
            }
        }
    }

    async fn refresh(&self, dockline: &Dockline, installation: InstallationId, attempt: u32) {
        let outcome = AssertUnwindSafe(dockline.refresh(installation)).catch_unwind().await;
        let mut queue = self.queue();
        match outcome {
            Ok(Ok(outcome)) => {
                count("done", 1);
                tracing::debug!(%installation, ?outcome, "refreshed");
                queue.finish();
            }
            Ok(Err(error)) => self.failed(&mut queue, installation, attempt, &error),
            Err(_) => {
                // The panic's text may quote secrets: it is left to the host's panic hook.
                count("panicked", 1);
                tracing::error!(%installation, "a refresh panicked; left to the sweep");
                queue.finish();
            }
        }
        self.publish(&queue);
        drop(queue);
        self.wake.notify_one();
    }

    fn failed(&self, queue: &mut Queue, installation: InstallationId, attempt: u32, error: &PortError) {
        let cause = error.causes();
        let now = Instant::now();
        let retry_after = if let PortErrorKind::RateLimited { retry_after } = error.kind() {
            Some(retry_after)
        } else {
            None
        };
        if let Some(retry_after) = retry_after {
            // GitHub limits the App, so this applies to all installations.
            queue.pause(now + retry_after);
        }
        if attempt >= self.options.attempts {
            count("given_up", 1);
            tracing::warn!(%installation, attempt, %error, cause, "a refresh was given up; left to the sweep");
            queue.finish();
        } else {
            let pause = self.options.first_pause.saturating_mul(4_u32.saturating_pow(attempt - 1));
            let pause = retry_after.map_or(pause, |retry_after| retry_after.max(pause));
            count("failed", 1);
            tracing::info!(%installation, attempt, %error, cause, ?pause, "a refresh failed; will be retried");
            queue.retry(installation, attempt, now + pause);
        }
    }
}

fn count(outcome: &'static str, hints: usize) {
    if hints > 0 {
        counter!(REFRESHES, "outcome" => outcome).increment(hints as u64);
    }
}
