//! Limits of requests and of resets over HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use dockline_listener::Limits;
use h2::Reason;
use h2::client::{Builder, SendRequest};
use http::{Request, StatusCode};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::http2::{client, request};
use crate::support::{EXEMPT, assert_at, fast_forward, ok, paused, soon, start};

/// A service that counts the requests it processes at a time.
#[derive(Clone)]
struct Gauge {
    processing: Arc<AtomicUsize>,
    max: Arc<AtomicUsize>,
    respond: Arc<Semaphore>,
}

impl Gauge {
    fn new() -> Self {
        Self { processing: Arc::default(), max: Arc::default(), respond: Arc::new(Semaphore::new(0)) }
    }

    fn app(&self) -> Router {
        let gauge = self.clone();
        Router::new().route(
            "/",
            get(async move || {
                let processing = gauge.processing.fetch_add(1, Ordering::SeqCst) + 1;
                gauge.max.fetch_max(processing, Ordering::SeqCst);
                gauge.respond.acquire().await.unwrap().forget();
                gauge.processing.fetch_sub(1, Ordering::SeqCst);
                "fine"
            }),
        )
    }

    /// Sends ten requests, responds one by one, and returns how many were processed at a time.
    async fn max_of_ten(&self, sender: &SendRequest<Bytes>) -> usize {
        let mut responses = statuses(sender);
        for _ in 0..10 {
            self.respond.add_permits(1);
            assert_eq!(responses.join_next().await.unwrap().unwrap(), 200);
        }
        self.max.load(Ordering::SeqCst)
    }
}

/// Sends ten requests.
fn statuses(sender: &SendRequest<Bytes>) -> JoinSet<u16> {
    let sender = sender.clone();
    (0..10)
        .map(|_| {
            let sender = sender.clone();
            async move { request(&sender, "/").await.await.unwrap().status().as_u16() }
        })
        .collect()
}

#[tokio::test]
async fn no_more_requests_are_processed_than_the_announced_streams() {
    paused(async {
        let gauge = Gauge::new();
        let server = start(gauge.app(), Limits { max_streams: 3, ..Limits::default() }).await;
        let (sender, _connection) = client(&server, &Builder::new()).await;
        // The first response comes after the settings.
        gauge.respond.add_permits(1);
        assert_eq!(request(&sender, "/").await.await.unwrap().status(), 200);
        assert_eq!(sender.current_max_send_streams(), 3);
        assert!((2..=3).contains(&gauge.max_of_ten(&sender).await));
    })
    .await;
}

#[tokio::test]
async fn streams_count_towards_the_limit_of_requests() {
    paused(async {
        let gauge = Gauge::new();
        let server = start(gauge.app(), Limits { max_requests: 2, ..Limits::default() }).await;
        let (sender, _connection) = client(&server, &Builder::new()).await;
        assert_eq!(gauge.max_of_ten(&sender).await, 2);
    })
    .await;
}

fn one_and_two_waiting() -> Limits {
    Limits { max_requests: 1, max_waiting_requests: 2, refusal_delay: Duration::ZERO, ..Limits::default() }
}

#[tokio::test]
async fn requests_over_the_waiting_limit_are_rejected_at_once() {
    paused(async {
        let gauge = Gauge::new();
        let server = start(gauge.app(), one_and_two_waiting()).await;
        let (sender, _connection) = client(&server, &Builder::new()).await;
        let mut responses = statuses(&sender);
        // One is processed, two wait.
        for _ in 0..7 {
            assert_eq!(responses.join_next().await.unwrap().unwrap(), 503);
        }
        gauge.respond.add_permits(3);
        for _ in 0..3 {
            assert_eq!(responses.join_next().await.unwrap().unwrap(), 200);
        }
    })
    .await;
}

#[tokio::test]
async fn exempt_requests_are_answered_while_all_others_wait() {
    paused(async {
        let gauge = Gauge::new();
        let app = gauge.app().route(EXEMPT, get(|| async { "alive" }));
        let server = start(app, one_and_two_waiting()).await;
        let (sender, _connection) = client(&server, &Builder::new()).await;
        let mut responses = statuses(&sender);
        for _ in 0..7 {
            assert_eq!(responses.join_next().await.unwrap().unwrap(), 503);
        }
        for _ in 0..20 {
            assert_eq!(request(&sender, EXEMPT).await.await.unwrap().status(), 200);
        }
        // They neither take a place nor give one back.
        assert_eq!(request(&sender, "/").await.await.unwrap().status(), 503);
        gauge.respond.add_permits(3);
        for _ in 0..3 {
            assert_eq!(responses.join_next().await.unwrap().unwrap(), 200);
        }
    })
    .await;
}

