//! HTTP/1.1 and what pretends to be it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::routing::{get, post};
use dockline_server::listener::Limits;
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::served::{LONG, SHORT, assert_refused, ok, one, rest, send, served};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const LAST: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_a_408() {
    let served = served(ok(), Limits { head: SHORT, ..Limits::default() }).await;
    for begins in ["", "GET / HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = send(served.address, begins).await;
        let dribble = async {
            // Until nobody takes it any more.
            while stream.write_all(b"P").await.is_ok() && stream.flush().await.is_ok() {
                let mut answer = [0; 12];
                if let Ok(Ok(_)) = timeout(SHORT / 20, stream.read_exact(&mut answer)).await {
                    return String::from_utf8_lossy(&answer).into_owned();
                }
            }
            panic!("closed without a word");
        };
        let answer = timeout(LONG, dribble).await.expect("never closed");
        assert_eq!(answer, "HTTP/1.1 408", "{begins:?}");
    }
    // The second is not known to be HTTP/1 yet.
    for begins in ["GET / HTTP/1.1\r\nHo", "PRI * HT"] {
        assert_refused(&rest(send(served.address, begins).await).await, "408", "BAD_REQUEST");
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_without_a_word() {
    let served = served(ok(), Limits { head: SHORT, ..Limits::default() }).await;
    assert_eq!(rest(send(served.address, "").await).await, "");
}

#[tokio::test]
async fn idleness_is_not_a_late_head_and_ends_without_a_word() {
    let limits = Limits { head: SHORT, ..Limits::default() };
    let patient = served(ok(), limits).await;
    let mut stream = send(patient.address, GET).await;
    assert!(one(&mut stream).await.ends_with("fine"));
    // Idle for longer than a head may take.
    sleep(2 * SHORT).await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    assert!(one(&mut stream).await.ends_with("fine"));
    // And the head after that has its own time.
    stream.write_all(b"GET / HT").await.unwrap();
    assert_refused(&rest(stream).await, "408", "BAD_REQUEST");

    let served = served(ok(), Limits { idle: SHORT, ..Limits::default() }).await;
    let answer = rest(send(served.address, GET).await).await;
    assert!(answer.ends_with("fine"), "{answer}");
}

/// A client that is not told sends its next request into a connection that is about to close.
#[tokio::test]
async fn much_of_a_body_left_unread_closes_the_connection_and_the_answer_says_so() {
    let served = served(ok().route("/unread", post(async || "unread")), Limits::default()).await;
    let to = |path: &str, length: usize| {
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")
    };
    let much = "x".repeat(100_000);
    for body in ["", &much] {
        let answer = rest(send(served.address, &[&to("/unread", much.len()), body].concat()).await).await;
        assert!(answer.contains("\r\nconnection: close\r\n") && answer.ends_with("unread"), "{answer}");
    }
    for request in [[&to("/unread", 5), "hello"].concat(), [&to("/echo", much.len()), much.as_str()].concat()]
    {
        let mut stream = send(served.address, &request).await;
        let answer = one(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("connection: close"), "{answer}");
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert!(one(&mut stream).await.ends_with("fine"));
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused_in_the_contracts_words() {
    let served = served(ok(), Limits::default()).await;
    for garbage in [
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\x03\x03 hello\r\n\r\n",
        "GET / HTTP/3.0\r\nHost: x\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    ] {
        assert_refused(&rest(send(served.address, garbage).await).await, "400", "BAD_REQUEST");
    }
    // Also behind a request that was answered.
    let mut stream = send(served.address, GET).await;
    assert!(one(&mut stream).await.ends_with("fine"));
    stream.write_all(b"nonsense\r\n\r\n").await.unwrap();
    assert_refused(&rest(stream).await, "400", "BAD_REQUEST");
}

#[tokio::test]
async fn too_many_and_too_large_headers_and_paths_are_refused() {
    let served = served(ok(), Limits::default()).await;
    let many: String = (0..101).map(|n| format!("X-{n}: y\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "y".repeat(256 * 1024));
    let slightly = format!("X-Large: {}\r\n", "y".repeat(33 * 1024));
    let path = |length: usize| format!("/{}", "a".repeat(length));
    for (path, headers, status) in [
        ("/".to_owned(), &many, "431"),
        ("/".to_owned(), &large, "431"),
        ("/".to_owned(), &slightly, "431"),
        (path(9 * 1024), &String::new(), "414"),
        (path(70 * 1024), &String::new(), "431"),
    ] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        let text = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        // It may hang up before all of it was sent.
        let _ = stream.write_all(text.as_bytes()).await;
        assert_refused(&rest(stream).await, status, "BAD_REQUEST");
    }
    let fits = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Large: {}\r\n\r\n",
        "y".repeat(30 * 1024)
    );
    assert!(rest(send(served.address, &fits).await).await.ends_with("fine"));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_the_handlers_error_and_no_cut() {
    let served = served(ok(), Limits { body: SHORT, ..Limits::default() }).await;
    let head = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nab";
    let answer = rest(send(served.address, head).await).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let whole = rest(send(served.address, &format!("{head}cde")).await).await;
    assert!(whole.ends_with("abcde"), "{whole}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_503() {
    let app = ok().route("/never", get(std::future::pending::<String>));
    let served = served(app, Limits { answer: SHORT, ..Limits::default() }).await;
    let never = LAST.replace("GET /", "GET /never");
    let answer = rest(send(served.address, &never).await).await;
    assert_refused(&answer, "503", "UNAVAILABLE");
    assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
}

#[tokio::test]
async fn a_handler_that_panics_does_not_cut_the_connection() {
    let app = ok().route("/panic", get(async || -> String { panic!("on purpose") }));
    let served = served(app, Limits::default()).await;
    let mut stream = send(served.address, &GET.replace("GET /", "GET /panic")).await;
    assert_refused(&one(&mut stream).await, "500", "INTERNAL");
    stream.write_all(LAST.as_bytes()).await.unwrap();
    assert!(rest(stream).await.ends_with("fine"));
}

/// An answer without end that says when nobody wants it any more.
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
async fn a_client_that_takes_nothing_of_its_answer_is_cut() {
    let given_up = Arc::new(Notify::new());
    let gives_up = Arc::clone(&given_up);
    let app = ok().route("/endless", get(async move || Body::new(Endless(gives_up))));
    let served = served(app, Limits { write: SHORT, ..Limits::default() }).await;
    let stream = send(served.address, &GET.replace("GET /", "GET /endless")).await;
    timeout(LONG, given_up.notified()).await.expect("never cut");
    drop(stream);
}

#[tokio::test]
async fn an_answer_that_does_not_wait_for_the_body_reaches_its_client() {
    let app = ok().route("/refuse", post(async || (http::StatusCode::PAYLOAD_TOO_LARGE, "too large")));
    let served = served(app, Limits::default()).await;
    for _ in 0..20 {
        let body = vec![b'x'; 200 * 1024];
        let head = format!("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut stream = send(served.address, &head).await;
        let _ = stream.write_all(&body).await;
        assert!(rest(stream).await.ends_with("too large"));
    }
}

#[tokio::test]
async fn old_clients_and_impatient_ones_are_served() {
    let served = served(ok(), Limits::default()).await;
    let answer = rest(send(served.address, "GET / HTTP/1.0\r\n\r\n").await).await;
    assert!(answer.starts_with("HTTP/1.0 200") && answer.ends_with("fine"), "{answer}");
    let pipelined = format!("{GET}{GET}{}", LAST);
    let answers = rest(send(served.address, &pipelined).await).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
}

#[tokio::test]
async fn a_request_knows_its_clients_address() {
    let app = ok().route(
        "/peer",
        get(async |request: Request| {
            request
                .extensions()
                .get::<ConnectInfo<SocketAddr>>()
                .map(|peer| peer.0.to_string())
                .unwrap_or_default()
        }),
    );
    let served = served(app, Limits::default()).await;
    let stream = send(served.address, &LAST.replace("GET /", "GET /peer")).await;
    let own = stream.local_addr().unwrap().to_string();
    assert!(rest(stream).await.ends_with(&own));
}
