//! A webhook receiver on the loopback interface, and an App that delivers to it.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use dockline_github_sim::NewApp;
use ring::digest::{Algorithm, digest};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::{CALLBACK, Fixture};

/// A received delivery.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn payload(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Returns the event and its action, such as `installation.created`.
    pub(crate) fn event(&self) -> String {
        let event = self.header("x-github-event");
        let action = self.payload()["action"].as_str().map(|action| format!(".{action}"));
        format!("{event}{}", action.unwrap_or_default())
    }
}

/// A server that accepts all deliveries.
pub(crate) struct Receiver {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    status: Arc<AtomicU16>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(crate) async fn new() -> Self {
        let (received, status) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU16::new(204)));
        let (inbox, answer) = (Arc::clone(&received), Arc::clone(&status));
        let handler = async move |headers: HeaderMap, body: Bytes| {
            inbox.lock().unwrap().push(Received { headers, body });
            let status = StatusCode::from_u16(answer.load(Ordering::SeqCst)).unwrap();
            (status, [("x-answered-by", "receiver")], if status == 204 { "" } else { "answered" })
        };
        let router = Router::new().fallback(handler);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?from=github", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, received, status, task }
    }

    pub(crate) fn respond_with(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.received().iter().map(Received::event).collect()
    }

    pub(crate) fn clear(&self) {
        self.received.lock().unwrap().clear();
    }
}

/// A [`Fixture`] whose App delivers to a receiver. The ping of its registration is removed.
pub(crate) struct WebhookFixture {
    pub(crate) fixture: Fixture,
    pub(crate) receiver: Receiver,
}

impl WebhookFixture {
    pub(crate) async fn new() -> Self {
        let receiver = Receiver::new().await;
        let app = NewApp::new("dockline-dev", CALLBACK).with_webhook_url(&receiver.url);
        let fixture = Fixture::with(app).await;
        fixture.sim().settled().await;
        receiver.clear();
        fixture.sim().clear_deliveries();
        Self { fixture, receiver }
    }

    /// Waits for all deliveries and returns those since the last call.
    pub(crate) async fn received(&self) -> Vec<Received> {
        self.fixture.sim().settled().await;
        let received = self.receiver.received();
        self.receiver.clear();
        received
    }

    /// Waits for all deliveries and returns the only one since the last call.
    pub(crate) async fn single(&self) -> Received {
        let mut received = self.received().await;
        assert_eq!(received.len(), 1, "{:?}", received.iter().map(Received::event).collect::<Vec<_>>());
        received.remove(0)
    }

    /// Saves a selection on the configure page, as olga.
    pub(crate) async fn save_selection(&self, account: &str, repositories: Option<&[u64]>) {
        self.fixture.sim().default_user(Some("olga")).unwrap();
        let installed = self.fixture.sim().installations();
        let account = installed.iter().find(|i| i.account_login == account).unwrap().account_id;
        let kind = if repositories.is_some() { "selected" } else { "all" };
        let mut form = vec![("account", account.to_string()), ("action", "save".to_owned())];
        form.push(("repository_selection", kind.to_owned()));
        form.extend(repositories.into_iter().flatten().map(|id| ("repository", id.to_string())));
        let url = format!("{}/apps/dockline-dev/installations/new", self.fixture.running.web);
        assert_eq!(self.fixture.client.post(url).form(&form).send().await.unwrap().status(), 302);
    }

    pub(crate) fn secret(&self) -> String {
        self.fixture.app.webhook_secret.expose_secret().to_owned()
    }
}

/// Computes an HMAC without a library, since the simulator uses one.
pub(crate) fn hmac(algorithm: &'static Algorithm, secret: &[u8], body: &[u8]) -> String {
    let mut key =
        if secret.len() > 64 { digest(algorithm, secret).as_ref().to_vec() } else { secret.to_vec() };
    key.resize(64, 0);
    let padded = |pad: u8, rest: &[u8]| {
        let mut text: Vec<u8> = key.iter().map(|byte| byte ^ pad).collect();
        text.extend_from_slice(rest);
        digest(algorithm, &text)
    };
    let inner = padded(0x36, body);
    data_encoding::HEXLOWER.encode(padded(0x5c, inner.as_ref()).as_ref())
}