#[tokio::test]
async fn refusals_are_held_back_and_hold_no_place_meanwhile() {
    paused(async {
        const DELAY: Duration = Duration::from_secs(2);
        let app = Router::new()
            .route("/", get(async || "fine"))
            .route("/limited", get(async || StatusCode::TOO_MANY_REQUESTS))
            .route("/unavailable", get(async || StatusCode::SERVICE_UNAVAILABLE))
            .route("/failed", get(async || StatusCode::BAD_GATEWAY))
            .route(EXEMPT, get(async || StatusCode::SERVICE_UNAVAILABLE));
        let limits = Limits {
            max_requests: 1,
            max_waiting_requests: 0,
            refusal_delay: DELAY,
            response_timeout: DELAY / 2,
            ..Limits::default()
        };
        let server = start(app, limits).await;
        let (sender, _connection) = client(&server, &Builder::new()).await;
        for path in ["/limited", "/unavailable"] {
            let mut refused = request(&sender, path).await;
            assert!(soon(&mut refused).await.is_none(), "{path}");
            for (path, status) in [("/", 200), ("/failed", 502), (EXEMPT, 503)] {
                assert_eq!(request(&sender, path).await.await.unwrap().status(), status, "{path}");
            }
            let (response, passed) = fast_forward(refused).await;
            assert!(matches!(response.unwrap().status().as_u16(), 429 | 503));
            assert_at(passed, DELAY);
        }
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_requests_reset_at_once_is_cut() {
    paused(async {
        let app = Router::new().route("/", get(std::future::pending::<String>));
        let server = start(app, Limits { max_resets: 50, ..Limits::default() }).await;
        let (sender, connection) = client(&server, &Builder::new()).await;
        let mut resets = 0;
        while let Ok(mut sender) = sender.clone().ready().await {
            let request = Request::get("http://api.example/").body(()).unwrap();
            let Ok((_, mut stream)) = sender.send_request(request, true) else { break };
            stream.send_reset(Reason::CANCEL);
            resets += 1;
            assert!(resets < 20_000, "never cut");
            tokio::task::yield_now().await;
        }
        assert!(connection.await.unwrap().is_err());
        println!("cut after {resets} resets");
    })
    .await;
}

#[tokio::test]
async fn requests_reset_one_after_the_other_are_counted() {
    paused(async {
        let arrived = Arc::new(Notify::new());
        let arrives = Arc::clone(&arrived);
        let app = Router::new().route(
            "/",
            get(async move || {
                arrives.notify_one();
                std::future::pending::<String>().await
            }),
        );
        let server = start(app, Limits { max_resets: 20, ..Limits::default() }).await;
        let (sender, connection) = client(&server, &Builder::new()).await;
        let mut resets = 0;
        // Each has reached the service, so hyper's own limits of resets do not apply.
        while let Ok(mut sender) = sender.clone().ready().await {
            let request = Request::get("http://api.example/").body(()).unwrap();
            let Ok((_, mut stream)) = sender.send_request(request, true) else { break };
            tokio::select! {
                () = arrived.notified() => {}
                _ = futures_util::future::poll_fn(|context| stream.poll_reset(context)) => break,
            }
            stream.send_reset(Reason::CANCEL);
            resets += 1;
            assert!(resets < 100, "never cut");
        }
        let _ = connection.await.unwrap();
        assert!((21..=23).contains(&resets), "cut after {resets}");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_resets_some_of_its_requests_is_not_cut() {
    paused(async {
        let app = ok().route("/never", get(std::future::pending::<String>));
        let server = start(app, Limits { max_resets: 5, ..Limits::default() }).await;
        let (sender, _connection) = client(&server, &Builder::new()).await;
        for _ in 0..50 {
            drop(request(&sender, "/never").await);
            assert_eq!(request(&sender, "/").await.await.unwrap().status(), 200);
        }
    })
    .await;
}
