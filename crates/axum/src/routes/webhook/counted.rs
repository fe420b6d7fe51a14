//! Deliveries by event and outcome.

use dockline::{ErrorCode, WebhookEvent};
use metrics::counter;

use crate::metric_names::WEBHOOK_DELIVERIES;
use crate::wire::ApiErrorCode;

/// What GitHub tells every App of, and what is read here. The header is not signed: anything else is one and the same.
const EVENTS: [&str; 6] = [
    "github_app_authorization",
    "installation",
    "installation_repositories",
    "installation_target",
    "meta",
    "ping",
];

pub(super) fn event(told: &str) -> &'static str {
    EVENTS.into_iter().find(|known| *known == told).unwrap_or("other")
}

pub(super) fn count(event: &'static str, taken: Result<&WebhookEvent, ApiErrorCode>) {
    let outcome = match taken {
        Ok(WebhookEvent::Ignored | WebhookEvent::Ping) => "ignored",
        Ok(_) => "taken",
        Err(ApiErrorCode::Core(ErrorCode::Unauthenticated)) => "unsigned",
        Err(ApiErrorCode::Core(ErrorCode::Validation)) => "unreadable",
        Err(
            ApiErrorCode::PayloadTooLarge | ApiErrorCode::UnsupportedMediaType | ApiErrorCode::BadRequest,
        ) => "refused",
        Err(_) => "failed",
    };
    counter!(WEBHOOK_DELIVERIES, "event" => event, "outcome" => outcome).increment(1);
}
