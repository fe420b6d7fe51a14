//! HTTP/2 with prior knowledge.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use dockline_server::listener::Limits;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream};
use http::Request;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::served::{LONG, SHORT, Served, held, ok, served, stopped};

/// A client, and what drives its connection to its end.
async fn client(
    served: &Served,
    builder: &Builder,
) -> (SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>) {
    let stream = TcpStream::connect(served.address).await.unwrap();
    let (sender, connection) = builder.handshake(stream).await.unwrap();
    (sender, tokio::spawn(connection))
}

async fn ask(sender: &SendRequest<Bytes>, path: &str) -> ResponseFuture {
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

async fn ended(connection: JoinHandle<Result<(), h2::Error>>) -> Result<(), h2::Error> {
    timeout(LONG, connection).await.expect("never closed").unwrap()
}

#[tokio::test]
async fn many_requests_share_a_connection_and_large_answers_come_whole() {
    let app = ok().route("/large", get(async || vec![b'x'; 1_000_000]));
    let served = served(app, Limits::default()).await;
    let (sender, _connection) = client(&served, &Builder::new()).await;
    let mut answers = JoinSet::new();
    for number in 0..60 {
        let (path, length) = if number % 20 == 0 { ("/large", 1_000_000) } else { ("/", 4) };
        let answer = ask(&sender, path).await;
        answers.spawn(async move {
            let answer = answer.await.unwrap();
            assert_eq!((answer.status(), answer.version()), (http::StatusCode::OK, http::Version::HTTP_2));
            assert_eq!(whole(answer.into_body()).await.len(), length);
        });
    }
    while let Some(answer) = timeout(LONG, answers.join_next()).await.unwrap() {
        answer.unwrap();
    }
}

/// Counts the requests that run at once.
#[derive(Clone)]
struct Gauge {
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    go_on: Arc<Semaphore>,
}

impl Gauge {
    fn new() -> Self {
        Self { running: Arc::default(), most: Arc::default(), go_on: Arc::new(Semaphore::new(0)) }
    }

    fn app(&self) -> Router {
        let gauge = self.clone();
        Router::new().route(
            "/",
            get(async move || {
                let running = gauge.running.fetch_add(1, Ordering::SeqCst) + 1;
                gauge.most.fetch_max(running, Ordering::SeqCst);
                gauge.go_on.acquire().await.unwrap().forget();
                gauge.running.fetch_sub(1, Ordering::SeqCst);
                "fine"
            }),
        )
    }

    /// Asks ten times, lets one go on after the other, and says how many ran at once.
    async fn most_of_ten(&self, sender: &SendRequest<Bytes>) -> usize {
        let mut answers = JoinSet::new();
        for _ in 0..10 {
            let sender = sender.clone();
            answers.spawn(async move { ask(&sender, "/").await.await.unwrap().status() });
        }
        for _ in 0..10 {
            self.go_on.add_permits(1);
            let answer = timeout(LONG, answers.join_next()).await.expect("one too many waits").unwrap();
            assert_eq!(answer.unwrap(), 200);
        }
        self.most.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_are_announced() {
    let gauge = Gauge::new();
    let served = served(gauge.app(), Limits { streams: 3, ..Limits::default() }).await;
    let (sender, _connection) = client(&served, &Builder::new()).await;
    // The first answer comes after the settings.
    gauge.go_on.add_permits(1);
    assert_eq!(ask(&sender, "/").await.await.unwrap().status(), 200);
    assert_eq!(sender.current_max_send_streams(), 3);
    assert!((2..=3).contains(&gauge.most_of_ten(&sender).await));
}

#[tokio::test]
async fn a_limit_over_all_connections_holds_for_streams_too() {
    let gauge = Gauge::new();
    let served = served(gauge.app(), Limits { requests: 2, ..Limits::default() }).await;
    let (sender, _connection) = client(&served, &Builder::new()).await;
    assert_eq!(gauge.most_of_ten(&sender).await, 2);
}

#[tokio::test]
async fn more_than_may_wait_are_refused_at_once() {
    let gauge = Gauge::new();
    let served = served(gauge.app(), Limits { requests: 1, connections: 2, ..Limits::default() }).await;
    let (sender, _connection) = client(&served, &Builder::new()).await;
    let mut answers = JoinSet::new();
    for _ in 0..10 {
        let sender = sender.clone();
        answers.spawn(async move { ask(&sender, "/").await.await.unwrap().status().as_u16() });
    }
    // One is worked on, two wait.
    for _ in 0..7 {
        assert_eq!(timeout(LONG, answers.join_next()).await.unwrap().unwrap().unwrap(), 503);
    }
    gauge.go_on.add_permits(3);
    for _ in 0..3 {
        assert_eq!(timeout(LONG, answers.join_next()).await.unwrap().unwrap().unwrap(), 200);
    }
}

#[tokio::test]
async fn a_flood_of_requests_that_are_given_up_at_once_is_cut() {
    let app = Router::new().route("/", get(std::future::pending::<String>));
    let served = served(app, Limits { aborted: 50, ..Limits::default() }).await;
    let (sender, connection) = client(&served, &Builder::new()).await;
    let mut given_up = 0;
    while let Ok(mut sender) = sender.clone().ready().await {
        let request = Request::get("http://api.example/").body(()).unwrap();
        let Ok((_, mut stream)) = sender.send_request(request, true) else { break };
        stream.send_reset(Reason::CANCEL);
        given_up += 1;
        assert!(given_up < 20_000, "never cut");
        tokio::task::yield_now().await;
    }
    assert!(ended(connection).await.is_err());
    println!("cut after {given_up} resets");
}

#[tokio::test]
async fn requests_that_are_given_up_one_after_the_other_are_counted_too() {
    let arrived = Arc::new(Notify::new());
    let arrives = Arc::clone(&arrived);
    let app = Router::new().route(
        "/",
        get(async move || {
            arrives.notify_one();
            std::future::pending::<String>().await
        }),
    );
    let served = served(app, Limits { aborted: 20, ..Limits::default() }).await;
    let (sender, connection) = client(&served, &Builder::new()).await;
    let mut given_up = 0;
    // Each has reached its handler, so that only we can know.
    while let Ok(mut sender) = sender.clone().ready().await {
        let request = Request::get("http://api.example/").body(()).unwrap();
        let Ok((_, mut stream)) = sender.send_request(request, true) else { break };
        tokio::select! {
            () = arrived.notified() => {}
            _ = futures_util::future::poll_fn(|context| stream.poll_reset(context)) => break,
        }
        stream.send_reset(Reason::CANCEL);
        given_up += 1;
        assert!(given_up < 100, "never cut");
    }
    let _ = ended(connection).await;
    assert!((21..=23).contains(&given_up), "cut after {given_up}");
}

#[tokio::test]
async fn who_gives_up_now_and_then_is_not_cut() {
    let app = ok().route("/never", get(std::future::pending::<String>));
    let served = served(app, Limits { aborted: 5, ..Limits::default() }).await;
    let (sender, _connection) = client(&served, &Builder::new()).await;
    for _ in 0..50 {
        drop(ask(&sender, "/never").await);
        assert_eq!(ask(&sender, "/").await.await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_and_so_are_too_many_headers() {
    let served = served(ok(), Limits { headers: 20, target_bytes: 100, ..Limits::default() }).await;
    let (sender, _connection) = client(&served, &Builder::new()).await;
    let large = vec![("x-large".to_owned(), "y".repeat(40 * 1024))];
    let many: Vec<_> = (0..21).map(|number| (format!("x-{number}"), "y".to_owned())).collect();
    for (headers, path, status) in
        [(large, "/", 431), (many, "/", 431), (vec![], &*format!("/{}", "a".repeat(100)), 414)]
    {
        let mut request = Request::get(format!("http://api.example{path}"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut sender = sender.clone().ready().await.unwrap();
        let answer = sender.send_request(request.body(()).unwrap(), true).unwrap().0;
        assert_eq!(timeout(LONG, answer).await.unwrap().unwrap().status(), status);
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_good_order() {
    let served = served(ok(), Limits { idle: SHORT, ..Limits::default() }).await;
    let (sender, connection) = client(&served, &Builder::new()).await;
    assert_eq!(ask(&sender, "/").await.await.unwrap().status(), 200);
    ended(connection).await.unwrap();
    // Nor does one that never asks for anything stay.
    let (_sender, connection) = client(&served, &Builder::new()).await;
    ended(connection).await.unwrap();
}

#[tokio::test]
async fn a_client_that_opens_no_window_for_the_answer_is_cut() {
    let served = served(ok(), Limits { write: SHORT, ..Limits::default() }).await;
    let (sender, connection) = client(&served, Builder::new().initial_window_size(0)).await;
    let answer = ask(&sender, "/").await.await.unwrap();
    assert_eq!(answer.status(), 200);
    let _ = ended(connection).await;
    assert!(!matches!(answer.into_body().data().await, Some(Ok(_))));
}

#[tokio::test]
async fn what_runs_is_answered_after_the_shutdown_began() {
    let (app, arrived, go_on) = held();
    let served = served(app, Limits::default()).await;
    let (sender, connection) = client(&served, &Builder::new()).await;
    let answer = ask(&sender, "/").await;
    arrived.notified().await;
    let server = stopped(served).await;
    go_on.notify_one();
    assert_eq!(whole(answer.await.unwrap().into_body()).await, b"fine");
    ended(connection).await.unwrap();
    timeout(LONG, server).await.unwrap().unwrap();
}
