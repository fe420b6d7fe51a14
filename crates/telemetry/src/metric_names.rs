//! Names of the metrics; `docs/metrics.md` describes them with all others.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Histogram of calls of ports, in seconds, by `port` and `method` (as in the core, in snake case) and `outcome`: `ok`, the
/// [`dockline::PortErrorKind`] in snake case, `dropped` (the caller stopped waiting) or `panicked`.
pub const PORT_CALL_DURATION: &str = "dockline_port_call_duration_seconds";

/// Counter of domain events, by `event` and `detail`: the reason of a refusal, the proof of a registration, otherwise
/// `none`.
pub const EVENTS: &str = "dockline_events_total";

/// Counter of the installation tokens that GitHub issued, by `narrowed`: `true` or `false`.
pub const TOKENS_MINTED: &str = "dockline_tokens_minted_total";

/// Counter of the installation tokens served from the cache.
pub const TOKEN_CACHE_HITS: &str = "dockline_token_cache_hits_total";

/// Histogram of requests to GitHub, in seconds, by `operation` and `outcome`.
pub const GITHUB_CALL_DURATION: &str = "dockline_github_call_duration_seconds";

/// Counter of signatures with the App's private key.
pub const GITHUB_JWT_SIGNATURES: &str = "dockline_github_jwt_signatures_total";

/// Gauge of the requests that GitHub allows the App per window.
pub const GITHUB_RATE_LIMIT: &str = "dockline_github_rate_limit";

/// Gauge of the requests left in the current window.
pub const GITHUB_RATE_LIMIT_REMAINING: &str = "dockline_github_rate_limit_remaining";

/// Gauge of the Unix time at which the next window starts.
pub const GITHUB_RATE_LIMIT_RESET: &str = "dockline_github_rate_limit_reset_timestamp_seconds";

/// Gauge of live bindings, by `status`.
pub const BINDINGS: &str = "dockline_bindings";

/// Gauge that is 1 if so many bindings are missing or lately absent that no other becomes missing, otherwise 0.
pub const MISSING_HELD: &str = "dockline_missing_held";

/// Gauge of the Unix time of the last count of the bindings.
pub const BINDINGS_COUNTED: &str = "dockline_bindings_counted_timestamp_seconds";

/// Gauge of the time that the binding which waits longest for a sweep is due, in seconds; 0 if none is due.
pub const SWEEP_LAG: &str = "dockline_sweep_lag_seconds";

/// Counter of the verified deliveries for the product, by `outcome`: `stored`, `duplicate`, `unbound` (no organization is bound
/// to the installation), `full` (refused) or `failed`.
pub const DELIVERIES_STORED: &str = "dockline_outbox_deliveries_total";

/// Counter of the statements that the calls of a port shared, by `port`.
pub const BATCHES: &str = "dockline_batches_total";

/// Counter of the calls that shared these statements, by `port`.
pub const BATCHED_CALLS: &str = "dockline_batched_calls_total";

/// Gauge of connections to the database, by `state`: `idle` or `in_use`.
pub const POOL_CONNECTIONS: &str = "dockline_database_pool_connections";

/// Gauge of the largest number of connections to the database.
pub const POOL_MAX_CONNECTIONS: &str = "dockline_database_pool_max_connections";

/// Gauge of the calls that wait for a connection to the database.
pub const POOL_WAITING: &str = "dockline_database_pool_waiting";

/// Counter of the requests that the listener answered without the API, by `reason`.
pub const LISTENER_REJECTIONS: &str = "dockline_listener_rejections_total";

/// Gauge of the Unix time at which the process started.
pub const START_TIME: &str = "dockline_start_time_seconds";

/// Gauge that is always 1, with the program's `version`.
pub const BUILD_INFO: &str = "dockline_build_info";

/// Upper bounds, in seconds, for histograms of calls: a store answers in about a millisecond, GitHub in a few hundred, and
/// the ports' deadlines are 5, 10 and 30 seconds.
pub const DURATION_BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Describes the metrics to the installed recorder. Call it once, after installing the recorder.
pub fn describe_metrics() {
    describe_histogram!(PORT_CALL_DURATION, Unit::Seconds, "Duration of calls of the ports.");
    describe_counter!(EVENTS, "Domain events: registrations, refusals, changes at GitHub.");
    describe_counter!(TOKENS_MINTED, "Installation tokens that GitHub issued.");
    describe_counter!(TOKEN_CACHE_HITS, "Installation tokens served from the cache.");
    describe_histogram!(
        GITHUB_CALL_DURATION,
        Unit::Seconds,
        "Duration of requests to GitHub; each attempt counts."
    );
    describe_counter!(GITHUB_JWT_SIGNATURES, "Signatures with the App's private key.");
    describe_gauge!(GITHUB_RATE_LIMIT, "Requests that GitHub allows the App per window.");
    describe_gauge!(GITHUB_RATE_LIMIT_REMAINING, "Requests left in the current window.");
    describe_gauge!(GITHUB_RATE_LIMIT_RESET, Unit::Seconds, "When the next window starts.");
    describe_gauge!(BINDINGS, "Live bindings, by status, as of the last count.");
    describe_gauge!(
        MISSING_HELD,
        "1 if so many bindings are missing or lately absent that no other becomes missing, as of the last count."
    );
    describe_gauge!(BINDINGS_COUNTED, Unit::Seconds, "When the bindings were last counted.");
    describe_gauge!(
        SWEEP_LAG,
        Unit::Seconds,
        "How long the binding that waits longest for a sweep is due, as of the last count."
    );
    describe_counter!(DELIVERIES_STORED, "Verified deliveries for the product, by outcome.");
    describe_counter!(BATCHES, "Statements that the calls of a port shared.");
    describe_counter!(BATCHED_CALLS, "Calls that shared these statements.");
    describe_gauge!(POOL_CONNECTIONS, "Connections to the database, by state.");
    describe_gauge!(POOL_MAX_CONNECTIONS, "Largest number of connections to the database.");
    describe_gauge!(POOL_WAITING, "Calls that wait for a connection to the database.");
    describe_counter!(LISTENER_REJECTIONS, "Requests that the listener answered without the API.");
    describe_gauge!(START_TIME, Unit::Seconds, "When the process started.");
    describe_gauge!(BUILD_INFO, "Always 1; the labels name the build.");
}
