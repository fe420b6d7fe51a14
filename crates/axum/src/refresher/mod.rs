//! Asking GitHub back about installations that a webhook hinted at, after the webhook was acknowledged.

mod queue;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dockline::{Dockline, InstallationId, PortError, PortErrorKind};
use futures_util::FutureExt;
use futures_util::future::join_all;
use metrics::{counter, gauge};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::metric_names::{REFRESH_QUEUE, REFRESHES};
use queue::{Next, Queue, Queued};

/// How hints are followed up.
#[derive(Debug, Clone, Copy)]
pub struct RefreshOptions {
    workers: usize,
    capacity: usize,
    attempts: u32,
    first_pause: Duration,
}

impl Default for RefreshOptions {
    /// Two questions at a time, 10,000 installations that wait, five attempts after pauses of 1, 4, 16 and 64 seconds.
    fn default() -> Self {
        Self { workers: 2, capacity: 10_000, attempts: 5, first_pause: Duration::from_secs(1) }
    }
}

impl RefreshOptions {
    /// How many installations GitHub is asked about at a time; at least one.
    #[must_use]
    pub const fn with_workers(mut self, workers: usize) -> Self {
        self.workers = if workers == 0 { 1 } else { workers };
        self
    }

    /// How many installations may wait; a hint beyond is dropped with a warning.
    #[must_use]
    pub const fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// How often GitHub is asked about one hint before it is left to the sweep; at least once.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = if attempts == 0 { 1 } else { attempts };
        self
    }

    /// The pause after a first failed attempt; each further one is four times as long. Where GitHub names a time of its
    /// own, nobody is asked before it (invariant I19).
    #[must_use]
    pub const fn with_first_pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }
}

/// Takes hints and has GitHub asked about them. A clone is another handle to the same queue.
///
/// Hints live in this process only: what is lost with it, or was given up, the next sweep ([`Dockline::reconcile`])
/// finds. An installation waits at most once however often it is hinted at, and is taken out *before* GitHub is asked,
/// so that what is hinted at meanwhile is asked about again.
#[derive(Debug, Clone)]
pub struct Refresher(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// There may be something to take.
    woken: Notify,
    /// What is waiting or being asked about.
    open: watch::Sender<usize>,
    stop: watch::Sender<bool>,
    options: RefreshOptions,
}

