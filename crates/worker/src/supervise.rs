use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use metrics::counter;
use tokio::time::{Instant, sleep};

use crate::metric_names::PANICS;

/// Pause before the first restart; doubled with each further panic.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Longest pause before a restart. A part that ran for longer than this starts with the first pause again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Runs an endless part and restarts it with backoff if it panics.
pub(crate) async fn supervise<F>(part: &'static str, start: impl Fn() -> F + Send) -> Infallible
where
    F: Future<Output = Infallible> + Send,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let started = Instant::now();
        let Err(_) = AssertUnwindSafe(start()).catch_unwind().await;
        if started.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        // The panic's text may quote secrets: it is left to the host's panic hook.
        tracing::error!(part, restart_in = ?pause, "a background part panicked");
        counter!(PANICS, "part" => part).increment(1);
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
