//! A listener under test, plain clients of it, and a clock that only tests advance.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use dockline_listener::{Limits, Listener, Rejection, bind};
use http::{Response, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, advance};

/// Real time after which a test is taken to hang.
const HANG: Duration = Duration::from_secs(120);

/// Turns of the runtime and real time after which everything has happened that needs no time to pass: all parties share one
/// thread, and loopback sockets deliver at once, or within milliseconds on a busy machine.
const TURNS: usize = 200;
const DELIVERY: Duration = Duration::from_millis(3);

/// How far [`fast_forward`] advances the clock at a time.
const STEP: Duration = Duration::from_millis(250);

/// Runs a test on a paused clock. It keeps the runtime busy, because an idle one would advance the clock by itself.
pub(crate) async fn paused<T>(test: impl Future<Output = T>) -> T {
    tokio::time::pause();
    let began = std::time::Instant::now();
    let mut test = pin!(test);
    loop {
        tokio::select! {
            biased;
            output = &mut test => return output,
            () = yield_now() => assert!(began.elapsed() < HANG, "the test hangs"),
        }
    }
}

/// The output of `event` if it completes without time passing.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> Option<T> {
    let mut event = pin!(event);
    let began = std::time::Instant::now();
    let mut turns = 0;
    while turns < TURNS || began.elapsed() < DELIVERY {
        tokio::select! {
            biased;
            output = &mut event => return Some(output),
            () = yield_now() => turns += 1,
        }
    }
    None
}

/// Advances the clock until `event` completes; returns its output and the time that passed.
pub(crate) async fn fast_forward<T>(event: impl Future<Output = T>) -> (T, Duration) {
    let mut event = pin!(event);
    let began = Instant::now();
    loop {
        if let Some(output) = soon(&mut event).await {
            return (output, began.elapsed());
        }
        advance(STEP).await;
    }
}

/// Asserts that something happened when `deadline` had passed, and not before.
#[track_caller]
pub(crate) fn assert_at(passed: Duration, deadline: Duration) {
    assert!(passed >= deadline && passed < deadline + Duration::from_secs(1), "{passed:?}, not {deadline:?}");
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: oneshot::Sender<()>,
    pub(crate) task: JoinHandle<()>,
}

/// The path of the requests that are exempt from the limit of requests.
pub(crate) const EXEMPT: &str = "/exempt";

/// Serves `app`; rejections have a JSON body.
pub(crate) async fn start(app: Router, limits: Limits) -> Server {
    let tcp = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (shutdown, received) = oneshot::channel::<()>();
    let listener = Listener::new(tcp)
        .with_limits(limits)
        .with_rejections(json)
        .with_exempt(|head| head.uri.path() == EXEMPT);
    let task = tokio::spawn(listener.serve(app.into_make_service_with_connect_info::<SocketAddr>(), async {
        let _ = received.await;
    }));
    Server { address, shutdown, task }
}

fn json(rejection: Rejection) -> Response<Bytes> {
    let body = serde_json::json!({ "rejection": format!("{rejection:?}"), "message": rejection.message() });
    let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    response.header("x-request-id", "req_1").body(body.to_string().into()).unwrap()
}

/// Begins the shutdown and waits until no new connection is accepted.
pub(crate) async fn begin_shutdown(server: Server) -> JoinHandle<()> {
    server.shutdown.send(()).unwrap();
    while TcpStream::connect(server.address).await.is_ok() {
        yield_now().await;
    }
    server.task
}

pub(crate) async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Reads until the server closes the connection.
pub(crate) async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// Reads one response with a `Content-Length`.
pub(crate) async fn response(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let complete = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            body.len() >= length.parse().unwrap()
        });
        if complete {
            return text;
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "connection cut: {text}");
    }
}

/// Asserts that a response is a rejection with status, headers and body.
#[track_caller]
pub(crate) fn assert_rejected(response: &str, rejection: Rejection) {
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let (status, headers) = head.split_once("\r\n").unwrap();
    assert_eq!(status, format!("HTTP/1.1 {}", rejection.status()), "{response}");
    let header = |name: &str| {
        let mut values =
            headers.lines().filter_map(|line| line.split_once(": ")).filter(|(found, _)| *found == name);
        values.next().unwrap_or_else(|| panic!("no {name}: {response}")).1
    };
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("x-request-id"), "req_1");
    assert_eq!(header("content-length"), body.len().to_string());
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["rejection"], format!("{rejection:?}"), "{response}");
    assert!(!body["message"].as_str().unwrap().is_empty(), "{response}");
}

pub(crate) fn ok() -> Router {
    Router::new().route("/", get(async || "fine")).route("/echo", post(async |body: String| body))
}

/// A service whose `/` reports the arrival of a request to the first notify and responds after the second.
pub(crate) fn held() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (arrived, respond) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (arrives, responds) = (Arc::clone(&arrived), Arc::clone(&respond));
    let handler = async move || {
        arrives.notify_one();
        responds.notified().await;
        "fine"
    };
    (Router::new().route("/", get(handler)), arrived, respond)
}
