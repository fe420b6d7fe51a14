//! A product that receives messages over HTTP, verified by Standard Webhooks' own library.

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use dockline_listener::Listener;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::api::Backend;
use crate::http_client::loopback;
use crate::schema::TestSchema;
use crate::server::{Github, Server};

pub(crate) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What the product does with the messages of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Status(u16),
    Never,
}

/// A verified message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) envelope: Value,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) accepted: bool,
}

impl Message {
    pub(crate) fn text(&self, field: &str) -> &str {
        self.envelope[field].as_str().unwrap_or_default()
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.envelope["sequence"].as_u64().unwrap()
    }
}

#[derive(Debug, Default)]
struct Inner {
    answers: Mutex<HashMap<String, Answer>>,
    messages: Mutex<Vec<Message>>,
    unverified: Mutex<usize>,
}

/// A running product.
pub(crate) struct Product {
    pub(crate) url: String,
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
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(Listener::new(listener).serve(service, pending()));
        Self { url, inner, task }
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
        let mut accepted: Vec<Message> = Vec::new();
        for message in self.messages() {
            let is_known = accepted.iter().any(|known| known.text("id") == message.text("id"));
            if message.accepted && message.text("organization") == organization && !is_known {
                accepted.push(message);
            }
        }
        accepted
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
    let accepted = matches!(answer, Answer::Status(200..=299));
    inner.messages.lock().unwrap().push(Message { envelope, headers, body, accepted });
    match answer {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap(),
        Answer::Never => pending().await,
    }
}

/// `serve` with `--forward-to`, a simulated GitHub, and a product.
pub(crate) struct Scene {
    pub(crate) schema: TestSchema,
    pub(crate) github: Github,
    pub(crate) product: Product,
    secret_file: String,
    http: reqwest::Client,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        let schema = TestSchema::migrated().await;
        let github = Github::start(&schema).await;
        let product = Product::start().await;
        github.files.write("forward-secret", SECRET);
        let secret_file = github.files.path("forward-secret");
        Self { schema, github, product, secret_file, http: loopback() }
    }

    /// Starts a node that forwards.
    pub(crate) fn node(&self, further: &[&str]) -> Server {
        let forward = ["--forward-to", &self.product.url, "--forward-secret-file", &self.secret_file];
        Server::spawn_with(&self.schema, &self.github, "127.0.0.1:0", &[&forward, further].concat())
            .listening()
    }

    /// Binds an installation to an organization, and returns its id.
    pub(crate) async fn bind(&self, server: &Server, organization: &str) -> u64 {
        let backend = Backend::new(self.schema.key(organization).await);
        let installation = self.github.install(&organization.replace('_', "-"));
        let state = backend.state(&server.api).await;
        assert_eq!(backend.register(&server.api, installation, &state).await.unwrap().status, 201);
        installation
    }

    /// Sends a signed `push` as GitHub does. Returns the status, or `None` if the connection failed.
    pub(crate) async fn push(&self, server: &Server, installation: u64, guid: &str) -> Option<u16> {
        let payload = json!({
            "ref": "refs/heads/main", "installation": { "id": installation }, "after": guid, "size": 1.50,
        });
        self.deliver(server, "push", guid, payload.to_string()).await
    }

    /// Sends a signed delivery.
    pub(crate) async fn deliver(
        &self,
        server: &Server,
        event: &str,
        guid: &str,
        body: String,
    ) -> Option<u16> {
        let secret = self.github.app.webhook_secret.expose_secret();
        let hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&body);
        let digits: String = hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let request = self
            .http
            .post(format!("{}/v1/github/webhooks", server.api))
            .header("content-type", "application/json")
            .header("x-github-event", event)
            .header("x-github-delivery", guid)
            .header("x-hub-signature-256", format!("sha256={digits}"))
            .body(body);
        Some(request.send().await.ok()?.status().as_u16())
    }

    /// Ends the leases of killed nodes, as a minute does.
    pub(crate) async fn expire_leases(&self) {
        let past = "update $schema.outbox_queues set lease_until = lease_until - interval '1 minute', \
            due_at = due_at - interval '1 minute' where lease_until is not null";
        self.schema.execute(past).await;
    }
}

/// Fails unless the sequences grow.
pub(crate) fn assert_in_order(messages: &[Message]) {
    let sequences: Vec<u64> = messages.iter().map(Message::sequence).collect();
    assert!(sequences.is_sorted(), "{sequences:?}");
}

/// Returns the number of messages by type.
pub(crate) fn types(messages: &[Message]) -> BTreeMap<&str, usize> {
    let mut types = BTreeMap::new();
    for message in messages {
        *types.entry(message.text("type")).or_default() += 1;
    }
    types
}
