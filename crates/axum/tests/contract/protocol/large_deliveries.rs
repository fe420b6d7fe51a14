//! Strangers who send large or incomplete deliveries neither keep signed ones out nor cause alerts (I36).

use std::net::SocketAddr;
use std::num::NonZeroU32;

use axum::body::Body;
use axum::extract::ConnectInfo;
use dockline_axum::{AuthFailureLimit, RouterOptions, describe_metrics};
use dockline_listener::Limits;
use http::Request;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tower::ServiceExt;

use crate::fixture::{CALLBACK, WEBHOOKS};
use crate::in_process::InProcess;
use crate::logs::{Logs, recorder};
use crate::signed_deliveries::signed;
use crate::sockets::listen;

const MEBIBYTE: usize = 1024 * 1024;

fn limited(per_minute: u32) -> InProcess {
    let limit = AuthFailureLimit::per_minute(NonZeroU32::new(per_minute).unwrap());
    InProcess::with(RouterOptions::default().with_auth_failure_limit(limit))
}

fn head(signature: &str, length: usize) -> String {
    format!(
        "POST {WEBHOOKS} HTTP/1.1\r\nHost: a\r\nX-GitHub-Event: ping\r\nContent-Type: application/json\r\n\
         X-Hub-Signature-256: {signature}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    )
}

async fn connect(from: &str, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(address).await.unwrap()
}

/// Begins a delivery with a made-up signature, of which only `sent` bytes come.
async fn stalled(from: &str, address: SocketAddr, announced: usize, sent: usize) -> TcpStream {
    let mut stream = connect(from, address).await;
    let made_up = format!("sha256={}", "0".repeat(64));
    stream.write_all(head(&made_up, announced).as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; sent]).await.unwrap();
    stream
}

/// Sends a signed delivery and returns the status line.
async fn deliver(in_process: &InProcess, from: &str, address: SocketAddr, length: usize) -> String {
    let mut body = serde_json::json!({ "zen": "Design for failure.", "hook_id": 1 }).to_string().into_bytes();
    body.resize(length, b' ');
    let signature = signed(in_process.app.webhook_secret.expose_secret(), &body);
    let mut stream = connect(from, address).await;
    stream.write_all(head(&signature, length).as_bytes()).await.unwrap();
    // The server may answer before it has read all.
    let _ = stream.write_all(&body).await;
    rest(stream).await.lines().next().unwrap_or_default().to_owned()
}

async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn stalled_deliveries_of_strangers_do_not_keep_out_signed_ones() {
    for per_minute in [60, 1] {
        let in_process = limited(per_minute);
        let address = listen(&in_process, Limits::default()).await;
        let mut strangers = Vec::new();
        for _ in 0..20 {
            strangers.push(stalled("127.0.0.1", address, MEBIBYTE, 64 * 1024 + 1).await);
        }
        // GitHub may share the address of the strangers, behind a proxy that is not listed.
        for from in ["127.0.0.1", "127.0.0.2"] {
            for length in [64 * 1024 + 1, 8 * MEBIBYTE] {
                assert_eq!(
                    deliver(&in_process, from, address, length).await,
                    "HTTP/1.1 202 Accepted",
                    "{from} {length}"
                );
            }
        }
        let mut refused = 0;
        for stranger in strangers {
            let answer = rest(stranger).await;
            assert!(answer.starts_with("HTTP/1.1 408 ") || answer.starts_with("HTTP/1.1 429 "), "{answer}");
            refused += u32::from(answer.starts_with("HTTP/1.1 429 "));
        }
        // They are given up, and count as failed authentications.
        assert_eq!(refused, 20_u32.saturating_sub(per_minute));
    }
}

#[tokio::test]
async fn an_address_over_its_allowance_exhausts_only_the_memory_of_its_kind() {
    let in_process = limited(1);
    let address = listen(&in_process, Limits::default()).await;
    for _ in 0..2 {
        rest(stalled("127.0.0.9", address, 2, 2).await).await;
    }
    // Both have sent nearly all, so they hold more memory together than addresses of this kind share.
    let first = stalled("127.0.0.9", address, 25 * MEBIBYTE, 24 * MEBIBYTE).await;
    let second = tokio::spawn(async move {
        let made_up = format!("sha256={}", "0".repeat(64));
        let mut stream = connect("127.0.0.9", address).await;
        stream.write_all(head(&made_up, 25 * MEBIBYTE).as_bytes()).await.unwrap();
        let _ = stream.write_all(&vec![b' '; 24 * MEBIBYTE]).await;
        rest(stream).await
    });
    assert_eq!(deliver(&in_process, "127.0.0.1", address, 25 * MEBIBYTE).await, "HTTP/1.1 202 Accepted");
    assert!(rest(first).await.starts_with("HTTP/1.1 429 "));
    assert!(second.await.unwrap().starts_with("HTTP/1.1 429 "));
}

/// Two of ten bytes of a delivery or of an answer on the callback's page, and then nothing.
#[tokio::test(start_paused = true)]
async fn an_incomplete_request_of_a_stranger_is_a_4xx_without_an_error_in_log_or_metrics() {
    let (recorder, handle) = recorder();
    let _recording = metrics::set_default_local_recorder(&recorder);
    describe_metrics();
    let (logs, _logging) = Logs::capture();
    let in_process = limited(60);
    let made_up = format!("sha256={}", "0".repeat(64));
    for (path, media_type, seconds) in
        [(WEBHOOKS, "application/json", 10), (CALLBACK, "application/x-www-form-urlencoded", 45)]
    {
        let beginning = futures_util::stream::iter([Ok::<_, std::io::Error>("{}")]);
        let body = futures_util::StreamExt::chain(beginning, futures_util::stream::pending());
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header("host", "a")
            .header("content-type", media_type)
            .header("content-length", "10")
            .header("x-hub-signature-256", &made_up)
            .header("x-github-event", "installation")
            .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4_000))));
        let began = tokio::time::Instant::now();
        let request = request.body(Body::from_stream(body)).unwrap();
        let response = in_process.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 408, "{path}");
        assert_eq!(began.elapsed().as_secs(), seconds, "{path}");
    }
    let text = logs.text();
    assert!(!text.contains("\"ERROR\"") && !text.contains("\"WARN\""), "{text}");
    assert_eq!(logs.of("answered").len(), 2, "{text}");
    let metrics = handle.render();
    assert!(metrics.contains(r#"event="installation",outcome="refused"} 1"#), "{metrics}");
    assert!(!metrics.contains(r#"status="5"#), "{metrics}");
}
