//! Metrics of values that the host passes in, since this crate knows neither GitHub's adapter nor the database's.

use std::time::Duration;

use dockline::BindingCounts;
use dockline::ports::{DeliveryOutcome, RateLeft};
use dockline::rules::life::LiveBindings;
use metrics::{counter, gauge, histogram};
use time::OffsetDateTime;

use crate::metric_names::{
    BATCHED_CALLS, BATCHES, BINDINGS, BINDINGS_COUNTED, BUILD_INFO, DELIVERIES_STORED, GITHUB_CALL_DURATION,
    GITHUB_JWT_SIGNATURES, GITHUB_RATE_LIMIT, GITHUB_RATE_LIMIT_REMAINING, GITHUB_RATE_LIMIT_RESET,
    LISTENER_REJECTIONS, MISSING_HELD, POOL_CONNECTIONS, POOL_MAX_CONNECTIONS, POOL_WAITING, START_TIME,
    SWEEP_LAG, TOKEN_CACHE_HITS,
};

/// Records a request to GitHub. Call it from the `call_completed` of a `dockline_github::Observer`.
pub fn record_github_call(operation: &'static str, outcome: &'static str, duration: Duration) {
    histogram!(GITHUB_CALL_DURATION, "operation" => operation, "outcome" => outcome).record(duration);
}

/// Counts a signature with the App's private key. Call it from the `jwt_signed` of a `dockline_github::Observer`.
pub fn record_jwt_signature() {
    counter!(GITHUB_JWT_SIGNATURES).increment(1);
}

/// Sets the gauges of GitHub's rate limit to [`GithubGateway::rate_left`](dockline::ports::GithubGateway::rate_left). Call
/// it before each scrape. Sets nothing if the limit is unknown.
pub fn record_rate_left(rate: Option<RateLeft>) {
    if let Some(rate) = rate {
        gauge!(GITHUB_RATE_LIMIT).set(float(rate.limit));
        gauge!(GITHUB_RATE_LIMIT_REMAINING).set(float(rate.remaining));
        gauge!(GITHUB_RATE_LIMIT_RESET).set(unix_seconds(rate.resets_at));
    }
}

/// Sets the counter of tokens served from the cache to
/// [`Dockline::token_cache_hits`](dockline::Dockline::token_cache_hits). Call it before each scrape.
pub fn record_token_cache_hits(hits: u64) {
    counter!(TOKEN_CACHE_HITS).absolute(hits);
}

/// Sets the counters of the statements that calls of `port` shared, and of these calls. Call it before each scrape.
pub fn record_batches(port: &'static str, statements: u64, calls: u64) {
    counter!(BATCHES, "port" => port).absolute(statements);
    counter!(BATCHED_CALLS, "port" => port).absolute(calls);
}

/// Counts a request that the listener answered without the API, such as one beyond its limits. Call it from the function that
/// a `dockline_listener::Listener` makes these responses with.
pub fn record_listener_rejection(reason: &'static str) {
    counter!(LISTENER_REJECTIONS, "reason" => reason).increment(1);
}

/// The state of a pool of database connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// The largest number of connections.
    pub max: usize,
    /// Open connections.
    pub open: usize,
    /// Open connections that no call uses.
    pub idle: usize,
    /// Calls that wait for a connection.
    pub waiting: usize,
}

/// Sets the gauges of the database's pool. Call it before each scrape.
pub fn record_pool(pool: PoolState) {
    let count = |count: usize| float(count as u64);
    gauge!(POOL_MAX_CONNECTIONS).set(count(pool.max));
    gauge!(POOL_CONNECTIONS, "state" => "idle").set(count(pool.idle));
    gauge!(POOL_CONNECTIONS, "state" => "in_use").set(count(pool.open.saturating_sub(pool.idle)));
    gauge!(POOL_WAITING).set(count(pool.waiting));
}

/// Sets the gauges of bindings to `counts`, which were counted at `now`. Counting reads the whole table: once a minute is
/// enough.
pub fn record_bindings(counts: BindingCounts, now: OffsetDateTime) {
    gauge!(BINDINGS, "status" => "active").set(float(counts.active));
    gauge!(BINDINGS, "status" => "suspended").set(float(counts.suspended));
    gauge!(BINDINGS, "status" => "missing").set(float(counts.missing));
    gauge!(BINDINGS, "status" => "ending").set(float(counts.ending));
    gauge!(BINDINGS, "status" => "uninstalled").set(float(counts.uninstalled));
    let all = counts.active + counts.suspended + counts.missing + counts.ending + counts.uninstalled;
    let live = LiveBindings { all, not_shown: counts.not_shown };
    gauge!(MISSING_HELD).set(if live.holds_shown() { 1.0 } else { 0.0 });
    let lag = counts.due_since.map_or(0.0, |since| (now - since).as_seconds_f64().max(0.0));
    gauge!(SWEEP_LAG).set(lag);
    gauge!(BINDINGS_COUNTED).set(unix_seconds(now));
}

/// Counts a delivery for the product; `None` if storing it failed.
pub(crate) fn count_delivery(outcome: Option<&DeliveryOutcome>) {
    let outcome = match outcome {
        Some(DeliveryOutcome::Stored) => "stored",
        Some(DeliveryOutcome::Duplicate) => "duplicate",
        Some(DeliveryOutcome::Unbound) => "unbound",
        Some(DeliveryOutcome::Full { .. }) => "full",
        None => "failed",
    };
    counter!(DELIVERIES_STORED, "outcome" => outcome).increment(1);
}

/// Sets the gauges of the process: its version and the time of its start. Call it once.
pub fn record_process(version: &'static str, started_at: OffsetDateTime) {
    gauge!(BUILD_INFO, "version" => version).set(1.0);
    gauge!(START_TIME).set(unix_seconds(started_at));
}

fn unix_seconds(time: OffsetDateTime) -> f64 {
    float(u64::try_from(time.unix_timestamp()).unwrap_or_default())
}

#[expect(clippy::cast_precision_loss, reason = "counts and Unix times are far below 2^53")]
const fn float(count: u64) -> f64 {
    count as f64
}
