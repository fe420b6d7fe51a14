use std::convert::Infallible;
use std::time::Duration;

use dockline::ports::{Clock, Housekeeping, KeyUsageWriter};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Time between two purges.
const PURGE_INTERVAL: Duration = Duration::from_secs(600);

/// Rows of each kind per call, so that no statement holds many locks.
const PURGE_BATCH: u32 = 1_000;

/// Time between two writes of key usage.
const WRITE_INTERVAL: Duration = Duration::from_secs(60);

/// Purges expired rows every ten minutes. Several nodes may purge at once; an error ends this purge only.
pub(crate) async fn purge_periodically(housekeeping: &dyn Housekeeping, clock: &dyn Clock) -> Infallible {
    let mut ticks = every(PURGE_INTERVAL);
    loop {
        ticks.tick().await;
        loop {
            match housekeeping.purge(clock.now(), PURGE_BATCH).await {
                Ok(0) => break,
                Ok(rows) => tracing::debug!(rows, "expired rows purged"),
                Err(error) => {
                    tracing::warn!(%error, cause = error.causes(), "purging failed; will be retried later");
                    break;
                }
            }
        }
    }
}

/// Writes key usage once a minute.
pub(crate) async fn write_key_usage_periodically(usage: &dyn KeyUsageWriter) -> Infallible {
    let mut ticks = every(WRITE_INTERVAL);
    loop {
        ticks.tick().await;
        write_key_usage(usage).await;
    }
}

/// Writes key usage once. After an error, the next write includes the same keys.
pub(crate) async fn write_key_usage(usage: &dyn KeyUsageWriter) {
    match usage.write().await {
        Ok(0) => {}
        Ok(keys) => tracing::debug!(keys, "key usage written"),
        Err(error) => tracing::warn!(%error, cause = error.causes(), "writing key usage failed"),
    }
}

/// Returns ticks, the first at once. A late one delays those after it.
pub(crate) fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
