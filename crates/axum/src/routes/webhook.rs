//! `POST /v1/github/webhooks`: form of the signature, media type, size and body are checked in this order, the cheapest
//! first. The signature itself covers the body, so it is verified last.

use std::time::Duration;

use axum::extract::{Request, State};
use dockline::{
    DeliveryFault, ErrorCode, HandedOver, InstallationId, SignatureRefusal, WebhookDelivery, WebhookError,
    WebhookEvent, WebhookOutcome,
};
use http::{HeaderMap, StatusCode, header};
use metrics::counter;
use tokio::time::{Instant, timeout_at};

use super::webhook_body;
use crate::monitoring::WEBHOOK_DELIVERIES;
use crate::options::Context;
use crate::wire::ApiErrorCode;
use crate::wire::error::{ApiError, Details};
use crate::wire::request_body::check_media_type;

/// GitHub waits ten seconds for the response to a delivery, and counts a later one as failed.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long the handling of a delivery may take that is handed to the product, so that a product that hangs is reported to
/// GitHub in time.
const HAND_OVER_DEADLINE: Duration = Duration::from_secs(5);

/// The longest header value that is logged.
const MAX_LOGGED: usize = 64;

/// The events with a metric label of their own: those that every App receives, and those that Dockline handles. The header
/// is not signed, so every other value is `other`.
const EVENTS: [&str; 6] = [
    "github_app_authorization",
    "installation",
    "installation_repositories",
    "installation_target",
    "meta",
    "ping",
];

/// Answers 202 without a body. The refresh queue makes the calls to GitHub later.
pub(super) async fn receive(
    State(context): State<Context>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let log = LogFields::of(request.headers());
    let label = EVENTS.into_iter().find(|known| *known == log.event).unwrap_or("other");
    let result = accept(&context, request, log).await;
    count(label, result.as_ref().map_err(|error| error.code));
    result.map(|_| StatusCode::ACCEPTED)
}

async fn accept(context: &Context, request: Request, log: LogFields) -> Result<WebhookEvent, ApiError> {
    let WebhookOutcome { event, refresh, handed_over } = match handle(context, request, &log).await {
        Ok(outcome) => outcome,
        Err((error, refresh)) => {
            enqueue(context, refresh);
            return Err(error);
        }
    };
    let installation = event.installation().map(|installation| installation.get());
    tracing::info!(
        delivery = log.delivery,
        event = log.event,
        notice = kind(event),
        installation,
        product = handed_over_label(handed_over),
        "delivery accepted"
    );
    enqueue(context, refresh);
    Ok(event)
}

fn enqueue(context: &Context, refresh: Option<InstallationId>) {
    match (refresh, &context.options.refresh_queue) {
        (Some(installation), Some(queue)) => queue.enqueue(installation),
        (Some(installation), None) => {
            tracing::info!(%installation, "no refresh queue; left to the sweep");
        }
        (None, _) => {}
    }
}

/// Returns the error with the installation to refresh nevertheless.
async fn handle(
    context: &Context,
    request: Request,
    log: &LogFields,
) -> Result<WebhookOutcome, (ApiError, Option<InstallationId>)> {
    let handled = verify_and_handle(context, request, log).await.map_err(|error| (error, None))?;
    handled.map_err(|error| {
        let refresh = error.refresh();
        (api_error(error, log), refresh)
    })
}

async fn verify_and_handle(
    context: &Context,
    request: Request,
    log: &LogFields,
) -> Result<Result<WebhookOutcome, WebhookError>, ApiError> {
    let deadline = Instant::now() + DEADLINE;
    let headers = request.headers();
    let signature = once(headers, "x-hub-signature-256").map(<[u8]>::to_vec);
    context.dockline.precheck_signature(signature.as_deref()).map_err(|reason| unsigned(reason, log))?;
    check_media_type(headers, &["application/json", "application/x-www-form-urlencoded"])?;
    let event = text(headers, "x-github-event").filter(|event| !event.is_empty());
    let id = text(headers, "x-github-delivery");
    let content_type = text(headers, header::CONTENT_TYPE.as_str());
    let body = webhook_body::read(request, &context.large_bodies, deadline).await.inspect_err(|error| {
        tracing::info!(delivery = log.delivery, event = log.event, cause = %error.message, "delivery not read");
    })?;
    let delivery = WebhookDelivery {
        signature: signature.as_deref(),
        event: event.as_deref(),
        id: id.as_deref(),
        content_type: content_type.as_deref(),
        body: body.bytes(),
    };
    // Only a signed delivery takes time from here on.
    let deadline = if context.dockline.hands_over_deliveries() {
        deadline.min(Instant::now() + HAND_OVER_DEADLINE)
    } else {
        deadline
    };
    timeout_at(deadline, context.dockline.handle_webhook(delivery)).await.map_err(|_| {
        tracing::warn!(delivery = log.delivery, event = log.event, "delivery timed out");
        ApiError::timed_out()
    })
}

