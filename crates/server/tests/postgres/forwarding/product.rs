//! A product that receives messages over HTTP, verified by Standard Webhooks' own library.

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use dockline::ports::{Clock, SystemClock};
use dockline_listener::Listener;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use standardwebhooks::Webhook;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What the product does with the messages of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Status(u16),
    /// Accepts after this time.
    Late(Duration),
    /// Accepts, and answers after this time.
    Slowly(Duration),
    Never,
}

/// A verified message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) envelope: Value,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) accepted: bool,
    pub(crate) at: OffsetDateTime,
}

impl Message {
    pub(crate) fn text(&self, field: &str) -> &str {
        self.envelope[field].as_str().unwrap_or_default()
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.envelope["sequence"].as_u64().unwrap()
    }

    /// Returns the time from its receipt by Dockline to this attempt.
    pub(crate) fn delay(&self) -> Duration {
        let received = OffsetDateTime::parse(self.text("receivedAt"), &Rfc3339).unwrap();
        (self.at - received).try_into().unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct Inner {
    answers: Mutex<HashMap<String, Answer>>,
    messages: Mutex<Vec<Message>>,
    /// The ids of accepted messages.
    seen: Mutex<HashSet<String>>,
    unverified: Mutex<usize>,
}

/// A running product.
pub(crate) struct Product {
    pub(crate) url: String,
    address: SocketAddr,
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

impl Product {
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), Arc::default()).await
    }

    async fn at(address: SocketAddr, inner: Arc<Inner>) -> Self {
        let router = Router::new()
            .route("/hook", post(receive))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&inner));
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}/hook");
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(Listener::new(listener).serve(service, pending()));
        Self { url, address, inner, task }
    }

    /// Kills the product: its port and all connections are closed.
    pub(crate) async fn stop(&mut self) {
        self.task.abort();
        drop((&mut self.task).await);
    }

    /// Starts it again at the same address. It remembers what it accepted, as its database does.
    pub(crate) async fn start_again(&mut self) {
        *self = Self::at(self.address, Arc::clone(&self.inner)).await;
    }

    pub(crate) fn answer(&self, organization: &str, answer: Answer) {
        self.inner.answers.lock().unwrap().insert(organization.to_owned(), answer);
    }

    /// Returns every attempt.
    pub(crate) fn messages(&self) -> Vec<Message> {
        assert_eq!(*self.inner.unverified.lock().unwrap(), 0, "messages that do not verify");
        self.inner.messages.lock().unwrap().clone()
    }

    /// Returns the messages of an organization that were accepted, each once, in the order in which they were accepted first.
    pub(crate) fn accepted(&self, organization: &str) -> Vec<Message> {
        let mut known = HashSet::new();
        let messages = self.messages().into_iter();
        let accepted =
            messages.filter(|message| message.accepted && message.text("organization") == organization);
        accepted.filter(|message| known.insert(message.text("id").to_owned())).collect()
    }

    /// Returns how many different messages were accepted.
    pub(crate) fn different(&self) -> usize {
        self.inner.seen.lock().unwrap().len()
    }

    /// Waits until this many different messages were accepted, at most for `limit`.
    pub(crate) async fn until_different(&self, number: usize, limit: Duration) {
        let started = tokio::time::Instant::now();
        while self.different() < number {
            assert!(started.elapsed() < limit, "{} of {number} messages", self.different());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until this many different messages of an organization were accepted, at most two minutes.
    pub(crate) async fn until_accepted(&self, organization: &str, number: usize) {
        for _ in 0..2_400 {
            if self.accepted(organization).len() >= number {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let accepted = self.accepted(organization).len();
        panic!("{organization}: {accepted} of {number} messages; {} attempts in all", self.messages().len());
    }

    /// Waits until there was an attempt of an organization.
    pub(crate) async fn until_attempted(&self, organization: &str) {
        for _ in 0..1_200 {
            if self.messages().iter().any(|message| message.text("organization") == organization) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no attempt for {organization}");
    }
}

impl Product {
    /// Waits until this many messages were refused, because they do not verify.
    pub(crate) async fn until_refused(&self, number: usize) {
        while *self.inner.unverified.lock().unwrap() < number {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if Webhook::new(SECRET).unwrap().verify(&body, &headers).is_err() {
        *inner.unverified.lock().unwrap() += 1;
        return StatusCode::UNAUTHORIZED;
    }
    let envelope: Value = serde_json::from_slice(&body).unwrap();
    let organization = envelope["organization"].as_str().unwrap_or_default();
    let answer = inner.answers.lock().unwrap().get(organization).copied();
    let answer = answer.unwrap_or(Answer::Status(204));
    let accepted = matches!(answer, Answer::Status(200..=299) | Answer::Late(_) | Answer::Slowly(_));
    if let Answer::Late(pause) = answer {
        // A caller that hangs up meanwhile ends this.
        tokio::time::sleep(pause).await;
    }
    if accepted {
        inner.seen.lock().unwrap().insert(envelope["id"].as_str().unwrap().to_owned());
    }
    let at = SystemClock.now();
    inner.messages.lock().unwrap().push(Message { envelope, headers, body, accepted, at });
    match answer {
        Answer::Late(_) => StatusCode::NO_CONTENT,
        Answer::Slowly(pause) => {
            tokio::time::sleep(pause).await;
            StatusCode::NO_CONTENT
        }
        Answer::Status(status) => StatusCode::from_u16(status).unwrap(),
        Answer::Never => pending().await,
    }
}
