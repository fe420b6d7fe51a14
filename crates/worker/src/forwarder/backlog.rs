use std::convert::Infallible;
use std::time::Duration;

use dockline::Backlog;
use dockline::ports::{Clock, Outbox};
use metrics::gauge;

use crate::housekeeper::every;
use crate::metric_names::{OUTBOX_BYTES, OUTBOX_MESSAGES, OUTBOX_OLDEST};

/// Time between two counts.
const INTERVAL: Duration = Duration::from_secs(15);

/// Counts the undelivered messages periodically. After an error the gauges keep their values.
pub(crate) async fn measure_backlog(outbox: &dyn Outbox, clock: &dyn Clock) -> Infallible {
    let mut ticks = every(INTERVAL);
    loop {
        ticks.tick().await;
        match outbox.backlog().await {
            Ok(backlog) => record(&backlog, clock),
            Err(error) => tracing::warn!(%error, cause = error.causes(), "counting the outbox failed"),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 9 PB")]
fn record(backlog: &Backlog, clock: &dyn Clock) {
    let Backlog { waiting, set_aside, dead, bytes, oldest } = *backlog;
    for (status, messages) in [("waiting", waiting), ("set_aside", set_aside), ("dead", dead)] {
        gauge!(OUTBOX_MESSAGES, "status" => status).set(messages as f64);
    }
    gauge!(OUTBOX_BYTES).set(bytes as f64);
    let age = oldest.map_or(0.0, |oldest| (clock.now() - oldest).as_seconds_f64().max(0.0));
    gauge!(OUTBOX_OLDEST).set(age);
}
