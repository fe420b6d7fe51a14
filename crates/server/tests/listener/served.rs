//! A listener under test, and plain clients of it.

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
use tokio::time::timeout;

pub(crate) const SHORT: Duration = Duration::from_millis(200);

/// Far longer than anything that is waited for takes; only a test that fails waits so long.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) server: JoinHandle<()>,
}

pub(crate) async fn served(app: Router, limits: Limits) -> Served {
    let listener = bind("127.0.0.1:0".parse().unwrap(), "--listen").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, app, limits, async {
        let _ = stopped.await;
    }));
    Served { address, stop, server }
}

/// Begins the shutdown; when nobody is let in any more, what runs until its end.
pub(crate) async fn stopped(served: Served) -> JoinHandle<()> {
    served.stop.send(()).unwrap();
    while TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    served.server
}

pub(crate) async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Everything until the other side closes.
pub(crate) async fn rest(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    timeout(LONG, stream.read_to_string(&mut answer)).await.expect("never closed").unwrap();
    answer
}

/// One answer with a `Content-Length`.
pub(crate) async fn one(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        let complete = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            body.len() >= length.parse().unwrap()
        });
        if complete {
            return text;
        }
        let read = timeout(LONG, stream.read_buf(&mut answer)).await.expect("no answer").unwrap();
        assert_ne!(read, 0, "cut: {text}");
    }
}

/// Whether it is the contract's error answer, of that status and code.
#[track_caller]
pub(crate) fn assert_refused(answer: &str, status: &str, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let mut values =
            head.lines().filter_map(|line| line.split_once(": ")).filter(|(found, _)| *found == name);
        values.next().unwrap_or_else(|| panic!("no {name}: {answer}")).1
    };
    assert_eq!(header("content-type"), "application/json");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["error"]["code"], code, "{answer}");
    assert_eq!(body["error"]["requestId"], header("x-request-id"), "{answer}");
    assert!(header("x-request-id").starts_with("req_"), "{answer}");
    assert!(!body["error"]["message"].as_str().unwrap().is_empty(), "{answer}");
}

/// Answers when it is let to: the first tells when a request has arrived, the second lets it be answered.
pub(crate) fn held() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (arrives, goes_on) = (Arc::clone(&arrived), Arc::clone(&go_on));
    let answer = async move || {
        arrives.notify_one();
        goes_on.notified().await;
        "fine"
    };
    (Router::new().route("/", get(answer)), arrived, go_on)
}

pub(crate) fn ok() -> Router {
    Router::new().route("/", get(async || "fine")).route("/echo", post(async |body: String| body))
}
