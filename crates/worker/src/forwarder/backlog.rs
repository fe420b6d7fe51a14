use std::convert::Infallible;
use std::time::Duration;

use dockline::Backlog;
use dockline::ports::{Clock, Outbox};
use metrics::gauge;

use crate::housekeeper::every;
use crate::metric_names::{OUTBOX_BYTES, OUTBOX_MESSAGES, OUTBOX_OLDEST};

/// Time between two counts.
const INTERVAL: Duration = Duration::from_secs(15);

/// The age of the oldest message from which the log says that nothing consumes the outbox.
const UNCONSUMED_AFTER: time::Duration = time::Duration::DAY;

/// The counts from one such line to the next: an hour.
const COUNTS_BETWEEN_WARNINGS: u32 = 240;

/// Counts the undelivered messages periodically, and warns if one is a day old. After an error the gauges keep their values.
pub(crate) async fn measure_backlog(outbox: &dyn Outbox, clock: &dyn Clock) -> Infallible {
    let mut ticks = every(INTERVAL);
    let mut counts_until_warning = 0_u32;
    loop {
        ticks.tick().await;
        match outbox.backlog().await {
            Ok(backlog) => {
                record(&backlog, clock);
                counts_until_warning = counts_until_warning.saturating_sub(1);
                if is_unconsumed(&backlog, clock) && counts_until_warning == 0 {
                    let Backlog { waiting, set_aside, oldest, .. } = backlog;
                    let oldest = oldest.map(dockline::format_timestamp);
                    tracing::warn!(
                        waiting,
                        set_aside,
                        oldest,
                        "messages for the product have waited for more than a day: nothing consumes the outbox, or the product \
                         refuses them"
                    );
                    counts_until_warning = COUNTS_BETWEEN_WARNINGS;
                }
            }
            Err(error) => tracing::warn!(%error, cause = error.causes(), "counting the outbox failed"),
        }
    }
}

fn is_unconsumed(backlog: &Backlog, clock: &dyn Clock) -> bool {
    backlog.oldest.is_some_and(|oldest| clock.now() - oldest >= UNCONSUMED_AFTER)
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
