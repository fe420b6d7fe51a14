//! What this crate's metrics are called. `docs/metrics.md` has them all.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Counter of requests that were answered, by `route` (its template, or `unmatched`), `method` (`OTHER` where it is none
/// of the usual), `status` and `code` (the error's; `OK` below 400; `NONE` for an error without one). A client that went
/// away before its answer has `status` 499 and `code` `CLIENT_GONE`.
pub const HTTP_REQUESTS: &str = "dockline_http_requests_total";

/// Histogram of the time from a request's head to the head of its answer in seconds, by `route` and `method`.
pub const HTTP_REQUEST_DURATION: &str = "dockline_http_request_duration_seconds";

/// Gauge of the requests that are being answered.
pub const HTTP_REQUESTS_IN_FLIGHT: &str = "dockline_http_requests_in_flight";

/// Counter of GitHub's deliveries, by `event` (`other` for those that are no business of ours) and `outcome`: `taken`,
/// `ignored`, `unsigned`, `unreadable`, `refused` (media type or size) or `failed`.
pub const WEBHOOK_DELIVERIES: &str = "dockline_webhook_deliveries_total";

/// Tells the recorder that is installed what the metrics mean. To be called once, after it was installed.
pub fn describe_metrics() {
    describe_counter!(HTTP_REQUESTS, "Requests that were answered.");
    describe_histogram!(HTTP_REQUEST_DURATION, Unit::Seconds, "Time that requests took.");
    describe_gauge!(HTTP_REQUESTS_IN_FLIGHT, "Requests that are being answered.");
    describe_counter!(WEBHOOK_DELIVERIES, "Deliveries of GitHub's webhooks.");
}
