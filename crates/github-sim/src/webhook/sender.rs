//! Sends queued deliveries.

use std::error::Error;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout};

use super::delivery::{Delivery, DeliveryOutcome};
use crate::error::SimError;
use crate::sim::GithubSim;

/// github.com's time limit of a delivery.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer response bodies are not recorded.
const BODY_LIMIT: usize = 64 * 1024;
/// The longest wait until the queue is looked at again. Changes of the queue or the clock end it early.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

impl GithubSim {
    /// Waits until all due deliveries were sent. Releases the deliveries that [`DeliveryMode::Shuffled`](crate::DeliveryMode::Shuffled)
    /// collected first. Held deliveries and those that are not due stay.
    ///
    /// It sends the deliveries by itself if the simulator is not served. Must be called on a tokio runtime.
    pub async fn settled(&self) {
        {
            let mut fixture = self.fixture();
            let now = fixture.now();
            fixture.delivery_queue.release_shuffled(now);
        }
        self.send_due().await;
    }

    /// Sends a delivery at once, in any mode and as often as it is called, and returns it with the outcome. Removes it from the queue.
    ///
    /// # Errors
    /// [`SimError::UnknownDelivery`]. A failed attempt is not an error but an outcome.
    pub async fn deliver(&self, id: u64) -> Result<Delivery, SimError> {
        let unknown = SimError::UnknownDelivery(id);
        let delivery = {
            let queue = &mut self.fixture().delivery_queue;
            queue.dequeue(id);
            queue.delivery(id).cloned().ok_or(unknown.clone())?
        };
        let outcome = self.post(&delivery).await;
        let queue = &mut self.fixture().delivery_queue;
        queue.record(id, outcome);
        queue.delivery(id).cloned().ok_or(unknown)
    }

    /// Sends deliveries when they become due. Never returns.
    pub(crate) async fn send_deliveries(&self) {
        loop {
            self.send_due().await;
            let (due, now) = {
                let fixture = self.fixture();
                let (due, removal) = (fixture.delivery_queue.next_due(), fixture.model.next_removal());
                (due.into_iter().chain(removal).min(), fixture.now())
            };
            let until = |due: OffsetDateTime| Duration::try_from(due - now).unwrap_or_default();
            let wait = due.map_or(LONGEST_WAIT, until).min(LONGEST_WAIT);
            drop(timeout(wait, self.shared().delivery_ready.notified()).await);
        }
    }

    /// Sends all due deliveries in order. A delivery stays queued if this future is dropped meanwhile.
    async fn send_due(&self) {
        let _sending = self.shared().sending.lock().await;
        loop {
            let delivery = {
                let fixture = self.fixture();
                fixture.delivery_queue.next(fixture.now()).cloned()
            };
            let Some(delivery) = delivery else { return };
            let outcome = self.post(&delivery).await;
            self.fixture().delivery_queue.sent(delivery.id, outcome);
        }
    }

    async fn post(&self, delivery: &Delivery) -> DeliveryOutcome {
        let (start, delivered_at) = (Instant::now(), self.now());
        let limit = self.config().webhook_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let result = timeout(limit, exchange(delivery)).await;
        let duration = start.elapsed();
        match result {
            Ok(Ok(response)) => response.outcome(delivered_at, duration),
            Ok(Err(error)) => {
                tracing::debug!(error, url = delivery.url, "webhook delivery failed");
                DeliveryOutcome::unanswered("failed to connect to host", delivered_at, duration)
            }
            Err(_) => DeliveryOutcome::unanswered("timed out", delivered_at, duration),
        }
    }
}

struct ReceiverResponse {
    head: axum::http::response::Parts,
    body: String,
}

impl ReceiverResponse {
    fn outcome(self, delivered_at: OffsetDateTime, duration: Duration) -> DeliveryOutcome {
        let code = self.head.status.as_u16();
        let status = match self.head.status.canonical_reason() {
            Some(reason) if self.head.status.is_success() => reason.to_owned(),
            _ => format!("Invalid HTTP Response: {code}"),
        };
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = self.head.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
        DeliveryOutcome {
            delivered_at,
            duration,
            status,
            status_code: code,
            headers: headers.collect(),
            body: Some(self.body),
        }
    }
}

/// Sends the delivery on a connection of its own. Like GitHub, it does not follow redirects.
async fn exchange(delivery: &Delivery) -> Result<ReceiverResponse, Box<dyn Error + Send + Sync>> {
    let client = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build::<_, Body>(HttpConnector::new());
    let mut request = Request::post(&delivery.url);
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    let response = client.request(request.body(Body::from(delivery.body.clone()))?).await?;
    let (head, body) = response.into_parts();
    let body = to_bytes(Body::new(body), BODY_LIMIT).await.unwrap_or_default();
    Ok(ReceiverResponse { head, body: String::from_utf8_lossy(&body).into_owned() })
}
