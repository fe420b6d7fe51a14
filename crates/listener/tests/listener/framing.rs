//! Where one HTTP/1.1 request ends and the next begins (L-85).

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use dockline_listener::{Limits, Rejection};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::advance;

use crate::support::{
    assert_at, assert_rejected, fast_forward, held, ok, paused, response, rest, send, soon, start,
};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const CLOSE: &str = "\r\nconnection: close\r\n";

/// `/unread` responds without reading the body.
fn app() -> Router {
    ok().route("/unread", post(async || "unread"))
}

fn post_head(path: &str, framing: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n")
}

fn chunked(path: &str, body: &str) -> String {
    post_head(path, "Transfer-Encoding: chunked") + body
}

async fn close_side(stream: &mut TcpStream) {
    stream.shutdown().await.unwrap();
}

/// hyper reads a line feed where the last CRLF should be as the beginning of trailers, and the next request with it.
#[tokio::test]
async fn a_chunked_body_with_trailers_closes_the_connection_and_the_response_says_so() {
    paused(async {
        let server = start(app(), Limits::default()).await;
        for end in ["0\r\n\n", "0\r\nX-Checksum: 1\r\n\r\n", "0\r\nA: b\n\r\n"] {
            for path in ["/echo", "/unread"] {
                let request = chunked(path, &format!("5\r\nhello\r\n{end}{GET}"));
                let text = rest(send(server.address, &request).await).await;
                assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{end:?}: {text}");
                assert!(text.contains(CLOSE), "{end:?}: {text}");
            }
        }
        for path in ["/echo", "/unread"] {
            let request = chunked(path, &format!("5;name=value\r\nhello\r\n0\r\n\r\n{GET}"));
            let mut stream = send(server.address, &request).await;
            let text = response(&mut stream).await;
            assert!(text.starts_with("HTTP/1.1 200") && !text.contains(CLOSE), "{text}");
            let (_, second) = text.split_once("HTTP/1.1 200 OK").unwrap();
            if !second.contains("HTTP/1.1 200 OK") {
                assert!(response(&mut stream).await.ends_with("fine"));
            }
        }
    })
    .await;
}

