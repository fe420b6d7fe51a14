//! HTTP/2 with prior knowledge.

use std::time::Duration;

use axum::body::Bytes;
use axum::routing::get;
use dockline_listener::Limits;
use h2::RecvStream;
use h2::client::{Builder, ResponseFuture, SendRequest};
use http::{HeaderMap, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};

use crate::support::{Server, assert_at, begin_shutdown, fast_forward, held, ok, paused, send, soon, start};

/// A client, and the task that drives its connection.
pub(super) async fn client(
    server: &Server,
    builder: &Builder,
) -> (SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>) {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (sender, connection) = builder.handshake(stream).await.unwrap();
    (sender, tokio::spawn(connection))
}

pub(super) async fn request(sender: &SendRequest<Bytes>, path: &str) -> ResponseFuture {
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
