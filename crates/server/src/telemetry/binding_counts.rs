//! Counts bindings once a minute, and runs the upkeep of the metrics recorder.

use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{BindingCounter, Clock, SystemClock};
use dockline_telemetry::record_bindings;
use tokio::time::{MissedTickBehavior, interval};

use super::Metrics;

const INTERVAL: Duration = Duration::from_secs(60);

/// Counts until dropped. Logs a failure and tries again a minute later; until then the gauges keep their last values.
pub(crate) async fn count_bindings(counter: Arc<dyn BindingCounter>, metrics: Metrics) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
        let now = SystemClock.now();
        match counter.count(now).await {
            Ok(counts) => record_bindings(counts, now),
            Err(error) => {
                let cause = error.causes();
                tracing::warn!(%error, cause, "counting bindings failed; trying again in a minute");
            }
        }
    }
}
