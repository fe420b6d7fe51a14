//! Webhook deliveries, as they were made and as they were answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

/// How deliveries travel. A delivery keeps the mode that held when it was made.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum DeliveryMode {
    /// Each is posted once, in the order of the changes.
    #[default]
    Automatic,
    /// None is posted, until somebody sends it by hand.
    Held,
    /// They are collected, and go out together in an order that follows from the seed and their number.
    Shuffled {
        /// Begins the sequence of orders anew.
        seed: u64,
    },
    /// Each is posted twice, one after the other, with one and the same `X-GitHub-Delivery`.
    Doubled,
    /// None reaches anybody: they are recorded as failed.
    Dropped,
    /// Each is posted when the simulator's clock has advanced by so much.
    Late {
        /// Seconds by the simulator's clock.
        seconds: i64,
    },
}

/// A webhook delivery of an App.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Delivery {
    /// Its own id; a redelivery has another one.
    pub id: u64,
    /// The `X-GitHub-Delivery` header; a redelivery has the same.
    pub guid: String,
    /// Which App.
    pub app_id: u64,
    /// The event's name, such as `installation`.
    pub event: String,
    /// What happened, such as `created`.
    pub action: Option<String>,
    /// The installation that it is about.
    pub installation_id: Option<u64>,
    /// Whether somebody asked for an earlier delivery once more.
    pub redelivery: bool,
    /// Where it is posted.
    pub url: String,
    /// Every header of the request but `Host` and `Content-Length`, spelled as GitHub spells them.
    pub headers: Vec<(String, String)>,
    /// The raw body, which is what is signed.
    pub body: Vec<u8>,
    /// What the body says, however it is written.
    pub payload: Value,
    /// When it was made, by the simulator's clock.
    pub made_at: OffsetDateTime,
    /// How often it was posted.
    pub posts: u32,
    /// How the last post ended; none: it was not posted yet.
    pub outcome: Option<Outcome>,
}

impl Delivery {
    /// The value of a header; names do not mind case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// How a post ended.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// When it was posted, by the simulator's clock.
    pub delivered_at: OffsetDateTime,
    /// How long it took, by the machine's clock.
    pub duration: Duration,
    /// In GitHub's words: `OK`, `Invalid HTTP Response: 500`, `timed out`, `failed to connect to host`, or `failed` where it was lost.
    pub status: String,
    /// The answer's status; 0 where there was none.
    pub status_code: u16,
    /// The answer's headers.
    pub headers: Vec<(String, String)>,
    /// The answer's body as text, empty where it is longer than 64 KiB; none where there was no answer.
    pub body: Option<String>,
}

impl Outcome {
    /// Whether GitHub counts it as delivered: any 2xx.
    pub fn succeeded(&self) -> bool {
        (200..300).contains(&self.status_code)
    }

    /// Nobody answered.
    pub(crate) fn unanswered(status: &str, delivered_at: OffsetDateTime, duration: Duration) -> Self {
        let status = status.to_owned();
        Self { delivered_at, duration, status, status_code: 0, headers: Vec::new(), body: None }
    }
}
