//! The listener's limits, on real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use dockline_server::listener::{Limits, bind, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

const SHORT: Duration = Duration::from_millis(200);

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

async fn served(app: Router, limits: Limits) -> Served {
    let listener = bind("127.0.0.1:0".parse().unwrap(), "--listen").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, app, limits, async {
        let _ = stopped.await;
    }));
    Served { address, stop, server }
}

async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

async fn rest(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn ok() -> Router {
    Router::new().route("/", get(async || "fine")).route("/echo", post(async |body: String| body))
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let served = served(ok(), Limits { head: SHORT, ..Limits::default() }).await;
    let answer = rest(send(served.address, "GET / HTTP/1.1\r\nHost: x\r\n").await).await;
    assert!(!answer.contains("200"), "{answer}");
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
    let app = Router::new().route("/", get(std::future::pending::<String>));
    let served = served(app, Limits { answer: SHORT, ..Limits::default() }).await;
    let answer =
        rest(send(served.address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

#[tokio::test]
async fn a_handler_that_panics_does_not_cut_the_connection() {
    let app = ok().route("/panic", get(async || -> String { panic!("on purpose") }));
    let served = served(app, Limits::default()).await;
    let two = "GET /panic HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answers = rest(send(served.address, two).await).await;
    assert!(answers.starts_with("HTTP/1.1 500") && answers.ends_with("fine"), "{answers}");
}

#[tokio::test]
async fn too_many_and_too_large_headers_are_refused() {
    let served = served(ok(), Limits::default()).await;
    let many: String = (0..101).map(|n| format!("X-{n}: y\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "y".repeat(256 * 1024));
    for headers in [many, large] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        // It may hang up before all of it was sent.
        let _ = stream.write_all(format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes()).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 431");
    }
}

#[tokio::test]
async fn one_connection_too_many_waits_for_a_place() {
    let served = served(ok(), Limits { connections: 1, ..Limits::default() }).await;
    let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let first = send(served.address, "GET / HTTP/1.1\r\n").await;
    let mut second = send(served.address, request).await;
    let early = tokio::time::timeout(SHORT, second.read_u8()).await;
    assert!(early.is_err(), "it was served although there was no place");
    drop(first);
    assert!(rest(second).await.ends_with("fine"));
}

#[tokio::test]
async fn a_running_request_is_answered_after_the_shutdown_began_and_no_new_one() {
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (arrives, goes_on) = (Arc::clone(&arrived), Arc::clone(&go_on));
    let app = Router::new().route(
        "/",
        get(async move || {
            arrives.notify_one();
            goes_on.notified().await;
            "fine"
        }),
    );
    let served = served(app, Limits::default()).await;
    let stream = send(served.address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    arrived.notified().await;
    served.stop.send(()).unwrap();
    while TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go_on.notify_one();
    assert!(rest(stream).await.ends_with("fine"));
    served.server.await.unwrap();
}

#[tokio::test]
async fn the_grace_is_not_for_ever() {
    let arrived = Arc::new(Notify::new());
    let arrives = Arc::clone(&arrived);
    let app = Router::new().route(
        "/",
        get(async move || {
            arrives.notify_one();
            std::future::pending::<String>().await
        }),
    );
    let served = served(app, Limits { grace: SHORT, ..Limits::default() }).await;
    let _stream = send(served.address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    arrived.notified().await;
    served.stop.send(()).unwrap();
    served.server.await.unwrap();
}
