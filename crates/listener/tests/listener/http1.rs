//! HTTP/1.1, and input that is not HTTP.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::routing::{get, post};
use dockline_listener::{Limits, Listener, Rejection, RequestBody, bind};
use http::Response;
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::advance;

use crate::support::{
    assert_at, assert_rejected, fast_forward, held, ok, paused, response, rest, send, soon, start,
};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const LAST_GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_head_sent_byte_by_byte_is_a_408() {
    paused(async {
        let server = start(ok(), Limits::default()).await;
        for beginning in ["", "GET / HTTP/1.1\r\nHost: x\r\n"] {
            let mut stream = send(server.address, beginning).await;
            let mut seconds = 0;
            let status = loop {
                stream.write_all(b"P").await.unwrap();
                let mut status = [0; 12];
                if let Some(read) = soon(stream.read_exact(&mut status)).await {
                    read.unwrap();
                    break status;
                }
                advance(SECOND).await;
                seconds += 1;
            };
            assert_eq!((&status, seconds), (b"HTTP/1.1 408", 10), "{beginning:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_incomplete_head_is_rejected_after_the_head_timeout() {
    paused(async {
        let server = start(ok(), Limits::default()).await;
        // The second could still become an HTTP/2 preface.
        for beginning in ["GET / HTTP/1.1\r\nHo", "PRI * HT"] {
            let stream = send(server.address, beginning).await;
            let (text, passed) = fast_forward(rest(stream)).await;
            assert_rejected(&text, Rejection::HeadTimeout);
            assert_at(passed, Limits::default().head_timeout);
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_without_input_is_closed_after_the_head_timeout_without_a_response() {
    paused(async {
        let server = start(ok(), Limits::default()).await;
        let stream = send(server.address, "").await;
        let (text, passed) = fast_forward(rest(stream)).await;
        assert_eq!(text, "");
        assert_at(passed, Limits::default().head_timeout);
    })
    .await;
}

#[tokio::test]
async fn an_idle_connection_outlives_the_head_timeout_and_ends_at_the_idle_timeout() {
    paused(async {
        let limits = Limits::default();
        let server = start(ok(), limits).await;
        let mut stream = send(server.address, GET).await;
        assert!(response(&mut stream).await.ends_with("fine"));
        assert!(soon(stream.read_u8()).await.is_none());
        advance(limits.idle_timeout - SECOND).await;
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert!(response(&mut stream).await.ends_with("fine"));
        // The next head has a timeout of its own.
        advance(limits.idle_timeout - SECOND).await;
        stream.write_all(b"GET / HT").await.unwrap();
        let (text, passed) = fast_forward(rest(stream)).await;
        assert_rejected(&text, Rejection::HeadTimeout);
        assert_at(passed, limits.head_timeout);

        let mut stream = send(server.address, GET).await;
        assert!(response(&mut stream).await.ends_with("fine"));
        let (text, passed) = fast_forward(rest(stream)).await;
        assert_eq!(text, "");
        assert_at(passed, limits.idle_timeout);
    })
    .await;
}

/// Without the header, the client would send its next request on a connection that is about to close.
#[tokio::test]
async fn a_large_unread_body_closes_the_connection_and_the_response_says_so() {
    paused(async {
        let app = ok().route("/unread", post(async || "unread"));
        let server = start(app, Limits::default()).await;
        let post = |path: &str, length: usize| {
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")
        };
        let large = "x".repeat(100_000);
        for body in ["", &large] {
            let text =
                rest(send(server.address, &[&post("/unread", large.len()), body].concat()).await).await;
            assert!(text.contains("\r\nconnection: close\r\n") && text.ends_with("unread"), "{text}");
        }
        for request in
            [[&post("/unread", 5), "hello"].concat(), [&post("/echo", large.len()), large.as_str()].concat()]
        {
            let mut stream = send(server.address, &request).await;
            let text = response(&mut stream).await;
            assert!(text.starts_with("HTTP/1.1 200") && !text.contains("connection: close"), "{text}");
            stream.write_all(GET.as_bytes()).await.unwrap();
            assert!(response(&mut stream).await.ends_with("fine"));
        }
    })
    .await;
}

#[tokio::test]
async fn malformed_input_is_rejected_with_a_body() {
    paused(async {
        let server = start(ok(), Limits::default()).await;
        for input in [
            "\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\x03\x03 hello\r\n\r\n",
            "GET / HTTP/3.0\r\nHost: x\r\n\r\n",
            "G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        ] {
            assert_rejected(&rest(send(server.address, input).await).await, Rejection::Malformed);
        }
        // Also after a request that was answered.
        let mut stream = send(server.address, GET).await;
        assert!(response(&mut stream).await.ends_with("fine"));
        stream.write_all(b"nonsense\r\n\r\n").await.unwrap();
        assert_rejected(&rest(stream).await, Rejection::Malformed);
    })
    .await;
}

#[tokio::test]
async fn too_many_and_too_large_headers_and_paths_are_rejected() {
    paused(async {
        let server = start(ok(), Limits::default()).await;
        let many: String = (0..101).map(|n| format!("X-{n}: y\r\n")).collect();
        let large = format!("X-Large: {}\r\n", "y".repeat(256 * 1024));
        let slightly = format!("X-Large: {}\r\n", "y".repeat(33 * 1024));
        let path = |length: usize| format!("/{}", "a".repeat(length));
        for (path, headers, rejection) in [
            ("/".to_owned(), &many, Rejection::HeadTooLarge),
            ("/".to_owned(), &large, Rejection::HeadTooLarge),
            ("/".to_owned(), &slightly, Rejection::HeadTooLarge),
            (path(9 * 1024), &String::new(), Rejection::TargetTooLong),
            (path(8 * 1024), &String::new(), Rejection::TargetTooLong),
            (path(70 * 1024), &String::new(), Rejection::HeadTooLarge),
        ] {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            let text = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
            // The server may close the connection before all of it is sent.
            let _ = stream.write_all(text.as_bytes()).await;
            assert_rejected(&rest(stream).await, rejection);
        }
        // `Host`, `Connection` and 98 others are 100.
        let fits: String = (0..98).map(|n| format!("X-{n}: y\r\n")).collect();
        let fits = [fits, format!("X-Large: {}\r\n", "y".repeat(30 * 1024))];
        for headers in fits {
            let text = format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
            assert!(rest(send(server.address, &text).await).await.ends_with("fine"));
        }
        let text = LAST_GET.replace("GET /", &format!("GET {}", path(8 * 1024 - 1)));
        assert!(rest(send(server.address, &text).await).await.starts_with("HTTP/1.1 404"));
    })
    .await;
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_an_error_for_the_service() {
    paused(async {
        let server = start(ok(), Limits::default()).await;
        let head = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nab";
        let stream = send(server.address, head).await;
        let (text, passed) = fast_forward(rest(stream)).await;
        assert!(text.starts_with("HTTP/1.1 400"), "{text}");
        assert_at(passed, Limits::default().body_timeout);
        let text = rest(send(server.address, &format!("{head}cde")).await).await;
        assert!(text.ends_with("abcde"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_response_that_does_not_come_is_a_503() {
    paused(async {
        let app = ok().route("/never", get(std::future::pending::<String>));
        let server = start(app, Limits::default()).await;
        let stream = send(server.address, &LAST_GET.replace("GET /", "GET /never")).await;
        let (text, passed) = fast_forward(rest(stream)).await;
        assert_rejected(&text, Rejection::ResponseTimeout);
        assert!(text.contains("\r\nretry-after: 1\r\n"), "{text}");
        assert_at(passed, Limits::default().response_timeout);
    })
    .await;
}

#[tokio::test]
async fn a_service_that_panics_does_not_cut_the_connection() {
    paused(async {
        let app = ok().route("/panic", get(async || -> String { panic!("on purpose") }));
        let server = start(app, Limits::default()).await;
        let mut stream = send(server.address, &GET.replace("GET /", "GET /panic")).await;
        assert_rejected(&response(&mut stream).await, Rejection::ServiceFailed);
        stream.write_all(LAST_GET.as_bytes()).await.unwrap();
        assert!(rest(stream).await.ends_with("fine"));
    })
    .await;
}

/// Any tower service can be served. By default, rejections are plain text.
#[tokio::test]
async fn an_error_of_a_service_is_a_500() {
    paused(async {
        let tcp = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = tcp.local_addr().unwrap();
        let service = tower::service_fn(async |_: http::Request<RequestBody>| {
            Err::<Response<String>, _>(std::io::Error::other("on purpose"))
        });
        tokio::spawn(Listener::new(tcp).serve(tower::make::Shared::new(service), std::future::pending()));
        for (request, rejection) in [(LAST_GET, Rejection::ServiceFailed), ("\r\n\0", Rejection::Malformed)] {
            let text = rest(send(address, request).await).await;
            assert!(text.starts_with(&format!("HTTP/1.1 {}\r\n", rejection.status())), "{text}");
            assert!(text.contains("content-type: text/plain; charset=utf-8\r\n"), "{text}");
            assert!(text.ends_with(rejection.message()), "{text}");
        }
    })
    .await;
}

/// A response without end that reports when it is dropped.
struct Endless(Arc<Notify>);

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 64 * 1024])))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_its_response_is_cut() {
    paused(async {
        let dropped = Arc::new(Notify::new());
        let drops = Arc::clone(&dropped);
        let app = ok().route("/endless", get(async move || Body::new(Endless(drops))));
        let server = start(app, Limits::default()).await;
        let stream = send(server.address, &GET.replace("GET /", "GET /endless")).await;
        let ((), passed) = fast_forward(dropped.notified()).await;
        assert_at(passed, Limits::default().write_timeout);
        drop(stream);
    })
    .await;
}

#[tokio::test]
async fn a_response_sent_before_the_body_was_read_reaches_the_client() {
    paused(async {
        let app = ok().route("/reject", post(async || (http::StatusCode::PAYLOAD_TOO_LARGE, "too large")));
        let server = start(app, Limits::default()).await;
        for _ in 0..20 {
            let body = vec![b'x'; 200 * 1024];
            let head = format!("POST /reject HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
            let mut stream = send(server.address, &head).await;
            let _ = stream.write_all(&body).await;
            assert!(rest(stream).await.ends_with("too large"));
        }
    })
    .await;
}

/// The client that does not close its side is not waited for longer than this.
#[tokio::test]
async fn a_closing_connection_lingers_for_a_second() {
    paused(async {
        let server = start(ok(), Limits { max_connections: 1, ..Limits::default() }).await;
        let mut stream = send(server.address, LAST_GET).await;
        assert!(response(&mut stream).await.ends_with("fine"));
        let waiting = send(server.address, LAST_GET).await;
        let (text, passed) = fast_forward(rest(waiting)).await;
        assert!(text.ends_with("fine"), "{text}");
        assert_at(passed, SECOND);
    })
    .await;
}

#[tokio::test]
async fn http_1_0_and_pipelined_requests_are_served() {
    paused(async {
        let server = start(ok(), Limits::default()).await;
        let text = rest(send(server.address, "GET / HTTP/1.0\r\n\r\n").await).await;
        assert!(text.starts_with("HTTP/1.0 200") && text.ends_with("fine"), "{text}");
        let pipelined = format!("{GET}{GET}{LAST_GET}");
        let text = rest(send(server.address, &pipelined).await).await;
        assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 3, "{text}");
    })
    .await;
}

#[tokio::test]
async fn malformed_input_pipelined_behind_a_request_is_rejected_after_its_response() {
    paused(async {
        let (app, arrived, respond) = held();
        let server = start(app, Limits::default()).await;
        let stream = send(server.address, &format!("{GET}nonsense\r\n\r\n")).await;
        arrived.notified().await;
        respond.notify_one();
        let text = rest(stream).await;
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert_rejected(text.split_once("fine").unwrap().1, Rejection::Malformed);
    })
    .await;
}

#[tokio::test]
async fn the_service_knows_the_address_of_the_client() {
    paused(async {
        let peer = async |request: Request| {
            let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().unwrap();
            peer.0.to_string()
        };
        let server = start(ok().route("/peer", get(peer)), Limits::default()).await;
        let stream = send(server.address, &LAST_GET.replace("GET /", "GET /peer")).await;
        let own = stream.local_addr().unwrap().to_string();
        assert!(rest(stream).await.ends_with(&own));
    })
    .await;
}
