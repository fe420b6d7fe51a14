//! Logs and metrics of requests: complete, and bounded whatever callers send.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use dockline::ports::KeyStore;
use dockline::{ClaimPolicy, KeyId, KeyRecord, PortError, PortErrorKind, PortName};
use dockline_axum::{
    HTTP_REQUEST_DURATION, HTTP_REQUESTS, HTTP_REQUESTS_IN_FLIGHT, RouterOptions, TraceLinks, TraceParent,
    WEBHOOK_DELIVERIES, describe_metrics,
};
use http::Request;
use secrecy::ExposeSecret;
use tower::ServiceExt;
use tracing::Span;

use crate::fixture::{Fixture, INSTALLATION, RETURN_URL, Setup, tenant};
use crate::logs::{Logs, recorder};
use crate::response::Response;

#[tokio::test]
async fn each_request_is_one_line_with_its_id_route_caller_and_outcome() {
    let (logs, _logging) = Logs::capture();
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let found = fixture.get(&fixture.acme, INSTALLATION).await.expect(404);
    let refused =
        fixture.get(&fixture.rival, &format!("{INSTALLATION}/install-url?returnUrl=nonsense")).await;
    let stranger = Response::of(fixture.http.get(format!("{}{INSTALLATION}", fixture.api))).await.expect(401);
    let nowhere = fixture.get(&fixture.acme, "/v1/github/nothing/at/all").await.expect(404);
    // Rejected requests with a known key name its organization.
    let scopeless = tenant(&fixture.keys, "org_scopeless", "Scopeless", |record| record.scopes.clear());
    let powerless = fixture.get(&scopeless, INSTALLATION).await.expect(403);
    let poor = tenant(&fixture.keys, "org_poor", "Poor", |record| record.tier.reads_per_minute = 0);
    let limited = fixture.get(&poor, INSTALLATION).await.expect(429);
    // Successful probes are not logged.
    Response::of(fixture.http.get(format!("{}/healthz", fixture.api))).await.expect(200);
    let lines = logs.of("answered");
    let logged: Vec<_> = lines
        .iter()
        .map(|line| {
            let of = |field: &str| line["span"][field].as_str().unwrap_or_default().to_owned();
            (of("request_id"), of("method"), of("route"), of("organization"), of("status"), of("code"))
        })
        .collect();
    let expect = |answer: &Response, route: &str, organization: &str, status: &str, code: &str| {
        let id = answer.header("x-request-id").to_owned();
        (id, "GET".into(), route.into(), organization.into(), status.into(), code.into())
    };
    let install_url = "/v1/github/installation/install-url";
    assert_eq!(
        logged,
        [
            expect(&found, INSTALLATION, "org_acme", "404", "NOT_FOUND"),
            expect(&refused, install_url, "org_rival", "422", "VALIDATION"),
            expect(&stranger, INSTALLATION, "", "401", "UNAUTHENTICATED"),
            expect(&nowhere, "unmatched", "", "404", "NOT_FOUND"),
            expect(&powerless, INSTALLATION, "org_scopeless", "403", "FORBIDDEN_SCOPE"),
            expect(&limited, INSTALLATION, "org_poor", "429", "RATE_LIMITED"),
        ]
    );
    let id = fixture.acme.key.expose_secret().split('_').nth(2).unwrap();
    assert_eq!(lines[0]["span"]["actor"], format!("key:{id}"));
    assert!(lines.iter().all(|line| line["span"]["latency_ms"].is_u64()), "{lines:?}");
    for tenant in [&fixture.acme, &fixture.rival] {
        let secret = tenant.key.expose_secret().splitn(4, '_').nth(3).unwrap();
        assert!(!logs.text().contains(secret));
    }
}

#[derive(Debug)]
struct Panicking;

#[async_trait]
impl KeyStore for Panicking {
    async fn find(&self, _: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        panic!("a key store with a bug")
    }
}

