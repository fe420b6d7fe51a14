//! A host with its own login: no API keys, an `Authenticator`, routers mounted one by one.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use dockline::ports::{
    AppRegistration, BindingRepo, Event, Events, KeyStore, LookupOutcome, MockGithubGateway,
};
use dockline::{
    Account, AccountId, AccountKind, AppId, Caller, ClaimPolicy, Dockline, ExposeSecret, Installation,
    InstalledOn, OrganizationId, Ports, Tier,
};
use dockline_axum::{
    AuthFailureLimit, AuthenticationError, Authenticator, RouterError, RouterOptions, api_router,
    callback_router, operations_router, router, webhook_router,
};
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore, MemoryRateLimiter, MemoryStateStore};
use dockline_testkit::fixtures;
use http::request::Parts;
use http::{HeaderMap, Request, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

const INSTALLATION: &str = "/v1/github/installation";
const INSTALL_URL: &str = "/v1/github/installation/install-url?returnUrl=https://app.example.com/";
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

/// Accepts the session cookie `session=<user>@<organization>`; some user names produce an error.
#[derive(Debug, Default)]
struct Sessions {
    asked: AtomicUsize,
    bearer: bool,
    without_budget: bool,
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
struct Recorded(Mutex<Vec<Event>>);

impl Events for Recorded {
    fn record(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

struct Host {
    sessions: Arc<Sessions>,
    bindings: MemoryBindingRepo,
    events: Arc<Recorded>,
    keys: MemoryKeyStore,
    router: Router,
}

/// The policy `state` lets a test register without a visitor.
fn builder(bindings: &MemoryBindingRepo, events: &Arc<Recorded>) -> dockline::Builder {
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
        Ok(LookupOutcome::Found(Installation { id, app, installed_on, suspended: false }))
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
    fn start(sessions: Sessions) -> Self {
        Self::with(sessions, false, |options| options)
    }

    fn with(
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

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        send(&self.router, "GET", path, headers, "").await
    }

    /// A request of a signed-in user from the host's own page.
    async fn own(&self, method: &str, path: &str, session: &str, body: &str) -> Answer {
        let cookie = format!("session={session}");
        let headers = [OWN, ("cookie", &*cookie), ("content-type", "application/json")];
        send(&self.router, method, path, &headers, body).await
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    json: Value,
}

impl Answer {
    #[track_caller]
    fn expect(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code()), (status, code), "{self:?}");
        self
    }

    fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

async fn send(router: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
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

#[tokio::test]
async fn a_signed_in_user_registers_without_any_key_and_is_recorded_as_the_actor() {
    let host = Host::start(Sessions::default());
    host.own("GET", INSTALLATION, "ann@org_acme", "").await.expect(404, "NOT_FOUND");
    let link = host.own("GET", INSTALL_URL, "ann@org_acme", "").await.expect(200, "");
    let body = format!(r#"{{"installationId":7001,"state":{}}}"#, link.json["state"]);
    let made = host.own("POST", INSTALLATION, "ann@org_acme", &body).await.expect(201, "");
    assert_eq!(made.json["orgLogin"], "acme-coffee");
    let other = body.replace("7001", "7002");
    host.own("POST", INSTALLATION, "bob@org_acme", &other).await.expect(409, "CONFLICT");
    let bound = host.bindings.find(&OrganizationId::new("org_acme").unwrap()).await.unwrap().unwrap();
    assert_eq!(bound.actor.as_str(), "ann");
    host.own("DELETE", INSTALLATION, "carla@org_acme", "").await.expect(204, "");
    host.own("DELETE", INSTALLATION, "carla@org_acme", "").await.expect(404, "NOT_FOUND");
    let events = host.events.0.lock().unwrap();
    let actors: Vec<_> = events
        .iter()
        .map(|event| serde_json::to_value(event).unwrap())
        .map(|event| format!("{} {}", event["event"], event["actor"]).replace('"', ""))
        .collect();
    assert_eq!(actors, ["registered ann", "conflicted bob", "detached carla"]);
}

/// The login separates organizations as keys do.
#[tokio::test]
async fn another_organizations_user_sees_nothing_and_cannot_use_its_state() {
    let host = Host::start(Sessions::default());
    let link = host.own("GET", INSTALL_URL, "ann@org_acme", "").await.expect(200, "");
    let body = format!(r#"{{"installationId":7001,"state":{}}}"#, link.json["state"]);
    host.own("POST", INSTALLATION, "rita@org_rival", &body).await.expect(422, "VALIDATION");
    host.own("POST", INSTALLATION, "ann@org_acme", &body).await.expect(201, "");
    host.own("GET", INSTALLATION, "rita@org_rival", "").await.expect(404, "NOT_FOUND");
}

/// Requests that a page of another site makes a browser send have no effect and do not reach the login.
#[tokio::test]
async fn cross_site_requests_with_an_ambient_credential_are_rejected_i_40() {
    let host = Host::start(Sessions::default());
    let known = format!("{INSTALL_URL}&state=known-to-the-attacker");
    let post = r#"{"installationId":7001,"state":"known-to-the-attacker"}"#;
    for (method, path) in [
        ("GET", &*known),
        ("GET", INSTALL_URL),
        ("GET", INSTALLATION),
        ("HEAD", INSTALL_URL),
        ("POST", INSTALLATION),
        ("DELETE", INSTALLATION),
        ("GET", "/v1/github/repos"),
    ] {
        for site in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://app.example.com")],
            &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
            &[("origin", "https://evil.test")],
            &[("origin", "null")],
            &[],
        ] {
            let headers =
                [&[("cookie", "session=ann@org_acme"), ("content-type", "text/plain")], site].concat();
            let answer = send(&host.router, method, path, &headers, post).await;
            let code = if method == "HEAD" { "" } else { "CROSS_SITE_REQUEST" };
            let answer = answer.expect(403, code);
            assert_eq!(answer.header("x-ratelimit-limit"), "", "nothing is charged");
            assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
        }
    }
    assert_eq!(host.sessions.asked.load(Ordering::Relaxed), 0);
    assert!(host.events.0.lock().unwrap().is_empty());
    // The state was not issued: the attacker's own organization can still use it.
    let own = [OWN, ("cookie", "session=ann@org_acme"), ("content-type", "application/json")];
    send(&host.router, "POST", INSTALLATION, &own, post).await.expect(422, "VALIDATION");
}

#[tokio::test]
async fn a_browser_without_fetch_metadata_is_accepted_from_a_listed_origin_only() {
    let listed = |options: RouterOptions| options.with_allowed_origins(["https://app.example.com"]);
    let host = Host::with(Sessions::default(), false, listed);
    let cookie = ("cookie", "session=ann@org_acme");
    host.get(INSTALL_URL, &[cookie, ("origin", "https://app.example.com")]).await.expect(200, "");
    for origin in ["https://app.example.com:8443", "https://evil.test", "null"] {
        host.get(INSTALL_URL, &[cookie, ("origin", origin)]).await.expect(403, "CROSS_SITE_REQUEST");
    }
}

#[tokio::test]
async fn a_credential_that_a_script_must_add_is_not_ambient() {
    let host = Host::start(Sessions { bearer: true, ..Sessions::default() });
    host.get(INSTALL_URL, &[("cookie", "session=ann@org_acme")]).await.expect(200, "");
}

/// An own state would let the author of a link choose the installation of the visitor's organization.
#[tokio::test]
async fn an_own_state_is_for_api_keys_only() {
    let host = Host::with(Sessions::default(), true, |options| options);
    let path = format!("{INSTALL_URL}&state=0123456789abcdef");
    let refused = host.own("GET", &path, "ann@org_acme", "").await.expect(422, "VALIDATION");
    let issues = &refused.json["error"]["details"]["issues"];
    assert_eq!((&issues[0]["path"], issues.as_array().unwrap().len()), (&"state".into(), 1), "{issues}");
    let (key, mut record) = fixtures::key_of("org_acme", 1);
    record.return_hosts = vec!["app.example.com".into()];
    host.keys.insert(record);
    let bearer = format!("Bearer {}", key.expose().expose_secret());
    let made = host.get(&path, &[("authorization", &bearer)]).await.expect(200, "");
    assert_eq!(made.json["state"], "0123456789abcdef");
    host.get("/v1/whoami", &[("authorization", &bearer)]).await.expect(200, "");
    host.own("GET", "/v1/whoami", "ann@org_acme", "").await.expect(404, "NOT_FOUND");
    // A session does not replace a wrong key.
    let wrong = [OWN, ("cookie", "session=ann@org_acme"), ("authorization", "Bearer lp_live_nonsense")];
    host.get(INSTALLATION, &wrong).await.expect(401, "UNAUTHENTICATED");
}

#[tokio::test(start_paused = true)]
async fn each_error_of_the_login_has_its_response() {
    let host = Host::start(Sessions::default());
    let stranger = host.get(INSTALLATION, &[OWN]).await.expect(401, "UNAUTHENTICATED");
    assert_eq!(stranger.header("www-authenticate"), "Session");
    host.own("GET", INSTALLATION, "reader@org_acme", "").await.expect(403, "FORBIDDEN_SCOPE");
    let busy = host.own("GET", INSTALLATION, "busy@org_acme", "").await.expect(429, "RATE_LIMITED");
    assert_eq!(busy.header("retry-after"), "3");
    for user in ["down@org_acme", "slow@org_acme"] {
        let down = host.own("GET", INSTALLATION, user, "").await.expect(503, "UNAVAILABLE");
        assert_eq!(down.header("retry-after"), "1", "{user}");
    }
    let bug = host.own("GET", INSTALLATION, "bug@org_acme", "").await.expect(500, "INTERNAL");
    assert!(!bug.json.to_string().contains("canary"), "{bug:?}");
    assert!(bug.header("x-request-id").starts_with("req_"));
}

#[tokio::test]
async fn users_of_an_organization_share_the_standard_budget() {
    let host = Host::start(Sessions::default());
    let limit = Tier::standard().reads_per_minute;
    for number in 0..limit {
        let user = if number % 2 == 0 { "ann@org_acme" } else { "bob@org_acme" };
        let answer = host.own("GET", INSTALLATION, user, "").await.expect(404, "NOT_FOUND");
        assert_eq!(answer.header("x-ratelimit-limit"), limit.to_string());
    }
    let over = host.own("GET", INSTALLATION, "ann@org_acme", "").await.expect(429, "RATE_LIMITED");
    assert!(over.header("retry-after").parse::<u32>().unwrap() >= 1);
    host.own("GET", INSTALLATION, "rita@org_rival", "").await.expect(404, "NOT_FOUND");
}

#[tokio::test]
async fn without_a_budget_there_are_no_rate_headers_and_no_limit() {
    let host = Host::start(Sessions { without_budget: true, ..Sessions::default() });
    for _ in 0..Tier::standard().reads_per_minute + 5 {
        let answer = host.own("GET", INSTALLATION, "ann@org_acme", "").await.expect(404, "NOT_FOUND");
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("x-ratelimit")));
    }
}

/// The host counts failures of its own login itself; only failed keys count against a client address.
#[tokio::test]
async fn failed_logins_do_not_count_against_the_address() {
    let limit = |options: RouterOptions| {
        options.with_auth_failure_limit(AuthFailureLimit::per_minute(NonZeroU32::new(2).unwrap()))
    };
    let host = Host::with(Sessions::default(), true, limit);
    for _ in 0..5 {
        host.get(INSTALLATION, &[OWN]).await.expect(401, "UNAUTHENTICATED");
    }
    for expected in [401, 401, 429] {
        let answer = host.get(INSTALLATION, &[("authorization", "Bearer lp_live_wrong")]).await;
        assert_eq!(answer.status, expected);
    }
    host.get(INSTALLATION, &[OWN]).await.expect(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn no_preflight_of_another_site_is_answered() {
    let host = Host::start(Sessions::default());
    let asked = [("origin", "https://evil.test"), ("access-control-request-method", "POST")];
    let answer =
        send(&host.router, "OPTIONS", INSTALLATION, &asked, "").await.expect(405, "METHOD_NOT_ALLOWED");
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
}

#[tokio::test]
async fn an_api_without_authentication_does_not_build() {
    let make = || builder(&MemoryBindingRepo::new(), &Arc::default()).build().unwrap();
    for built in [router(make(), RouterOptions::default()), api_router(make(), RouterOptions::default())] {
        assert_eq!(built.unwrap_err(), RouterError::NoAuthentication);
    }
    let keys: Arc<dyn KeyStore> = Arc::new(MemoryKeyStore::new());
    let keyed = builder(&MemoryBindingRepo::new(), &Arc::default()).with_api_keys(keys).build().unwrap();
    assert!(api_router(keyed, RouterOptions::default()).is_ok());
}

#[tokio::test]
async fn routers_are_mounted_one_by_one_beside_the_hosts_own_routes() {
    let make = || builder(&MemoryBindingRepo::new(), &Arc::default()).build().unwrap();
    let sessions = || RouterOptions::default().with_authenticator(Arc::new(Sessions::default()));
    let state = ("/v1/github/installation/callback?state=unknown", 422);
    let webhook = ("/v1/github/webhooks", 405);
    let health = ("/healthz", 200);
    let api = ("/openapi.json", 200);
    let parts = [
        (callback_router(make(), RouterOptions::default()), state),
        (webhook_router(make(), RouterOptions::default()), webhook),
        (operations_router(make(), RouterOptions::default()), health),
        (api_router(make(), sessions()).unwrap(), api),
    ];
    for (index, (router, _)) in parts.iter().enumerate() {
        for (other, (_, (path, status))) in parts.iter().enumerate() {
            let answer = send(router, "GET", path, &[], "").await;
            assert_eq!(answer.status, if index == other { *status } else { 404 }, "{index} {path}");
        }
    }
    let own = Router::new()
        .route("/", axum::routing::get(|| async { "the host's own" }))
        .fallback(|| async { (http::StatusCode::NOT_FOUND, "the host's own page") });
    let all = parts.iter().fold(own, |all, (router, _)| all.merge(router.clone()));
    for (_, (path, status)) in &parts {
        let answer = send(&all, "GET", path, &[], "").await;
        assert_eq!(answer.status, *status, "{path}");
        assert!(answer.header("x-request-id").starts_with("req_"), "{path}");
    }
    assert_eq!(send(&all, "GET", "/", &[], "").await.status, 200);
    assert_eq!(send(&all, "GET", "/nowhere", &[], "").await.code(), "", "the host answers for its own paths");
}
