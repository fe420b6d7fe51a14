//! A receiver of webhooks on the loopback interface, and an App that posts to it.

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

use crate::support::{CALLBACK, World};

/// What arrived: headers and the raw body.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn payload(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Such as `installation.created`.
    pub(crate) fn what(&self) -> String {
        let event = self.header("x-github-event");
        let action = self.payload()["action"].as_str().map(|action| format!(".{action}"));
        format!("{event}{}", action.unwrap_or_default())
    }
}

/// Takes everything that is posted to it.
pub(crate) struct Receiver {
    pub(crate) url: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    answer: Arc<AtomicU16>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(crate) async fn new() -> Self {
        let (arrived, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU16::new(204)));
        let (inbox, status) = (Arc::clone(&arrived), Arc::clone(&answer));
        let take = async move |headers: HeaderMap, body: Bytes| {
            inbox.lock().unwrap().push(Arrived { headers, body });
            let status = StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap();
            (status, [("x-answered-by", "receiver")], if status == 204 { "" } else { "answered" })
        };
        let router = Router::new().fallback(take);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?from=github", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, arrived, answer, task }
    }

    pub(crate) fn answer_with(&self, status: u16) {
        self.answer.store(status, Ordering::SeqCst);
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    pub(crate) fn whats(&self) -> Vec<String> {
        self.arrived().iter().map(Arrived::what).collect()
    }

    pub(crate) fn forget(&self) {
        self.arrived.lock().unwrap().clear();
    }
}

/// The usual world, whose App posts to a receiver; the first ping is over and forgotten on both sides.
pub(crate) struct Hooked {
    pub(crate) world: World,
    pub(crate) receiver: Receiver,
}

impl Hooked {
    pub(crate) async fn new() -> Self {
        let receiver = Receiver::new().await;
        let app = NewApp::new("dockline-dev", CALLBACK).with_webhook_url(&receiver.url);
        let world = World::with(app).await;
        world.sim().settled().await;
        receiver.forget();
        world.sim().clear_deliveries();
        Self { world, receiver }
    }

    /// Everything that arrived since this was asked last.
    pub(crate) async fn arrived(&self) -> Vec<Arrived> {
        self.world.sim().settled().await;
        let arrived = self.receiver.arrived();
        self.receiver.forget();
        arrived
    }

    /// The only one that arrived since this was asked last.
    pub(crate) async fn only(&self) -> Arrived {
        let mut arrived = self.arrived().await;
        assert_eq!(arrived.len(), 1, "{:?}", arrived.iter().map(Arrived::what).collect::<Vec<_>>());
        arrived.remove(0)
    }

    /// An owner saves another selection in the browser.
    pub(crate) async fn save_selection(&self, account: &str, repositories: Option<&[u64]>) {
        self.world.sim().default_user(Some("olga")).unwrap();
        let installed = self.world.sim().installations();
        let account = installed.iter().find(|i| i.account_login == account).unwrap().account_id;
        let kind = if repositories.is_some() { "selected" } else { "all" };
        let mut form = vec![("account", account.to_string()), ("action", "save".to_owned())];
        form.push(("repository_selection", kind.to_owned()));
        form.extend(repositories.into_iter().flatten().map(|id| ("repository", id.to_string())));
        let url = format!("{}/apps/dockline-dev/installations/new", self.world.running.web);
        assert_eq!(self.world.client.post(url).form(&form).send().await.unwrap().status(), 302);
    }

    pub(crate) fn secret(&self) -> String {
        self.world.app.webhook_secret.expose_secret().to_owned()
    }
}

/// RFC 2104 by hand, so that no library checks itself.
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
