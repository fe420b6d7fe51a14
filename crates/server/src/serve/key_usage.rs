//! Writes down which keys are in use.

use std::time::Duration;

use dockline_postgres::PgKeyUsage;
use tokio::time::{MissedTickBehavior, interval};

const PERIOD: Duration = Duration::from_secs(60);

/// Writes what was noted once a minute, for ever; trouble is logged, and the next time writes it.
pub(super) async fn keep(usage: PgKeyUsage) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        write(&usage).await;
    }
}

/// Writes what was noted.
pub(super) async fn write(usage: &PgKeyUsage) {
    match usage.write().await {
        Ok(0) => {}
        Ok(keys) => tracing::debug!(keys, "wrote which keys are in use"),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, cause, "which keys are in use was not written; it is tried again later");
        }
    }
}