#[tokio::test]
async fn a_panic_keeps_the_requests_id_in_the_log() {
    let (logs, _logging) = Logs::capture();
    let keys: fn(_) -> Arc<dyn KeyStore> = |_| Arc::new(Panicking);
    let fixture = Fixture::with(Setup { keys, ..Setup::default() }).await;
    let answer = fixture.get(&fixture.acme, INSTALLATION).await.expect_error(500, "INTERNAL");
    let id = answer.header("x-request-id");
    for message in ["a handler panicked", "answered"] {
        let [line] = &logs.of(message)[..] else { panic!("{message}: {}", logs.text()) };
        assert_eq!((&line["span"]["request_id"], &line["level"]), (&id.into(), &"ERROR".into()), "{line}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_and_code() {
    let (recorder, handle) = recorder();
    let _metering = metrics::set_default_local_recorder(&recorder);
    describe_metrics();
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    fixture.get(&fixture.acme, INSTALLATION).await.expect(404);
    fixture
        .get(&fixture.acme, &format!("{INSTALLATION}/install-url?returnUrl={RETURN_URL}"))
        .await
        .expect(200);
    fixture.http.post(format!("{}/v1/github/webhooks", fixture.api)).send().await.unwrap();
    let text = handle.render();
    for line in [
        format!(
            "{HTTP_REQUESTS}{{route=\"{INSTALLATION}\",method=\"GET\",status=\"404\",code=\"NOT_FOUND\"}} 1"
        ),
        format!(
            "{HTTP_REQUESTS}{{route=\"{INSTALLATION}/install-url\",method=\"GET\",status=\"200\",code=\"OK\"}} 1"
        ),
        format!("{HTTP_REQUEST_DURATION}_count{{route=\"{INSTALLATION}\",method=\"GET\"}} 1"),
        format!("{HTTP_REQUESTS_IN_FLIGHT} 0"),
        format!("{WEBHOOK_DELIVERIES}{{event=\"other\",outcome=\"unsigned\"}} 1"),
        format!("# TYPE {HTTP_REQUESTS} counter"),
    ] {
        assert!(text.lines().any(|rendered| rendered == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn ten_thousand_paths_methods_hosts_and_ids_add_no_series() {
    let (recorder, handle) = recorder();
    let _metering = metrics::set_default_local_recorder(&recorder);
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let router = dockline_axum::router(fixture.dockline.clone(), RouterOptions::default()).unwrap();
    let ask = async |number: u32| {
        let requests = [
            Request::get(format!("/v1/github/{number}")),
            Request::builder().method(format!("M{number}").as_str()).uri(INSTALLATION),
            Request::post("/v1/github/webhooks").header("x-github-event", format!("event-{number}")),
            Request::get(INSTALLATION).header("authorization", format!("Bearer lp_live_{number:016}_x")),
            Request::get(format!("{INSTALLATION}/callback?state=state-{number}&installation_id={number}")),
        ];
        for request in requests {
            let request = request
                .header("host", format!("host-{number}.example"))
                .header("traceparent", format!("00-{number:032}-{number:016}-01"))
                .body(Body::empty());
            router.clone().oneshot(request.unwrap()).await.unwrap();
        }
    };
    ask(1).await;
    let series = handle.render().lines().count();
    for number in 2..10_000 {
        ask(number).await;
    }
    assert_eq!(handle.render().lines().count(), series);
}

#[tokio::test]
async fn a_client_that_disconnects_is_counted() {
    let (recorder, handle) = recorder();
    let _metering = metrics::set_default_local_recorder(&recorder);

    #[derive(Debug)]
    struct Silent;

    #[async_trait]
    impl KeyStore for Silent {
        async fn find(&self, _: &KeyId) -> Result<Option<KeyRecord>, PortError> {
            std::future::pending().await
        }
    }

    let keys: fn(_) -> Arc<dyn KeyStore> = |_| Arc::new(Silent);
    let fixture = Fixture::with(Setup { keys, ..Setup::default() }).await;
    let router = dockline_axum::router(fixture.dockline.clone(), RouterOptions::default()).unwrap();
    let key = format!("Bearer {}", fixture.acme.key.expose_secret());
    let request = Request::get(INSTALLATION).header("host", "x").header("authorization", key);
    let mut answer = Box::pin(router.oneshot(request.body(Body::empty()).unwrap()));
    std::future::poll_fn(|context| {
        assert!(answer.as_mut().poll(context).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    assert!(handle.render().contains(&format!("{HTTP_REQUESTS_IN_FLIGHT} 1")));
    drop(answer);
    let text = handle.render();
    assert!(text.contains("status=\"499\",code=\"CLIENT_GONE\"} 1"), "{text}");
    assert!(text.contains(&format!("{HTTP_REQUESTS_IN_FLIGHT} 0")), "{text}");
}

#[derive(Debug, Default)]
struct Links(Mutex<Vec<TraceParent>>);

impl TraceLinks for Links {
    fn link(&self, span: &Span, caller: &TraceParent) {
        assert!(span.metadata().is_none_or(|span| span.name() == "request"));
        self.0.lock().unwrap().push(*caller);
    }
}

#[tokio::test]
async fn only_a_well_formed_traceparent_is_linked() {
    let fixture = Fixture::start().await;
    let links = Arc::new(Links::default());
    let options = RouterOptions::default().with_trace_links(links.clone());
    let router = dockline_axum::router(fixture.dockline.clone(), options).unwrap();
    for parent in ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-nonsense"] {
        let request = Request::get("/healthz").header("host", "x").header("traceparent", parent);
        router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    }
    assert_eq!(links.0.lock().unwrap().len(), 1);
}

/// The text of the nearest error says only that no connection is available: the log has the reason behind it, too.
#[tokio::test]
async fn a_failure_is_logged_with_all_its_causes_c57() {
    #[derive(Debug, thiserror::Error)]
    #[error("no connection is available")]
    struct NoConnection(#[source] NoSpace);
    #[derive(Debug, thiserror::Error)]
    #[error("SQLSTATE 53100: no space left on device")]
    struct NoSpace;
    #[derive(Debug)]
    struct FullKeys;
    #[async_trait]
    impl KeyStore for FullKeys {
        async fn find(&self, _: &KeyId) -> Result<Option<KeyRecord>, PortError> {
            Err(PortError::new(PortName::KeyStore, PortErrorKind::Unavailable, NoConnection(NoSpace)))
        }
    }
    let (logs, _logging) = Logs::capture();
    let keys: fn(_) -> Arc<dyn KeyStore> = |_| Arc::new(FullKeys);
    let fixture = Fixture::with(Setup { keys, ..Setup::default() }).await;
    fixture.get(&fixture.acme, INSTALLATION).await.expect_error(503, "UNAVAILABLE");
    let [line] = &logs.of("port unavailable")[..] else { panic!("{}", logs.text()) };
    assert_eq!(line["cause"], "no connection is available: SQLSTATE 53100: no space left on device");
}
