//! Names of the metrics; `docs/metrics.md` describes them with all others.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Counter of processed hints, by `outcome`: `done`, `failed` (will be retried), `given_up`, `dropped` (the queue was full
/// or closed) or `panicked`. The last three are left to the next sweep.
pub const REFRESHES: &str = "dockline_refreshes_total";

/// Gauge of the installations that wait for a refresh or are being refreshed.
pub const REFRESH_QUEUE: &str = "dockline_refresh_queue_length";

/// Counter of sweeps, by `outcome`: `through`, `enough` (the limit was reached), `given_up`, `failed` (the bindings could
/// not be listed) or `cut_off` (the next sweep was due).
pub const SWEEPS: &str = "dockline_sweeps_total";

/// Counter of the bindings that sweeps refreshed, by `outcome`: `active`, `suspended`, `uninstalled`, `account_changed` or
/// `failed`.
pub const SWEEP_BINDINGS: &str = "dockline_sweep_bindings_total";

/// Gauge of the Unix time at which a sweep last reached the end.
pub const SWEEP_LAST_SUCCESS: &str = "dockline_sweep_last_success_timestamp_seconds";

/// Gauge of the seconds that the running sweep waits for GitHub's rate limit, 0 if it does not wait.
pub const SWEEP_PAUSE: &str = "dockline_sweep_pause_seconds";

/// Counter of scans of GitHub's delivery log, by `outcome`: `complete`, `incomplete` (the next one continues), `paused` (by
/// GitHub's rate limit), `other_node` (another node was scanning), `failed` or `cut_off` (it took too long).
pub const REDELIVERY_SCANS: &str = "dockline_redelivery_scans_total";

/// Counter of failed deliveries in GitHub's log, by `outcome`: `requested` (GitHub sends them again), `refused` (GitHub does
/// not), `given_up` (they failed three times) or `received` (they were stored nevertheless).
pub const REDELIVERIES: &str = "dockline_redeliveries_total";

/// Gauge of the seconds by which the scans of GitHub's delivery log are behind: 0 after a complete scan.
pub const REDELIVERY_BEHIND: &str = "dockline_redelivery_behind_seconds";

/// Histogram of attempts to send a message to the product, in seconds, by `outcome`: `accepted`, `refused` (4xx other than
/// 408, 425 and 429), `limited` (429), `failed` (another status), `no_answer` or `cut_off` (the node shut down).
pub const FORWARD_ATTEMPT_DURATION: &str = "dockline_forward_attempt_duration_seconds";

/// Histogram of the seconds from the receipt of a message to its acceptance by the product.
pub const FORWARD_MESSAGE_DURATION: &str = "dockline_forward_message_duration_seconds";

/// Gauge of the attempts that are under way.
pub const FORWARD_IN_FLIGHT: &str = "dockline_forward_in_flight";

/// Gauge of the undelivered messages, by `status`: `waiting`, `set_aside` or `dead`.
pub const OUTBOX_MESSAGES: &str = "dockline_outbox_messages";

/// Gauge of the bytes of undelivered bodies.
pub const OUTBOX_BYTES: &str = "dockline_outbox_bytes";

/// Gauge of the age of the oldest message that waits or is set aside, in seconds; 0 if there is none.
pub const OUTBOX_OLDEST: &str = "dockline_outbox_oldest_seconds";

/// Gauge of each readiness check, by `check`: 1 if it passes, 0 if it fails.
pub const READY: &str = "dockline_ready";

/// Counter of panics of background parts, by `part`: `refresher`, `sweeper`, `redeliverer`, `housekeeper`, `key_usage`,
/// `forwarder`, `backlog` or `probe`.
pub const PANICS: &str = "dockline_worker_panics_total";

/// Describes the metrics to the installed recorder. Call it once, after installing the recorder.
pub fn describe_metrics() {
    describe_counter!(REFRESHES, "Hints of webhooks, by the outcome of the refresh.");
    describe_gauge!(REFRESH_QUEUE, "Installations that wait for a refresh or are being refreshed.");
    describe_counter!(SWEEPS, "Sweeps of this node, by outcome.");
    describe_counter!(SWEEP_BINDINGS, "Bindings that sweeps of this node refreshed, by outcome.");
    describe_gauge!(SWEEP_LAST_SUCCESS, Unit::Seconds, "When a sweep of this node last reached the end.");
    describe_gauge!(
        SWEEP_PAUSE,
        Unit::Seconds,
        "How long the running sweep of this node waits for GitHub's rate limit."
    );
    describe_counter!(REDELIVERY_SCANS, "Scans of GitHub's delivery log by this node, by outcome.");
    describe_counter!(REDELIVERIES, "Failed deliveries in GitHub's log, by outcome.");
    describe_gauge!(
        REDELIVERY_BEHIND,
        Unit::Seconds,
        "How far the scans of GitHub's delivery log by this node are behind."
    );
    describe_histogram!(
        FORWARD_ATTEMPT_DURATION,
        Unit::Seconds,
        "Duration of attempts to send a message to the product."
    );
    describe_histogram!(
        FORWARD_MESSAGE_DURATION,
        Unit::Seconds,
        "Time from the receipt of a message to its acceptance by the product."
    );
    describe_gauge!(FORWARD_IN_FLIGHT, "Attempts that are under way.");
    describe_gauge!(OUTBOX_MESSAGES, "Undelivered messages, by status, as of the last count.");
    describe_gauge!(OUTBOX_BYTES, Unit::Bytes, "Bytes of undelivered bodies, as of the last count.");
    describe_gauge!(
        OUTBOX_OLDEST,
        Unit::Seconds,
        "Age of the oldest message that waits or is set aside, as of the last count."
    );
    describe_gauge!(READY, "Whether each readiness check passes: 1 or 0.");
    describe_counter!(PANICS, "Panics of background parts, each of which was restarted.");
}
