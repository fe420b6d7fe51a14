//! What this crate's metrics are called. `docs/metrics.md` has them all.

use metrics::{Unit, describe_counter, describe_histogram};

/// Histogram of the ports' calls in seconds, by `port`, `method` (both as the core spells them, in snake case) and
/// `outcome`: `ok`, the [`dockline::PortErrorKind`] in snake case, `dropped` where nobody waited for the answer any
/// more, or `panicked`.
pub const PORT_CALL_DURATION: &str = "dockline_port_call_duration_seconds";

/// Counter of what happened, by `event` and `detail`: the reason of a refusal, the proof of a registration, `none` for
/// everything else.
pub const EVENTS: &str = "dockline_events_total";

/// Counter of the tokens that GitHub gave, by `narrowed` (`true` or `false`).
pub const TOKENS_MINTED: &str = "dockline_tokens_minted_total";

/// Upper bounds, in seconds, for histograms of calls: a store answers in a millisecond, GitHub in a few hundred, and
/// nothing takes longer than its deadline of 5, 10 or 30 seconds.
pub const DURATION_BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Tells the recorder that is installed what the metrics mean. To be called once, after it was installed.
pub fn describe() {
    describe_histogram!(PORT_CALL_DURATION, Unit::Seconds, "Time that calls of the ports took.");
    describe_counter!(EVENTS, "Domain events: registrations, refusals, what happened at GitHub.");
    describe_counter!(TOKENS_MINTED, "Installation tokens that GitHub gave.");
}