impl Refresher {
    /// The handle, for [`RouterOptions::with_refresher`](crate::RouterOptions::with_refresher), and what does the work: a
    /// future that the host runs on tokio beside its server, and that ends after [`Refresher::drain`]. Nothing is asked
    /// while nobody runs it, and dropping it ends it: hints are then dropped.
    pub fn new(
        dockline: Dockline,
        options: RefreshOptions,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::new(options.capacity)),
            woken: Notify::new(),
            open: watch::Sender::new(0),
            stop: watch::Sender::new(false),
            options,
        });
        let ending = Ending(Arc::clone(&shared));
        let work = async move {
            let mut stopped = ending.0.stop.subscribe();
            let workers = join_all((0..options.workers).map(|_| ending.0.work(&dockline)));
            tokio::select! {
                _ = workers => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
        };
        (Self(shared), work)
    }

    /// Has GitHub asked about an installation soon. Returns at once; where there is no room, or the end has begun, the
    /// hint is dropped with a warning.
    pub fn hint(&self, installation: InstallationId) {
        let queued = {
            let mut queue = self.0.queue();
            let queued = queue.hint(installation);
            self.0.count(&queue);
            queued
        };
        match queued {
            Queued::Added => self.0.woken.notify_one(),
            Queued::AlreadyThere => {}
            Queued::Full => {
                settled("dropped");
                tracing::warn!(%installation, "too many hints at once; left to the sweep");
            }
            Queued::Closed => {
                settled("dropped");
                tracing::warn!(%installation, "a hint came after the end; left to the sweep");
            }
        }
    }

    /// How many installations wait or are being asked about.
    #[must_use]
    pub fn open(&self) -> usize {
        *self.0.open.borrow()
    }

    /// Done when nothing waits and nothing is being asked.
    pub async fn idle(&self) {
        // The sender lives as long as this handle.
        let _ = self.0.open.subscribe().wait_for(|open| *open == 0).await;
    }

    /// Takes no more hints, finishes what waits and can be asked about before `deadline` is over, and ends the work; after
    /// `deadline` at the latest. How many hints were not followed up and are left to the sweep.
    pub async fn drain(&self, deadline: Duration) -> usize {
        {
            let mut queue = self.0.queue();
            queue.close(Instant::now() + deadline);
            self.0.count(&queue);
        }
        let _ = timeout(deadline, self.idle()).await;
        let left = self.0.queue().left();
        if left > 0 {
            tracing::warn!(left, "hints were not followed up; left to the sweep");
        }
        self.0.stop.send_replace(true);
        left
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Under the queue's lock, so that counts are told in the order in which they were true.
    fn count(&self, queue: &Queue) {
        let open = queue.open();
        gauge!(REFRESH_QUEUE).set(u32::try_from(open).unwrap_or(u32::MAX));
        self.open.send_if_modified(|told| std::mem::replace(told, open) != open);
    }

    async fn work(&self, dockline: &Dockline) {
        loop {
            let next = self.queue().next(Instant::now());
            match next {
                Next::Ask { installation, attempt, more } => {
                    if more {
                        // A wake-up stands for any number of hints.
                        self.woken.notify_one();
                    }
                    self.ask(dockline, installation, attempt).await;
                }
                Next::WaitUntil(until) => {
                    tokio::select! {
                        () = self.woken.notified() => {}
                        () = sleep_until(until) => {}
                    }
                }
                Next::Wait => self.woken.notified().await,
            }
        }
    }

    async fn ask(&self, dockline: &Dockline, installation: InstallationId, attempt: u32) {
        let asked = AssertUnwindSafe(dockline.refresh(installation)).catch_unwind().await;
        let mut queue = self.queue();
        match asked {
            Ok(Ok(standing)) => {
                settled("done");
                tracing::debug!(%installation, ?standing, "GitHub was asked back");
                queue.done();
            }
            Ok(Err(error)) => self.failed(&mut queue, installation, attempt, &error),
            Err(_) => {
                // The panic's own text may quote anything: it is left to the host's hook.
                settled("panicked");
                tracing::error!(%installation, "asking GitHub back panicked; left to the sweep");
                queue.done();
            }
        }
        self.count(&queue);
        drop(queue);
        self.woken.notify_one();
    }

    fn failed(&self, queue: &mut Queue, installation: InstallationId, attempt: u32, error: &PortError) {
        let cause = error.source().map(ToString::to_string);
        let now = Instant::now();
        let limited = if let PortErrorKind::RateLimited { retry_after } = error.kind() {
            Some(retry_after)
        } else {
            None
        };
        if let Some(limited) = limited {
            // It is the App that is limited: nobody else's installation would fare better.
            queue.pause(now + limited);
        }
        if attempt >= self.options.attempts {
            settled("given_up");
            tracing::warn!(%installation, attempt, %error, cause, "asking GitHub back was given up; left to the sweep");
            queue.done();
        } else {
            let pause = self.options.first_pause.saturating_mul(4_u32.saturating_pow(attempt - 1));
            let pause = limited.map_or(pause, |limited| limited.max(pause));
            settled("failed");
            tracing::info!(%installation, attempt, %error, cause, ?pause, "asking GitHub back failed");
            queue.again(installation, attempt, now + pause);
        }
    }
}

fn settled(outcome: &'static str) {
    counter!(REFRESHES, "outcome" => outcome).increment(1);
}

/// However the work ends, nobody waits for it any more.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.end(Instant::now());
        self.0.count(&queue);
    }
}
