//! Hands the messages of the outbox to the product: several queues at a time, each in its order.

mod attempt;
mod backlog;
mod lanes;
mod signal;
mod turn;

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{Clock, Entropy, MessageSender, Outbox};
use dockline::{Lease, PortError};
use futures_util::future::join_all;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::jitter::fraction;
pub(crate) use backlog::measure_backlog;
use lanes::Lanes;
pub use signal::OutboxSignal;
use turn::Turn;

/// How long a queue is leased. Renewed while it is being forwarded.
const LEASE: time::Duration = time::Duration::MINUTE;

/// The pauses after a failure of the store: the first, and the longest after doubling.
const FAILURE_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The part of the drain timeout that is left to settle and release when the last attempts are cut off.
const RELEASE_TIME: Duration = Duration::from_secs(1);

/// Options of the forwarder.
#[derive(Debug, Clone)]
pub struct ForwardOptions {
    concurrency: usize,
    idle_pause: Duration,
    attempt_timeout: Duration,
    signal: OutboxSignal,
}

impl Default for ForwardOptions {
    /// 32 messages at a time, a look for new messages every second, 20 seconds for an attempt.
    fn default() -> Self {
        Self {
            concurrency: 32,
            idle_pause: Duration::from_secs(1),
            attempt_timeout: Duration::from_secs(20),
            signal: OutboxSignal::default(),
        }
    }
}

impl ForwardOptions {
    /// Sets the number of messages that are sent at a time, each of another queue; at least one. A quarter of it, at
    /// least one, is added for messages that failed before, so that they do not delay those of other queues.
    #[must_use]
    pub const fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = if concurrency == 0 { 1 } else { concurrency };
        self
    }

    /// Sets the time between two looks for messages if there are none; at least a millisecond. It is varied by up to 25 %.
    #[must_use]
    pub const fn with_idle_pause(mut self, pause: Duration) -> Self {
        self.idle_pause = if pause.as_millis() == 0 { Duration::from_millis(1) } else { pause };
        self
    }

    /// Sets the signal that ends the pause when this node stores a delivery.
    #[must_use]
    pub fn with_signal(mut self, signal: OutboxSignal) -> Self {
        self.signal = signal;
        self
    }
}

/// The ports of the forwarder.
#[derive(Debug, Clone)]
pub(crate) struct ForwardParts {
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) sender: Arc<dyn MessageSender>,
    pub(crate) options: ForwardOptions,
}

/// Leases queues, sends their messages one by one and settles them. Nodes share the queues by their leases.
#[derive(Debug)]
pub(crate) struct Forwarder {
    outbox: Arc<dyn Outbox>,
    sender: Arc<dyn MessageSender>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    options: ForwardOptions,
    lanes: Lanes,
    /// Held while a worker looks for a queue, so that an idle node makes one call per pause.
    looking: Mutex<()>,
    /// The number of workers that look for a queue or have one.
    active: watch::Sender<usize>,
    /// The time at which the last attempts are cut off, once no new ones may begin.
    closing: watch::Sender<Option<Instant>>,
}

impl Forwarder {
    pub(crate) fn new(parts: ForwardParts, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let ForwardParts { outbox, sender, options } = parts;
        let lanes = Lanes::new(options.concurrency);
        let (active, closing) = (watch::Sender::new(0), watch::Sender::new(None));
        Self { outbox, sender, clock, entropy, options, lanes, looking: Mutex::new(()), active, closing }
    }

    /// Forwards until it is dropped, or closed by [`drain`](Self::drain).
    pub(crate) async fn run(&self) -> Infallible {
        // More workers than attempts: those of queues that fail wait for their lane, and hold none of the other.
        let workers = self.options.concurrency.saturating_mul(4);
        join_all((0..workers).map(|_| self.work())).await;
        pending().await
    }

    /// Begins no more attempts, and waits until those that are under way have ended and their queues are released, at most
    /// for `limit`. Attempts that take too long are cut off, and repeated by another node or after the restart.
    pub(crate) async fn drain(&self, limit: Duration) {
        let cut_off = Instant::now() + limit.saturating_sub(RELEASE_TIME);
        self.closing.send_replace(Some(cut_off));
        let ended = async { self.active.subscribe().wait_for(|active| *active == 0).await.is_ok() };
        if timeout(limit, ended).await.is_err() {
            tracing::warn!("queues of messages were not released before the shutdown; their leases expire");
        }
    }

    async fn work(&self) -> Infallible {
        loop {
            let looking = self.looking.lock().await;
            let (lease, active) = self.next_lease().await;
            drop(looking);
            Turn::new(self, lease).run().await;
            drop(active);
        }
    }

    /// Waits for a queue with messages to send, and leases it.
    async fn next_lease(&self) -> (Lease, Active<'_>) {
        let mut failures = 0_u32;
        loop {
            let active = Active::new(&self.active);
            if self.is_closing() {
                drop(active);
                return pending().await;
            }
            let pause = match self.lease().await {
                Ok(Some(lease)) => return (lease, active),
                Ok(None) => {
                    failures = 0;
                    self.varied(self.options.idle_pause)
                }
                Err(error) => {
                    let (first, longest) = FAILURE_PAUSES;
                    let pause = first.saturating_mul(1 << failures.min(10)).min(longest);
                    failures += 1;
                    tracing::warn!(%error, cause = error.causes(), ?pause, "the outbox failed; will be retried");
                    self.varied(pause)
                }
            };
            drop(active);
            tokio::select! {
                () = sleep(pause) => {}
                () = self.options.signal.stored(), if failures == 0 => {}
                () = self.closed() => {}
            }
        }
    }

    async fn lease(&self) -> Result<Option<Lease>, PortError> {
        let _call = self.lanes.call().await;
        let now = self.clock.now();
        self.outbox.lease(now, now + LEASE).await
    }

    fn is_closing(&self) -> bool {
        self.closing.borrow().is_some()
    }

    /// Completes once no more attempts may begin.
    async fn closed(&self) {
        // The sender lives as long as `self`.
        let _ = self.closing.subscribe().wait_for(Option::is_some).await;
    }

    /// Completes when attempts that are under way have to end.
    async fn cut_off(&self) {
        let at = match self.closing.subscribe().wait_for(Option::is_some).await {
            Ok(at) => *at,
            Err(_) => None,
        };
        match at {
            Some(at) => sleep_until(at).await,
            None => pending().await,
        }
    }

    /// Returns a random byte.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 255")]
    fn jitter(&self) -> u8 {
        (fraction(&*self.entropy) * 255.0) as u8
    }

    /// Varies a pause by up to 25 %, so that nodes do not look in step.
    fn varied(&self, pause: Duration) -> Duration {
        pause.mul_f64(0.75 + 0.5 * fraction(&*self.entropy))
    }
}

/// Counts a worker as active, also if a panic ends it.
struct Active<'a>(&'a watch::Sender<usize>);

impl<'a> Active<'a> {
    fn new(active: &'a watch::Sender<usize>) -> Self {
        active.send_modify(|active| *active += 1);
        Self(active)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|active| *active = active.saturating_sub(1));
    }
}
