//! Webhook deliveries and their outcomes.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

/// How deliveries are sent. A delivery keeps the mode in which it was created.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum DeliveryMode {
    /// Sends each delivery once, in the order of the changes.
    #[default]
    Automatic,
    /// Sends deliveries only by [`GithubSim::deliver`](crate::GithubSim::deliver).
    Held,
    /// Collects deliveries until [`GithubSim::settled`](crate::GithubSim::settled) and sends them in an order that depends on the seed.
    Shuffled {
        /// Seed of the random order.
        seed: u64,
    },
    /// Sends each delivery twice in a row with the same `X-GitHub-Delivery`.
    Doubled,
    /// Sends nothing and records each delivery as failed.
    Dropped,
    /// Sends each delivery after a delay.
    Late {
        /// The delay in seconds of the simulator's clock.
        seconds: i64,
    },
}

/// A webhook delivery of an App.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Delivery {
    /// The delivery's id. A redelivery has a new one.
    pub id: u64,
    /// The `X-GitHub-Delivery` header. A redelivery has the same.
    pub guid: String,
    /// The App's id.
    pub app_id: u64,
    /// The event's name, such as `installation`.
    pub event: String,
    /// The event's action, such as `created`.
    pub action: Option<String>,
    /// The id of the event's installation.
    pub installation_id: Option<u64>,
    /// Whether this is a redelivery.
    pub redelivery: bool,
    /// The URL to which it is sent.
    pub url: String,
    /// The headers of the request without `Host` and `Content-Length`, spelled as by GitHub.
    pub headers: Vec<(String, String)>,
    /// The body, which is what the signature covers.
    pub body: Vec<u8>,
    /// The payload in the body.
    pub payload: Value,
    /// When it was created, by the simulator's clock.
    pub made_at: OffsetDateTime,
    /// How often it was sent.
    pub posts: u32,
    /// The outcome of the last attempt. `None` if it was not sent yet.
    pub outcome: Option<DeliveryOutcome>,
}

impl Delivery {
    /// Returns the value of a header. The name is case-insensitive.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The outcome of an attempt to deliver.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DeliveryOutcome {
    /// When it was sent, by the simulator's clock.
    pub delivered_at: OffsetDateTime,
    /// How long the attempt took in real time.
    pub duration: Duration,
    /// GitHub's description: `OK`, `Invalid HTTP Response: 500`, `timed out`, `failed to connect to host`, or `failed` if it was dropped.
    pub status: String,
    /// The status of the response, or 0 without one.
    pub status_code: u16,
    /// The headers of the response.
    pub headers: Vec<(String, String)>,
    /// The body of the response as text, empty if it is longer than 64 KiB. `None` without a response.
    pub body: Option<String>,
}

impl DeliveryOutcome {
    /// Returns whether the response was 2xx.
    pub fn succeeded(&self) -> bool {
        (200..300).contains(&self.status_code)
    }

    /// Returns the outcome of an attempt without a response.
    pub(crate) fn unanswered(status: &str, delivered_at: OffsetDateTime, duration: Duration) -> Self {
        let status = status.to_owned();
        Self { delivered_at, duration, status, status_code: 0, headers: Vec::new(), body: None }
    }
}
