//! Keeps what grows bounded: expired states, dead installations that nobody is bound to, full buckets.

use std::time::Duration;

use dockline::ports::{Clock, SystemClock};
use dockline_postgres::PgHousekeeping;
use tokio::time::{MissedTickBehavior, interval};

const PERIOD: Duration = Duration::from_secs(600);
/// Rows at a time, so that no statement holds many locks.
const BATCH: u32 = 1_000;

/// Purges every ten minutes, for ever. Several nodes may do so at once; trouble is logged and tried again.
pub(super) async fn keep(housekeeping: PgHousekeeping) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        loop {
            match housekeeping.purge(SystemClock.now(), BATCH).await {
                Ok(purged) if purged.any() => tracing::debug!(?purged, "purged"),
                Ok(_) => break,
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, "purging failed; it is tried again later");
                    break;
                }
            }
        }
    }
}
