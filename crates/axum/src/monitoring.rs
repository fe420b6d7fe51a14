//! The metrics of this crate and the text of `/metrics`. `docs/metrics.md` describes all metrics.

use std::fmt::Debug;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Counter of answered requests, by `route` (template, or `unmatched`), `method` (`OTHER` for unusual ones), `status` and
/// `code` (of the error; `OK` below 400; `NONE` for an error without a code). If the client disconnects before the response,
/// `status` is 499 and `code` is `CLIENT_GONE`.
pub const HTTP_REQUESTS: &str = "dockline_http_requests_total";

/// Histogram of the seconds from a request's head to its response's head, by `route` and `method`.
pub const HTTP_REQUEST_DURATION: &str = "dockline_http_request_duration_seconds";

/// Gauge of requests in flight.
pub const HTTP_REQUESTS_IN_FLIGHT: &str = "dockline_http_requests_in_flight";

/// Counter of webhook deliveries, by `event` (`other` for events that are not handled) and `outcome`: `taken`, `ignored`,
/// `unsigned`, `unreadable`, `refused` (media type or size) or `failed`.
pub const WEBHOOK_DELIVERIES: &str = "dockline_webhook_deliveries_total";

/// Describes the metrics to the installed recorder. Call it once, after the recorder is installed.
pub fn describe_metrics() {
    describe_counter!(HTTP_REQUESTS, "Answered requests.");
    describe_histogram!(HTTP_REQUEST_DURATION, Unit::Seconds, "Duration of requests.");
    describe_gauge!(HTTP_REQUESTS_IN_FLIGHT, "Requests in flight.");
    describe_counter!(WEBHOOK_DELIVERIES, "Webhook deliveries of GitHub.");
}

/// Renders the metrics of the process for `GET /metrics`.
pub trait Exposition: Debug + Send + Sync + 'static {
    /// Returns all metrics in Prometheus' text format 0.0.4. The endpoint is public: the text MUST NOT hold secrets or
    /// facts about single organizations. Must not block.
    fn render(&self) -> String;
}
