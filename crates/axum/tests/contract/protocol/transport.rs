//! Malformed and ambiguous HTTP, over raw sockets: with axum's own server, and with `dockline-listener`, also over HTTP/2.

use std::net::SocketAddr;

use dockline_axum::RouterOptions;
use dockline_listener::Limits;
use http::{HeaderMap, Method, Request, StatusCode, Version};
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fixture::{Fixture, INSTALLATION};
use crate::in_process::{InProcess, bearer};
use crate::sockets::{listen, raw};

/// Sends bytes and reads until the server closes the connection.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_head_that_others_may_read_differently_is_a_400() {
    let fixture = Fixture::start().await;
    let key = fixture.acme.key.expose_secret();
    let head = |target: &str, headers: &str| {
        format!(
            "POST {target} HTTP/1.1\r\n{headers}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\r\n"
        )
    };
    let absolute = format!("http://a{INSTALLATION}");
    let with_user = format!("http://u:p@a{INSTALLATION}");
    let with_port = format!("http://a:99999{INSTALLATION}");
    for (target, headers) in [
        (absolute.as_str(), "Content-Length: 0"),
        (&with_user, "Host: a"),
        (&with_port, "Host: a"),
        (INSTALLATION, "Host: u@a"),
        (INSTALLATION, "Host: a\r\nTransfer-Encoding: gzip, chunked"),
        (INSTALLATION, "Host: a\r\nTransfer-Encoding: identity, chunked"),
        (INSTALLATION, "Host: a\r\nTransfer-Encoding: chunked, chunked"),
        (INSTALLATION, "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        (INSTALLATION, "Host: a\r\nTransfer-Encoding: \x0bchunked"),
    ] {
        let answer = raw(&fixture, &(head(target, headers) + "2\r\n{}\r\n0\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{target} {headers}: {answer}");
    }
    for (target, headers, body) in [
        (absolute.as_str(), "Host: a\r\nContent-Length: 2", "{}"),
        (INSTALLATION, "Host: a\r\nTransfer-Encoding: Chunked", "2\r\n{}\r\n0\r\n\r\n"),
    ] {
        let answer = raw(&fixture, &(head(target, headers) + body)).await;
        assert!(answer.starts_with("HTTP/1.1 422 "), "{target} {headers}: {answer}");
    }
    // Malformed chunks are no content.
    let chunked = "Host: a\r\nTransfer-Encoding: chunked";
    for body in ["x\r\n", "-1\r\n", "0x2\r\n{}\r\n0\r\n\r\n", "2\r\n{}x\r\n0\r\n\r\n", "2\n{}\n0\n\n"] {
        let answer = raw(&fixture, &(head(INSTALLATION, chunked) + body)).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("BAD_REQUEST"), "{body:?}: {answer}");
    }
}

/// The client closes its side before its body is complete.
#[tokio::test]
async fn an_incomplete_body_is_a_400() {
    let in_process = InProcess::with(RouterOptions::default());
    let address = listen(&in_process, Limits::default()).await;
    let key = bearer(&in_process.acme);
    for framing in ["Content-Length: 10\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("POST {INSTALLATION} HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\n");
        let request = format!("{head}Content-Type: application/json\r\n{framing}");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("BAD_REQUEST"), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_body_slower_than_the_listener_allows_is_a_408() {
    let in_process = InProcess::with(RouterOptions::default());
    let body_timeout = std::time::Duration::from_millis(50);
    let address = listen(&in_process, Limits { body_timeout, ..Limits::default() }).await;
    let head =
        format!("POST {INSTALLATION} HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\n", bearer(&in_process.acme));
    let request = format!("{head}Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{{}}");
    let answer = exchange(address, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("BAD_REQUEST"), "{answer}");
}

/// With a budget that is used up, the body is never read.
#[tokio::test]
async fn a_limited_client_keeps_its_connection_however_it_splits_its_requests() {
    let in_process = InProcess::with(RouterOptions::default());
    let poor = crate::fixture::tenant(&in_process.keys, "org_poor", "Poor", |record| {
        record.tier.writes_per_minute = 0;
    });
    let address = listen(&in_process, Limits::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let head = format!("POST {INSTALLATION} HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\n", bearer(&poor));
    let head = format!("{head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n");
    for _ in 0..50 {
        stream.write_all(head.as_bytes()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        stream.write_all(b"{}").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}}") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "cut");
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 429 ") && !answer.contains("connection: close"), "{answer}");
    }
}

async fn over_http2(address: SocketAddr, request: Request<()>) -> Result<StatusCode, h2::Error> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut sender = sender.ready().await?;
    let (response, _) = sender.send_request(request, true)?;
    let status = response.await.map(|response: http::Response<h2::RecvStream>| response.status());
    connection.abort();
    status
}

#[tokio::test]
async fn an_authority_with_user_information_is_a_400_over_http2() {
    let in_process = InProcess::with(RouterOptions::default());
    let address = listen(&in_process, Limits::default()).await;
    for (authority, host, status) in [
        ("a", "", 404),
        ("a:8080", "", 404),
        ("a", "a", 404),
        ("u@a", "", 400),
        ("u:p@a", "", 400),
        ("u:p@a", "a", 400),
        ("a:99999", "", 400),
        ("a", "b", 400),
        ("a", "u@a", 400),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", bearer(&in_process.acme).parse().unwrap());
        if !host.is_empty() {
            headers.insert("host", host.parse().unwrap());
        }
        let uri = format!("http://{authority}{INSTALLATION}");
        let mut request =
            Request::builder().method(Method::GET).version(Version::HTTP_2).uri(uri).body(()).unwrap();
        *request.headers_mut() = headers;
        let got = over_http2(address, request).await.unwrap();
        assert_eq!(got, status, "{authority} {host}");
    }
}
