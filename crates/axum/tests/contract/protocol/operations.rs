//! `GET /healthz`, `/readyz` and `/metrics`.

use std::future::pending;
use std::sync::Arc;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use dockline::ports::{Check, Readiness};
use dockline_axum::{Exposition, RouterOptions};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tower::ServiceExt;

use crate::fixture::{Fixture, Setup};
use crate::response::Response;

async fn with(options: fn(RouterOptions) -> RouterOptions) -> Fixture {
    Fixture::with(Setup { options, ..Setup::default() }).await
}

async fn get(fixture: &Fixture, path: &str) -> Response {
    Response::of(fixture.http.get(format!("{}{path}", fixture.api))).await
}

/// Returns fixed checks.
#[derive(Debug)]
struct Fixed(&'static [(&'static str, Option<&'static str>)]);

#[async_trait]
impl Readiness for Fixed {
    async fn checks(&self) -> Vec<Check> {
        let since = OffsetDateTime::from_unix_timestamp_nanos(1_776_539_649_007_000_000).unwrap();
        self.0.iter().map(|(name, failing)| Check { name, failing: *failing, since }).collect()
    }
}

#[tokio::test]
async fn without_readiness_checks_a_process_is_healthy_and_ready() {
    let fixture = Fixture::start().await;
    let healthy = get(&fixture, "/healthz").await.expect(200);
    assert_eq!(healthy.text, r#"{"status":"ok"}"#);
    assert_eq!(healthy.header("cache-control"), "no-store");
    assert_eq!(healthy.header("content-type"), "application/json");
    let ready = get(&fixture, "/readyz").await.expect(200);
    assert_eq!(ready.text, r#"{"status":"ok","checks":[]}"#);
    assert_eq!(ready.header("cache-control"), "no-store");
    get(&fixture, "/metrics").await.expect_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn they_accept_get_and_head_without_a_key() {
    #[derive(Debug)]
    struct Counted;
    impl Exposition for Counted {
        fn render(&self) -> String {
            "# TYPE dockline_test counter\ndockline_test 1\n".to_owned()
        }
    }
    let fixture = with(|options| options.with_metrics(Arc::new(Counted))).await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let url = format!("{}{path}", fixture.api);
        assert_eq!(Response::of(fixture.http.head(&url)).await.expect(200).text, "");
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let refused = Response::of(fixture.http.request(method, &url)).await;
            assert_eq!(refused.expect_error(405, "METHOD_NOT_ALLOWED").header("allow"), "GET,HEAD");
        }
        let wrong = Response::of(fixture.http.get(&url).bearer_auth("lp_live_nonsense")).await;
        assert_eq!(wrong.expect(200).header("x-ratelimit-limit"), "");
    }
    let metrics = get(&fixture, "/metrics").await.expect(200);
    assert!(metrics.text.ends_with("dockline_test 1\n"), "{metrics:?}");
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(metrics.header("cache-control"), "no-store");
}

#[tokio::test]
async fn readiness_lists_every_check() {
    const FINE: Fixed = Fixed(&[("database", None), ("schema", None)]);
    let fixture = with(|options| options.with_readiness(Arc::new(FINE))).await;
    let ready = get(&fixture, "/readyz").await.expect(200);
    let since = "2026-04-18T19:14:09.007Z";
    let passing = |name: &str| json!({ "name": name, "ok": true, "since": since });
    assert_eq!(ready.json, json!({ "status": "ok", "checks": [passing("database"), passing("schema")] }));

    const BROKEN: Fixed = Fixed(&[("database", Some("unreachable")), ("schema", None)]);
    let fixture = with(|options| options.with_readiness(Arc::new(BROKEN))).await;
    let refused = get(&fixture, "/readyz").await.expect_error(503, "UNAVAILABLE");
    let database = json!({ "name": "database", "ok": false, "cause": "unreachable", "since": since });
    assert_eq!(refused.json["error"]["details"], json!({ "checks": [database, passing("schema")] }));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("cache-control"), "no-store");
    // The process still answers.
    get(&fixture, "/healthz").await.expect(200);
}

#[tokio::test]
async fn checks_that_time_out_are_not_ready() {
    #[derive(Debug)]
    struct Hanging;
    #[async_trait]
    impl Readiness for Hanging {
        async fn checks(&self) -> Vec<Check> {
            pending().await
        }
    }
    let fixture = Fixture::start().await;
    tokio::time::pause();
    let options = RouterOptions::default().with_readiness(Arc::new(Hanging));
    let router = dockline_axum::router(fixture.dockline.clone(), options).unwrap();
    let started = tokio::time::Instant::now();
    let request = Request::get("/readyz").header("host", "a").body(Body::empty()).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 503);
    // Timers fire at the next whole millisecond.
    assert_eq!(started.elapsed().as_secs(), 5);
    let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["code"], "UNAVAILABLE");
}
