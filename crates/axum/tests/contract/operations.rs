//! `GET /healthz`, `/readyz` and `/metrics` (`contract.md` §2 and §3).

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

use crate::answer::Answer;
use crate::world::{Choice, World};

async fn with(options: fn(RouterOptions) -> RouterOptions) -> World {
    World::with(Choice { options, ..Choice::default() }).await
}

async fn get(world: &World, path: &str) -> Answer {
    Answer::of(world.http.get(format!("{}{path}", world.api))).await
}

/// Answers always the same.
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
async fn a_process_that_answers_is_healthy_and_ready_where_nobody_says_otherwise() {
    let world = World::start().await;
    let healthy = get(&world, "/healthz").await.expect(200);
    assert_eq!(healthy.text, r#"{"status":"ok"}"#);
    assert_eq!(healthy.header("cache-control"), "no-store");
    assert_eq!(healthy.header("content-type"), "application/json");
    let ready = get(&world, "/readyz").await.expect(200);
    assert_eq!(ready.text, r#"{"status":"ok","checks":[]}"#);
    assert_eq!(ready.header("cache-control"), "no-store");
    get(&world, "/metrics").await.expect_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn they_take_get_and_head_alone_and_ask_for_no_key() {
    #[derive(Debug)]
    struct Counted;
    impl Exposition for Counted {
        fn render(&self) -> String {
            "# TYPE dockline_test counter\ndockline_test 1\n".to_owned()
        }
    }
    let world = with(|options| options.with_metrics(Arc::new(Counted))).await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let url = format!("{}{path}", world.api);
        assert_eq!(Answer::of(world.http.head(&url)).await.expect(200).text, "");
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let refused = Answer::of(world.http.request(method, &url)).await;
            assert_eq!(refused.expect_error(405, "METHOD_NOT_ALLOWED").header("allow"), "GET,HEAD");
        }
        let wrong = Answer::of(world.http.get(&url).bearer_auth("lp_live_nonsense")).await;
        assert_eq!(wrong.expect(200).header("x-ratelimit-limit"), "");
    }
    let metrics = get(&world, "/metrics").await.expect(200);
    assert!(metrics.text.ends_with("dockline_test 1\n"), "{metrics:?}");
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(metrics.header("cache-control"), "no-store");
}

#[tokio::test]
async fn readiness_is_told_check_by_check() {
    const FINE: Fixed = Fixed(&[("database", None), ("schema", None)]);
    let world = with(|options| options.with_readiness(Arc::new(FINE))).await;
    let ready = get(&world, "/readyz").await.expect(200);
    let since = "2026-04-18T19:14:09.007Z";
    let told = |name: &str| json!({ "name": name, "ok": true, "since": since });
    assert_eq!(ready.json, json!({ "status": "ok", "checks": [told("database"), told("schema")] }));

    const BROKEN: Fixed = Fixed(&[("database", Some("unreachable")), ("schema", None)]);
    let world = with(|options| options.with_readiness(Arc::new(BROKEN))).await;
    let refused = get(&world, "/readyz").await.expect_error(503, "UNAVAILABLE");
    let database = json!({ "name": "database", "ok": false, "cause": "unreachable", "since": since });
    assert_eq!(refused.json["error"]["details"], json!({ "checks": [database, told("schema")] }));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("cache-control"), "no-store");
    // The process is there nevertheless.
    get(&world, "/healthz").await.expect(200);
}

#[tokio::test]
async fn who_cannot_say_in_time_is_not_ready() {
    #[derive(Debug)]
    struct Hanging;
    #[async_trait]
    impl Readiness for Hanging {
        async fn checks(&self) -> Vec<Check> {
            pending().await
        }
    }
    let world = World::start().await;
    tokio::time::pause();
    let options = RouterOptions::default().with_readiness(Arc::new(Hanging));
    let router = dockline_axum::router(world.dockline.clone(), options).unwrap();
    let began = tokio::time::Instant::now();
    let request = Request::get("/readyz").header("host", "a").body(Body::empty()).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 503);
    // Timers go off at the next whole millisecond.
    assert_eq!(began.elapsed().as_secs(), 5);
    let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["code"], "UNAVAILABLE");
}
