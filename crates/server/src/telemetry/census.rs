//! Counts bindings once a minute, and keeps what was recorded folded.

use std::error::Error;
use std::time::Duration;

use dockline::ports::{Clock, SystemClock};
use dockline_postgres::{BindingCounts, PgBindingCounts};
use metrics::gauge;
use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};

use super::exposition::number;
use super::{Metrics, names};

const PERIOD: Duration = Duration::from_secs(60);

/// Counts for ever. Trouble is logged and tried again; until then the last numbers stand, and when they were counted.
pub(crate) async fn keep(counts: PgBindingCounts, metrics: Metrics) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        metrics.fold();
        match counts.count().await {
            Ok(counts) => tell(&counts, SystemClock.now()),
            Err(error) => {
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(%error, cause, "the bindings could not be counted; it is tried again later");
            }
        }
    }
}

fn tell(counts: &BindingCounts, now: OffsetDateTime) {
    gauge!(names::BINDINGS, "status" => "active").set(number(counts.active));
    gauge!(names::BINDINGS, "status" => "suspended").set(number(counts.suspended));
    gauge!(names::BINDINGS, "status" => "uninstalled").set(number(counts.uninstalled));
    let lag = counts.oldest_verification.map_or(0.0, |since| (now - since).as_seconds_f64().max(0.0));
    gauge!(names::SWEEP_LAG).set(lag);
    gauge!(names::BINDINGS_COUNTED).set(number(u64::try_from(now.unix_timestamp()).unwrap_or_default()));
}
