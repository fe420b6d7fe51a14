//! What this program's own metrics are called; `docs/metrics.md` has them all.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(super) const GITHUB_CALL_DURATION: &str = "dockline_github_call_duration_seconds";
pub(super) const GITHUB_JWT_SIGNATURES: &str = "dockline_github_jwt_signatures_total";
pub(super) const GITHUB_RATE_LIMIT: &str = "dockline_github_rate_limit";
pub(super) const GITHUB_RATE_LEFT: &str = "dockline_github_rate_left";
pub(super) const GITHUB_RATE_RESET: &str = "dockline_github_rate_reset_timestamp_seconds";
pub(super) const TOKENS_SERVED_AGAIN: &str = "dockline_tokens_served_again_total";
pub(super) const BINDINGS: &str = "dockline_bindings";
pub(super) const BINDINGS_COUNTED: &str = "dockline_bindings_counted_timestamp_seconds";
pub(super) const SWEEP_LAG: &str = "dockline_sweep_lag_seconds";
pub(super) const POOL_CONNECTIONS: &str = "dockline_database_pool_connections";
pub(super) const POOL_MOST: &str = "dockline_database_pool_max_connections";
pub(super) const POOL_WAITING: &str = "dockline_database_pool_waiting";
pub(super) const START_TIME: &str = "dockline_start_time_seconds";
pub(super) const BUILD_INFO: &str = "dockline_build_info";

/// Tells the recorder that is installed what all metrics of `serve` mean: its own, the router's, the worker's and the ports'.
pub fn describe() {
    dockline_telemetry::describe();
    dockline_axum::describe_metrics();
    dockline_worker::describe_metrics();
    describe_histogram!(
        GITHUB_CALL_DURATION,
        Unit::Seconds,
        "Time that requests to GitHub took, each attempt by itself."
    );
    describe_counter!(GITHUB_JWT_SIGNATURES, "Signatures made with the App's private key.");
    describe_gauge!(GITHUB_RATE_LIMIT, "Requests that GitHub allows the App in a window.");
    describe_gauge!(GITHUB_RATE_LEFT, "Requests that GitHub still allows the App in this window.");
    describe_gauge!(GITHUB_RATE_RESET, Unit::Seconds, "When GitHub's next window begins.");
    describe_counter!(TOKENS_SERVED_AGAIN, "Installation tokens that were served from memory.");
    describe_gauge!(BINDINGS, "Live bindings, by status; counted once a minute, two million at the most.");
    describe_gauge!(BINDINGS_COUNTED, Unit::Seconds, "When the bindings were last counted.");
    describe_gauge!(
        SWEEP_LAG,
        Unit::Seconds,
        "How long ago GitHub last answered about the longest unverified binding that is not uninstalled."
    );
    describe_gauge!(POOL_CONNECTIONS, "Connections to the database, by state.");
    describe_gauge!(POOL_MOST, "Connections to the database that there may be.");
    describe_gauge!(POOL_WAITING, "Calls that wait for a connection to the database.");
    describe_gauge!(START_TIME, Unit::Seconds, "When this process started.");
    describe_gauge!(BUILD_INFO, "Always 1; its labels say what was built.");
}