/// A proxy in front may end such a request by the other field (RFC 9112 §6.1).
#[tokio::test]
async fn a_request_with_both_lengths_is_rejected_and_closes_the_connection_c45_l85() {
    paused(async {
        let server = start(app(), Limits::default()).await;
        let body = "5\r\nhello\r\n0\r\n\r\n";
        for framing in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "transfer-encoding: chunked\r\nX: y\r\ncontent-length: 0",
        ] {
            let request = post_head("/echo", framing) + body + GET;
            let text = rest(send(server.address, &request).await).await;
            assert_rejected(&text, Rejection::Malformed);
            assert!(text.contains(CLOSE) && !text.contains("HTTP/1.1 200"), "{framing:?}: {text}");
            // The next request on a connection that was used before.
            let mut stream = send(server.address, GET).await;
            assert!(response(&mut stream).await.ends_with("fine"));
            stream.write_all(request.as_bytes()).await.unwrap();
            let text = rest(stream).await;
            assert_rejected(&text, Rejection::Malformed);
            // Pipelined, it is answered by its chunks, and the connection ends with it.
            let text = rest(send(server.address, &format!("{GET}{request}")).await).await;
            assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{framing:?}: {text}");
            assert!(text.contains(CLOSE), "{framing:?}: {text}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_small_body_that_follows_its_head_is_read_off_and_the_connection_is_kept() {
    paused(async {
        let server = start(app(), Limits::default()).await;
        for (framing, body) in [
            ("Content-Length: 5", "hello"),
            ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
            ("Content-Length: 65536", &"x".repeat(65_536)),
        ] {
            let mut stream = send(server.address, &post_head("/unread", framing)).await;
            assert!(soon(response(&mut stream)).await.is_none(), "the body may be on its way");
            advance(Duration::from_millis(2)).await;
            stream.write_all(body.as_bytes()).await.unwrap();
            let text = response(&mut stream).await;
            assert!(text.ends_with("unread") && !text.contains(CLOSE), "{text}");
            stream.write_all(GET.as_bytes()).await.unwrap();
            assert!(response(&mut stream).await.ends_with("fine"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_not_seen_to_its_end_closes_the_connection_and_the_response_says_so() {
    paused(async {
        let server = start(app(), Limits::default()).await;
        let much = format!("{:x}\r\n{}\r\n", 65_537, "x".repeat(65_537));
        for (head, body, wait) in [
            ("Content-Length: 5", "hell", 250),
            ("Content-Length: 5", "", 250),
            ("Transfer-Encoding: chunked", "5\r\nhello\r\n", 250),
            ("Transfer-Encoding: chunked", "5\r\nhello\r\nx\r\n", 0),
            ("Transfer-Encoding: chunked", &much, 0),
            ("Content-Length: 65537", "", 0),
            // Reading it would have the client send it.
            ("Content-Length: 5\r\nExpect: 100-continue", "", 0),
        ] {
            let stream = send(server.address, &(post_head("/unread", head) + body)).await;
            let (text, passed) = fast_forward(rest(stream)).await;
            assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("unread"), "{head}: {text}");
            assert!(text.contains(CLOSE), "{head}: {text}");
            assert!(passed >= Duration::from_millis(wait), "{head}: {passed:?}");
        }
        // The listener's own rejections do so as well.
        let head = post_head(&format!("/{}", "a".repeat(9 * 1024)), "Content-Length: 100000");
        let text = rest(send(server.address, &head).await).await;
        assert_rejected(&text, Rejection::TargetTooLong);
        assert!(text.contains(CLOSE), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_closes_its_side_after_the_request_is_answered() {
    paused(async {
        let server = start(app(), Limits::default()).await;
        let post = post_head("/echo", "Content-Length: 5") + "hello";
        for (requests, answers, end) in
            [(GET.to_owned(), 1, "fine"), (post.clone(), 1, "hello"), (format!("{GET}{post}"), 2, "hello")]
        {
            let mut stream = send(server.address, &requests).await;
            close_side(&mut stream).await;
            let text = rest(stream).await;
            assert_eq!(text.matches("HTTP/1.1 200").count(), answers, "{text}");
            assert!(text.ends_with(end), "{text}");
        }
        // Also if the service works on it when the client closes its side.
        let (app, arrived, respond) = held();
        let server = start(app, Limits::default()).await;
        let mut stream = send(server.address, GET).await;
        arrived.notified().await;
        close_side(&mut stream).await;
        assert!(soon(stream.readable()).await.is_none());
        respond.notify_one();
        assert!(rest(stream).await.ends_with("fine"));
    })
    .await;
}

/// An idle client that closes its side frees its connection at once.
#[tokio::test]
async fn a_client_that_closes_its_side_between_requests_is_disconnected() {
    paused(async {
        let server = start(app(), Limits::default()).await;
        let mut stream = send(server.address, GET).await;
        assert!(response(&mut stream).await.ends_with("fine"));
        close_side(&mut stream).await;
        let (text, passed) = fast_forward(rest(stream)).await;
        assert_eq!(text, "");
        assert_at(passed, Duration::ZERO);
    })
    .await;
}

#[tokio::test]
async fn a_number_sign_in_the_target_is_malformed() {
    paused(async {
        let server = start(app(), Limits::default()).await;
        for target in ["/#", "/#/", "/?a=b#c", "http://x/#"] {
            let get = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
            assert_rejected(&rest(send(server.address, &get).await).await, Rejection::Malformed);
            // Also on a connection that was used.
            let mut stream = send(server.address, GET).await;
            assert!(response(&mut stream).await.ends_with("fine"));
            stream.write_all(get.as_bytes()).await.unwrap();
            assert_rejected(&rest(stream).await, Rejection::Malformed);
        }
        let mut stream = send(server.address, &GET.replace("Host", "X: #1\r\nHost")).await;
        assert!(response(&mut stream).await.ends_with("fine"));
    })
    .await;
}

#[tokio::test]
async fn ambiguous_framing_is_malformed_or_closes_the_connection() {
    paused(async {
        let server = start(app(), Limits::default()).await;
        for framing in [
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: 5, 6",
            "Content-Length: +5",
            "Content-Length: 0x5",
            "Content-Length: -1",
            "Content-Length: ",
            "Content-Length: 18446744073709551616",
            "Content-Length : 5",
            "Transfer-Encoding: gzip",
            "Transfer-Encoding: chunked, gzip",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "Content-Length: 5\r\nX: a\r\n b: c",
            "Content-Length: 5\r\n X: a",
            "Content-Length: 5\rX: a",
        ] {
            let text = rest(send(server.address, &(post_head("/echo", framing) + "hello")).await).await;
            assert_rejected(&text, Rejection::Malformed);
        }
        for size in ["x", "+5", "-5", "0x5", " 5", "5 5", "10000000000000005", "5\n"] {
            let body = format!("{size}\r\nhello\r\n0\r\n\r\n{GET}");
            let text = rest(send(server.address, &chunked("/echo", &body)).await).await;
            assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{size}: {text}");
            assert!(text.starts_with("HTTP/1.1 4") && text.contains(CLOSE), "{size}: {text}");
        }
    })
    .await;
}
