//! `POST /v1/github/webhooks`: GitHub's deliveries. Signature's form, media type, size and body are looked at in this
//! order, each before the next costs anything; the signature itself covers the body and can only come after it.

mod body;
mod counted;
mod large_bodies;

use std::time::Duration;

use axum::extract::{Request, State};
use dockline::{
    DeliveryFault, ErrorCode, SignatureRefusal, WebhookDelivery, WebhookError, WebhookEvent, WebhookOutcome,
};
use http::{HeaderMap, StatusCode, header};
use tokio::time::timeout;

pub(crate) use large_bodies::LargeBodies;

use crate::options::Context;
use crate::wire::error::{ApiError, Details};
use crate::wire::request_body::check_media_type;

/// GitHub waits ten seconds at most (GitHub fact 51): what takes longer, nobody waits for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most characters of a header's text in the log.
const LONGEST_TOLD: usize = 64;

/// 202 without a body. What GitHub then has to be asked is asked afterwards.
pub(crate) async fn receive(
    State(context): State<Context>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let told = Told::of(request.headers());
    let event = counted::event(&told.event);
    let taken = follow(&context, request, told).await;
    counted::count(event, taken.as_ref().map_err(|error| error.code));
    taken.map(|_| StatusCode::ACCEPTED)
}

async fn follow(context: &Context, request: Request, told: Told) -> Result<WebhookEvent, ApiError> {
    let taken = timeout(PATIENCE, take_in_time(context, request, &told)).await;
    let WebhookOutcome { event: notice, refresh } = taken.unwrap_or_else(|_| {
        tracing::warn!(delivery = told.delivery, event = told.event, "a delivery took too long");
        Err(ApiError::too_late())
    })?;
    let installation = notice.installation().map(|installation| installation.get());
    let kind = kind(notice);
    tracing::info!(
        delivery = told.delivery,
        event = told.event,
        notice = kind,
        installation,
        "delivery taken"
    );
    match (refresh, &context.options.refresh_queue) {
        (Some(installation), Some(queue)) => queue.enqueue(installation),
        (Some(installation), None) => {
            tracing::info!(%installation, "no refresh queue; left to the sweep");
        }
        (None, _) => {}
    }
    Ok(notice)
}

async fn take_in_time(context: &Context, request: Request, told: &Told) -> Result<WebhookOutcome, ApiError> {
    let headers = request.headers();
    let signature = once(headers, "x-hub-signature-256").map(<[u8]>::to_vec);
    context.dockline.precheck_signature(signature.as_deref()).map_err(|reason| unsigned(reason, told))?;
    check_media_type(headers, &["application/json", "application/x-www-form-urlencoded"])?;
    // An empty one names nothing.
    let event = text(headers, "x-github-event").filter(|event| !event.is_empty());
    let content_type = text(headers, header::CONTENT_TYPE.as_str());
    let body = body::read(request, &context.large_bodies).await?;
    let delivery = WebhookDelivery {
        signature: signature.as_deref(),
        event: event.as_deref(),
        content_type: content_type.as_deref(),
        body: body.bytes(),
    };
    context.dockline.handle_webhook(delivery).await.map_err(|error| match error {
        WebhookError::Unsigned(reason) => unsigned(reason, told),
        WebhookError::Unreadable(fault) => {
            tracing::warn!(delivery = told.delivery, event = told.event, %fault, "delivery not readable");
            let message = "The delivery is signed, but cannot be read; details.reason says why.";
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::Validation, message)
                .with_details(Details::Reason { reason: reason(fault) })
        }
        WebhookError::Port(error) => error.into(),
        _ => ApiError::internal(),
    })
}

/// One body for every cause: only the log says which it was.
fn unsigned(refusal: SignatureRefusal, told: &Told) -> ApiError {
    tracing::warn!(delivery = told.delivery, event = told.event, %refusal, "delivery refused");
    ApiError::unsigned()
}

/// As `details.reason` spells it.
pub(crate) const fn reason(fault: DeliveryFault) -> &'static str {
    match fault {
        DeliveryFault::NoEvent => "no_event",
        DeliveryFault::NotAnObject => "not_an_object",
        DeliveryFault::AnotherShape => "another_shape",
        DeliveryFault::ForeignApp => "foreign_app",
        _ => "unreadable",
    }
}

const fn kind(notice: WebhookEvent) -> &'static str {
    match notice {
        WebhookEvent::Ping => "ping",
        WebhookEvent::Installed { .. } => "installed",
        WebhookEvent::Deleted { .. } => "deleted",
        WebhookEvent::StatusChanged { .. } => "status_changed",
        WebhookEvent::PermissionsChanged { .. } => "regranted",
        WebhookEvent::Renamed { .. } => "renamed",
        WebhookEvent::Ignored => "ignored",
        _ => "other",
    }
}

/// The value of a header that is given exactly once: of two, a proxy and we might take different ones.
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

/// What the log says of a delivery: never anything of its body. Headers are not signed, so nothing hangs on them, and
/// what is not spelled as GitHub spells its numbers and events is not told: it could be a secret in the wrong place.
#[derive(Debug)]
struct Told {
    delivery: String,
    event: String,
}

impl Told {
    fn of(headers: &HeaderMap) -> Self {
        let told = |name, allowed: fn(&u8) -> bool| {
            let value = once(headers, name).filter(|value| value.len() <= LONGEST_TOLD);
            let value = value.filter(|value| value.iter().all(allowed)).unwrap_or_default();
            value.iter().map(|byte| char::from(*byte)).collect()
        };
        let in_number = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
        let in_event = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
        Self { delivery: told("x-github-delivery", in_number), event: told("x-github-event", in_event) }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_logged_of_headers_is_spelled_as_github_does() {
        let mut headers = HeaderMap::new();
        headers.insert("x-github-event", HeaderValue::from_static("installation_repositories"));
        let number = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
        headers.insert("x-github-delivery", HeaderValue::from_static(number));
        let told = Told::of(&headers);
        assert_eq!((&*told.delivery, &*told.event), (number, "installation_repositories"));
        for hostile in [
            [b"a\t\"b\" ".as_slice(), &[0xff; 3]].concat(),
            vec![b'a'; LONGEST_TOLD + 1],
            b"lp_live_0123456789ABCDEF_secret".to_vec(),
        ] {
            for name in ["x-github-delivery", "x-github-event"] {
                headers.insert(name, HeaderValue::from_bytes(&hostile).unwrap());
            }
            let told = Told::of(&headers);
            assert_eq!((&*told.delivery, &*told.event), ("", ""), "{hostile:?}");
        }
        headers.insert("x-github-event", HeaderValue::from_static("ping"));
        headers.append("x-github-event", HeaderValue::from_static("installation"));
        assert_eq!(Told::of(&headers).event, "");
        assert_eq!(text(&headers, "x-github-event"), None);
    }
}
