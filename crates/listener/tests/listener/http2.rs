//! HTTP/2 with prior knowledge.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use dockline_listener::Limits;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

use crate::support::{Server, assert_at, begin_shutdown, fast_forward, held, ok, paused, send, soon, start};

/// A client, and the task that drives its connection.
async fn client(
    server: &Server,
    builder: &Builder,
) -> (SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>) {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (sender, connection) = builder.handshake(stream).await.unwrap();
    (sender, tokio::spawn(connection))
}

async fn request(sender: &SendRequest<Bytes>, path: &str) -> ResponseFuture {
    let mut sender = sender.clone().ready().await.unwrap();
    let request = Request::get(format!("http://api.example{path}")).body(()).unwrap();
    sender.send_request(request, true).unwrap().0
}

async fn whole(mut body: RecvStream) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        all.extend_from_slice(&data);
    }
    all
}

#[tokio::test]
async fn requests_share_a_connection_and_large_responses_arrive_whole() {
    paused(async {
        let app = ok().route("/large", get(async || vec![b'x'; 1_000_000]));
        let server = start(app, Limits::default()).await;
        let (sender, _connection) = client(&server, &Builder::new()).await;
        let mut responses = JoinSet::new();
        for number in 0..60 {
            let (path, length) = if number % 20 == 0 { ("/large", 1_000_000) } else { ("/", 4) };
            let response = request(&sender, path).await;
            responses.spawn(async move {
                let response = response.await.unwrap();
                assert_eq!(
                    (response.status(), response.version()),
                    (http::StatusCode::OK, http::Version::HTTP_2)
                );
                assert_eq!(whole(response.into_body()).await.len(), length);
            });
        }
        while let Some(response) = responses.join_next().await {
            response.unwrap();
        }
    })
    .await;
}

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

#[tokio::test]
async fn requests_over_the_waiting_limit_are_rejected_at_once() {
    paused(async {
        let gauge = Gauge::new();
        let limits = Limits { max_requests: 1, max_connections: 2, ..Limits::default() };
        let server = start(gauge.app(), limits).await;
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

#[tokio::test]
async fn too_many_and_too_large_headers_and_paths_are_rejected() {
    paused(async {
        let limits = Limits { max_headers: 20, max_target_bytes: 100, ..Limits::default() };
        let server = start(ok(), limits).await;
        let (sender, _connection) = client(&server, &Builder::new()).await;
        let large =
            HeaderMap::from_iter([("x-large".parse().unwrap(), "y".repeat(40 * 1024).parse().unwrap())]);
        let many = (0..21).map(|n| (format!("x-{n}").parse().unwrap(), "y".parse().unwrap())).collect();
        let long = format!("/{}", "a".repeat(100));
        for (headers, path, status) in
            [(large, "/", 431), (many, "/", 431), (HeaderMap::new(), long.as_str(), 414)]
        {
            let mut request = Request::get(format!("http://api.example{path}")).body(()).unwrap();
            *request.headers_mut() = headers;
            let mut sender = sender.clone().ready().await.unwrap();
            let response = sender.send_request(request, true).unwrap().0;
            assert_eq!(response.await.unwrap().status(), status);
        }
    })
    .await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_gracefully() {
    paused(async {
        let server = start(ok(), Limits::default()).await;
        let (sender, connection) = client(&server, &Builder::new()).await;
        assert_eq!(request(&sender, "/").await.await.unwrap().status(), 200);
        let (ended, passed) = fast_forward(connection).await;
        ended.unwrap().unwrap();
        assert_at(passed, Limits::default().idle_timeout);
        // So is one without any request.
        let (_sender, connection) = client(&server, &Builder::new()).await;
        let (ended, passed) = fast_forward(connection).await;
        ended.unwrap().unwrap();
        assert_at(passed, Limits::default().idle_timeout);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_opens_no_window_for_the_response_is_cut() {
    paused(async {
        let server = start(ok(), Limits::default()).await;
        let (sender, connection) = client(&server, Builder::new().initial_window_size(0)).await;
        let response = request(&sender, "/").await.await.unwrap();
        assert_eq!(response.status(), 200);
        let (_, passed) = fast_forward(connection).await;
        assert_at(passed, Limits::default().write_timeout);
        assert!(!matches!(response.into_body().data().await, Some(Ok(_))));
    })
    .await;
}

const PING: u8 = 6;

/// Reads a frame; returns its type, or `None` at the end of the connection.
async fn frame_type(stream: &mut TcpStream) -> Option<u8> {
    let mut header = [0; 9];
    stream.read_exact(&mut header).await.ok()?;
    let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).await.ok()?;
    Some(header[3])
}

#[tokio::test]
async fn a_client_that_does_not_acknowledge_a_ping_is_cut() {
    paused(async {
        let limits = Limits { idle_timeout: Duration::from_secs(3_600), ..Limits::default() };
        let server = start(ok(), limits).await;
        let mut stream = send(server.address, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        // An empty SETTINGS frame.
        stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        let until_ping =
            async { while frame_type(&mut stream).await.expect("closed before the ping") != PING {} };
        let ((), passed) = fast_forward(until_ping).await;
        assert_at(passed, limits.ping_interval);
        let until_end = async { while frame_type(&mut stream).await.is_some() {} };
        let ((), passed) = fast_forward(until_end).await;
        assert_at(passed, limits.ping_interval);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_acknowledges_pings_stays_connected() {
    paused(async {
        let limits = Limits { idle_timeout: Duration::from_secs(3_600), ..Limits::default() };
        let server = start(ok(), limits).await;
        let (sender, _connection) = client(&server, &Builder::new()).await;
        let (response, passed) = fast_forward(async {
            tokio::time::sleep(10 * limits.ping_interval).await;
            request(&sender, "/").await.await.unwrap()
        })
        .await;
        assert_eq!(response.status(), 200);
        // The clock goes on while the response travels, so there is no upper bound to hold.
        assert!(passed >= 10 * limits.ping_interval, "{passed:?}");
    })
    .await;
}

#[tokio::test]
async fn an_open_request_is_answered_after_the_shutdown_began() {
    paused(async {
        let (app, arrived, respond) = held();
        let server = start(app, Limits::default()).await;
        let (sender, connection) = client(&server, &Builder::new()).await;
        let response = request(&sender, "/").await;
        arrived.notified().await;
        let server = begin_shutdown(server).await;
        assert!(
            soon(async {
                while !server.is_finished() {
                    tokio::task::yield_now().await
                }
            })
            .await
            .is_none()
        );
        respond.notify_one();
        assert_eq!(whole(response.await.unwrap().into_body()).await, b"fine");
        connection.await.unwrap().unwrap();
        server.await.unwrap();
    })
    .await;
}