fn api_error(error: WebhookError, log: &LogFields) -> ApiError {
    match error {
        WebhookError::Unsigned(reason) => unsigned(reason, log),
        WebhookError::Unreadable(fault) => {
            tracing::warn!(delivery = log.delivery, event = log.event, %fault, "delivery invalid");
            let message = "The delivery is signed, but cannot be read; details.reason says why.";
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::Validation, message)
                .with_details(Details::Reason { reason: reason(fault) })
        }
        WebhookError::OutboxFull { .. } => not_taken(),
        WebhookError::NotTaken { source, .. } => {
            tracing::warn!(delivery = log.delivery, event = log.event, error = %source, "delivery not handed over");
            not_taken()
        }
        WebhookError::Port(error) => error.into(),
        _ => ApiError::internal(),
    }
}

/// GitHub lists the delivery as failed.
fn not_taken() -> ApiError {
    let message = "The delivery cannot be passed on now. Redeliver it later.";
    ApiError::of(ErrorCode::Unavailable, message).with_retry_after(Duration::from_secs(1))
}

/// The response is the same for every cause; only the log names it.
fn unsigned(refusal: SignatureRefusal, log: &LogFields) -> ApiError {
    tracing::warn!(delivery = log.delivery, event = log.event, %refusal, "delivery refused");
    ApiError::unsigned()
}

fn count(event: &'static str, result: Result<&WebhookEvent, ApiErrorCode>) {
    let outcome = match result {
        Ok(WebhookEvent::Ignored | WebhookEvent::Ping) => "ignored",
        Ok(_) => "taken",
        Err(ApiErrorCode::Core(ErrorCode::Unauthenticated)) => "unsigned",
        Err(ApiErrorCode::Core(ErrorCode::Validation)) => "unreadable",
        Err(
            ApiErrorCode::PayloadTooLarge
            | ApiErrorCode::UnsupportedMediaType
            | ApiErrorCode::BadRequest
            | ApiErrorCode::Core(ErrorCode::RateLimited),
        ) => "refused",
        Err(_) => "failed",
    };
    counter!(WEBHOOK_DELIVERIES, "event" => event, "outcome" => outcome).increment(1);
}

/// Returns the value of `details.reason`.
const fn reason(fault: DeliveryFault) -> &'static str {
    match fault {
        DeliveryFault::NoEvent => "no_event",
        DeliveryFault::NotAnObject => "not_an_object",
        DeliveryFault::AnotherShape => "another_shape",
        DeliveryFault::ForeignApp => "foreign_app",
        DeliveryFault::NoDeliveryId => "no_delivery_id",
        _ => "unreadable",
    }
}

const fn handed_over_label(handed_over: HandedOver) -> &'static str {
    match handed_over {
        HandedOver::Taken => "taken",
        HandedOver::Duplicate => "duplicate",
        HandedOver::Unbound => "unbound",
        HandedOver::NotConfigured | _ => "none",
    }
}

const fn kind(event: WebhookEvent) -> &'static str {
    match event {
        WebhookEvent::Ping => "ping",
        WebhookEvent::Installed { .. } => "installed",
        WebhookEvent::Deleted { .. } => "deleted",
        WebhookEvent::StatusChanged { .. } => "status_changed",
        WebhookEvent::PermissionsChanged { .. } => "permissions_changed",
        WebhookEvent::Renamed { .. } => "renamed",
        WebhookEvent::Ignored => "ignored",
        _ => "other",
    }
}

/// Returns the value of a header that occurs exactly once: a proxy may read another one of two.
fn once<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.as_bytes()),
        _ => None,
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    once(headers, name).and_then(|value| std::str::from_utf8(value).ok()).map(str::to_owned)
}

/// The log fields of a delivery, from its headers only. They are not signed, so a value is logged only if it has the
/// alphabet of GitHub's ids and event names: anything else could be a secret in the wrong header.
#[derive(Debug)]
struct LogFields {
    delivery: String,
    event: String,
}

impl LogFields {
    fn of(headers: &HeaderMap) -> Self {
        let field = |name, allowed: fn(&u8) -> bool| {
            let value = once(headers, name).filter(|value| value.len() <= MAX_LOGGED);
            let value = value.filter(|value| value.iter().all(allowed)).unwrap_or_default();
            value.iter().map(|byte| char::from(*byte)).collect()
        };
        let in_id = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
        let in_event = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
        Self { delivery: field("x-github-delivery", in_id), event: field("x-github-event", in_event) }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_header_values_in_githubs_alphabet_are_logged() {
        let mut headers = HeaderMap::new();
        headers.insert("x-github-event", HeaderValue::from_static("installation_repositories"));
        let id = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
        headers.insert("x-github-delivery", HeaderValue::from_static(id));
        let log = LogFields::of(&headers);
        assert_eq!((&*log.delivery, &*log.event), (id, "installation_repositories"));
        for hostile in [
            [b"a\t\"b\" ".as_slice(), &[0xff; 3]].concat(),
            vec![b'a'; MAX_LOGGED + 1],
            b"lp_live_0123456789ABCDEF_secret".to_vec(),
        ] {
            for name in ["x-github-delivery", "x-github-event"] {
                headers.insert(name, HeaderValue::from_bytes(&hostile).unwrap());
            }
            let log = LogFields::of(&headers);
            assert_eq!((&*log.delivery, &*log.event), ("", ""), "{hostile:?}");
        }
        headers.insert("x-github-event", HeaderValue::from_static("ping"));
        headers.append("x-github-event", HeaderValue::from_static("installation"));
        assert_eq!(LogFields::of(&headers).event, "");
        assert_eq!(text(&headers, "x-github-event"), None);
    }
}
