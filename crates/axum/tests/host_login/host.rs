//! A host with session cookies, on memory adapters and a mocked gateway.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use dockline::ports::{AppRegistration, Event, Events, LookupOutcome, MockGithubGateway};
use dockline::{
    Account, AccountId, AccountKind, AppId, Caller, ClaimPolicy, Dockline, Installation, InstalledOn,
    OrganizationId, Ports,
};
use dockline_axum::{AuthenticationError, Authenticator, RouterOptions, router};
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore, MemoryRateLimiter, MemoryStateStore};
use http::request::Parts;
use http::{HeaderMap, Request, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

pub(crate) const INSTALLATION: &str = "/v1/github/installation";
pub(crate) const INSTALL_URL: &str = "/v1/github/installation/install-url?returnUrl=https://app.example.com/";
pub(crate) const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

/// Accepts the session cookie `session=<user>@<organization>`; some user names produce an error.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    pub(crate) asked: AtomicUsize,
    pub(crate) bearer: bool,
    pub(crate) without_budget: bool,
}

#[async_trait]
impl Authenticator for Sessions {
    async fn authenticate(&self, request: &Parts) -> Result<Caller, AuthenticationError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let cookie = request.headers.get(header::COOKIE).and_then(|cookie| cookie.to_str().ok());
        let session = cookie.and_then(|cookie| cookie.strip_prefix("session="));
        let (user, organization) = session
            .and_then(|session| session.split_once('@'))
            .ok_or(AuthenticationError::Unauthenticated)?;
        match user {
            "reader" => return Err(AuthenticationError::Forbidden),
            "busy" => return Err(AuthenticationError::Limited { retry_after: Duration::from_millis(2_100) }),
            "down" => return Err(AuthenticationError::Unavailable),
            "slow" => std::future::pending().await,
            "bug" => panic!("canary-in-a-panic"),
            _ => {}
        }
        let id = OrganizationId::new(organization).unwrap();
        let caller = Caller::new(id, organization.parse().unwrap(), user.parse().unwrap())
            .with_return_hosts(["app.example.com"]);
        Ok(if self.without_budget { caller.with_budget(None) } else { caller })
    }

    fn is_ambient(&self) -> bool {
        !self.bearer
    }
}

#[derive(Debug, Default)]
pub(crate) struct Recorded(pub(crate) Mutex<Vec<Event>>);

impl Events for Recorded {
    fn record(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

pub(crate) struct Host {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) bindings: MemoryBindingRepo,
    pub(crate) events: Arc<Recorded>,
    pub(crate) keys: MemoryKeyStore,
    pub(crate) router: Router,
}

/// The policy `state` lets a test register without a visitor.
pub(crate) fn builder(bindings: &MemoryBindingRepo, events: &Arc<Recorded>) -> dockline::Builder {
    let mut github = MockGithubGateway::new();
    github.expect_registration().returning(|| AppRegistration {
        app: AppId::new(7).unwrap(),
        install_page: "https://github.com/apps/x/installations/new".into(),
        authorize_page: None,
    });
    github.expect_installation().returning(|id| {
        let account = Account {
            id: AccountId::new(9).unwrap(),
            login: "acme-coffee".into(),
            kind: AccountKind::Organization,
        };
        let installed_on = InstalledOn::Account(account);
        let app = AppId::new(7).unwrap();
        Ok(LookupOutcome::Found(Installation {
            id,
            app,
            installed_on,
            suspended: false,
            facts: Default::default(),
        }))
    });
    let ports = Ports {
        states: Arc::new(MemoryStateStore::new()),
        bindings: Arc::new(bindings.clone()),
        github: Arc::new(github),
    };
    Dockline::builder(ports)
        .with_policy(ClaimPolicy::State)
        .with_rate_limiter(Arc::new(MemoryRateLimiter::new()))
        .with_events(events.clone())
}

impl Host {
    pub(crate) fn start(sessions: Sessions) -> Self {
        Self::with(sessions, false, |options| options)
    }

    pub(crate) fn with(
        sessions: Sessions,
        with_keys: bool,
        options: impl FnOnce(RouterOptions) -> RouterOptions,
    ) -> Self {
        let (bindings, events) = (MemoryBindingRepo::new(), Arc::new(Recorded::default()));
        let keys = MemoryKeyStore::new();
        let builder = builder(&bindings, &events);
        let builder = if with_keys { builder.with_api_keys(Arc::new(keys.clone())) } else { builder };
        let sessions = Arc::new(sessions);
        let options = options(RouterOptions::default().with_authenticator(sessions.clone()));
        let router = router(builder.build().unwrap(), options).unwrap();
        Self { sessions, bindings, events, keys, router }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        send(&self.router, "GET", path, headers, "").await
    }

    /// A request of a signed-in user from the host's own page.
    pub(crate) async fn own(&self, method: &str, path: &str, session: &str, body: &str) -> Answer {
        let cookie = format!("session={session}");
        let headers = [OWN, ("cookie", &*cookie), ("content-type", "application/json")];
        send(&self.router, method, path, &headers, body).await
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code()), (status, code), "{self:?}");
        self
    }

    pub(crate) fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

pub(crate) async fn send(
    router: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let peer: SocketAddr = "192.0.2.1:4711".parse().unwrap();
    let mut request = Request::builder().method(method).uri(path).header("host", "api.example.com");
    request = request.extension(ConnectInfo(peer));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, headers, json: serde_json::from_slice(&body).unwrap_or(Value::Null) }
}
