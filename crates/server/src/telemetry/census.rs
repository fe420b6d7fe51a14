//! Counts bindings once a minute, and keeps what was recorded folded.

use std::error::Error;
use std::time::Duration;

use dockline::ports::{Clock, SystemClock};
use dockline_postgres::{Census, PgBindingCounts};
use metrics::gauge;
use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};

use super::exposition::number;
use super::{Metrics, names};

const PERIOD: Duration = Duration::from_secs(60);

/// Counts for ever. Trouble is logged and tried again; until then the last numbers stand, and when they were counted.
pub(crate) async fn keep(census: PgBindingCounts, metrics: Metrics) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        metrics.fold();
        match census.take().await {
            Ok(census) => tell(&census, SystemClock.now()),
            Err(error) => {
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(%error, cause, "the bindings could not be counted; it is tried again later");
            }
        }
    }
}

fn tell(census: &Census, now: OffsetDateTime) {
    gauge!(names::BINDINGS, "status" => "active").set(number(census.active));
    gauge!(names::BINDINGS, "status" => "suspended").set(number(census.suspended));
    gauge!(names::BINDINGS, "status" => "uninstalled").set(number(census.uninstalled));
    let lag = census.longest_unverified.map_or(0.0, |since| (now - since).as_seconds_f64().max(0.0));
    gauge!(names::SWEEP_LAG).set(lag);
    gauge!(names::BINDINGS_COUNTED).set(number(u64::try_from(now.unix_timestamp()).unwrap_or_default()));
}
