use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{Clock, MessageSender, SystemClock};
use dockline::rules::events;
use dockline::rules::outbox::AttemptOutcome;
use dockline::{AppId, OutboxEntry, OutboxMessage};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request};
use http_body_util::Full;
use time::OffsetDateTime;

use crate::client::HttpClient;
use crate::endpoint::Endpoint;
use crate::envelope;
use crate::error::ConfigError;
use crate::secret::SigningSecrets;

/// Payloads from this size on are sealed and signed outside of the runtime's threads, which that would block for
/// milliseconds.
const LARGE: usize = 256 << 10;

const AGENT: &str = concat!("dockline/", env!("CARGO_PKG_VERSION"));

/// Sends messages to an endpoint of the product, signed by [Standard Webhooks](https://www.standardwebhooks.com).
#[derive(Clone)]
pub struct HttpSender(Arc<Inner>);

struct Inner {
    app: AppId,
    endpoint: Endpoint,
    secrets: SigningSecrets,
    client: HttpClient,
    deadline: Duration,
    clock: Arc<dyn Clock>,
}

impl HttpSender {
    /// The time within which the product must answer, from connecting to the status.
    pub const DEADLINE: Duration = Duration::from_secs(15);

    /// Creates a sender of the messages of an App. Makes no network call.
    ///
    /// # Errors
    /// [`ConfigError::TrustStore`] and [`ConfigError::Client`].
    pub fn new(app: AppId, endpoint: Endpoint, secrets: SigningSecrets) -> Result<Self, ConfigError> {
        let client = HttpClient::new(&endpoint)?;
        let clock = Arc::new(SystemClock);
        Ok(Self(Arc::new(Inner { app, endpoint, secrets, client, deadline: Self::DEADLINE, clock })))
    }
}

impl fmt::Debug for HttpSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpSender({})", self.0.endpoint)
    }
}

#[async_trait]
impl MessageSender for HttpSender {
    async fn send(&self, message: OutboxMessage) -> AttemptOutcome {
        let inner = Arc::clone(&self.0);
        let request = if message.body.len() < LARGE {
            inner.request(&message)
        } else {
            let sealing = tokio::task::spawn_blocking(move || inner.request(&message));
            sealing.await.unwrap_or_else(|_| Err("the message could not be signed".to_owned()))
        };
        let sent = match request {
            Ok(request) => self.0.client.send(request, self.0.deadline).await,
            Err(cause) => Err(cause),
        };
        match sent {
            Ok(head) => AttemptOutcome::Answered {
                status: head.status.as_u16(),
                retry_after: retry_after(&head.headers, self.0.clock.now()),
            },
            Err(cause) => AttemptOutcome::Failed { cause },
        }
    }
}

impl Inner {
    /// Returns the signed request of a message, or the cause why there is none.
    fn request(&self, message: &OutboxMessage) -> Result<Request<Full<hyper::body::Bytes>>, String> {
        let body = envelope::seal(self.app, message).map_err(|error| error.to_string())?;
        let (id, timestamp) = (message.entry.id.as_str(), self.clock.now().unix_timestamp());
        let signature = self.secrets.sign(id, timestamp, &body);
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.uri().clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        for (name, value) in [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ] {
            let value = HeaderValue::try_from(value).map_err(|_| format!("{name} cannot be sent"))?;
            headers.insert(name, value);
        }
        self.add_routing(headers, &message.entry);
        Ok(request)
    }

    /// Repeats parts of the envelope, for routing in front of the product. They are not signed, so one that a header cannot
    /// hold is left out.
    fn add_routing(&self, headers: &mut HeaderMap, entry: &OutboxEntry) {
        let organization = entry.organization.as_ref().map(|organization| organization.as_str().to_owned());
        let installation = entry.installation.map(|installation| installation.to_string());
        for (name, value) in [
            (HeaderName::from_static("dockline-app"), Some(self.app.to_string())),
            (HeaderName::from_static("dockline-organization"), organization),
            (HeaderName::from_static("dockline-installation"), installation),
            (HeaderName::from_static("dockline-event"), Some(events::type_of(&entry.content).to_owned())),
        ] {
            let value = value.and_then(|value| HeaderValue::try_from(value).ok());
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
    }
}

/// Returns the pause that `Retry-After` asks for, in seconds or as a date; `None` if it is missing or invalid.
fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    let at = OffsetDateTime::from(httpdate::parse_http_date(text).ok()?);
    Some(Duration::try_from(at - now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_number_of_seconds_or_a_date() {
        let now = OffsetDateTime::from_unix_timestamp(784_111_777).unwrap();
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(text).unwrap());
            retry_after(&headers, now)
        };
        for (text, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(read(text), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
