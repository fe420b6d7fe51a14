//! The limit of connections, and the graceful shutdown.

use std::time::Duration;

use dockline_listener::Limits;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::support::{
    assert_at, begin_shutdown, fast_forward, held, ok, paused, response, rest, send, soon, start,
};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const LAST_GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_a_free_place() {
    paused(async {
        let server = start(ok(), Limits { max_connections: 1, ..Limits::default() }).await;
        let first = send(server.address, "GET / HTTP/1.1\r\n").await;
        let mut second = send(server.address, LAST_GET).await;
        assert!(soon(second.read_u8()).await.is_none(), "served over the limit");
        drop(first);
        assert!(rest(second).await.ends_with("fine"));
    })
    .await;
}

#[tokio::test]
async fn an_open_request_is_answered_after_the_shutdown_began() {
    paused(async {
        let (app, arrived, respond) = held();
        let server = start(app, Limits::default()).await;
        let stream = send(server.address, GET).await;
        arrived.notified().await;
        let server = begin_shutdown(server).await;
        respond.notify_one();
        assert!(rest(stream).await.ends_with("fine"));
        server.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn connections_in_the_accept_queue_are_served_in_a_shutdown() {
    paused(async {
        let server = start(ok(), Limits::default()).await;
        // Neither call gives the server a turn to accept before it sees the shutdown.
        let stream = std::net::TcpStream::connect(server.address).unwrap();
        stream.set_nonblocking(true).unwrap();
        std::io::Write::write_all(&mut &stream, GET.as_bytes()).unwrap();
        server.shutdown.send(()).unwrap();
        assert!(rest(TcpStream::from_std(stream).unwrap()).await.ends_with("fine"));
        server.task.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn requests_still_open_after_the_grace_are_dropped() {
    paused(async {
        let (app, arrived, _respond) = held();
        let server = start(app, Limits::default()).await;
        let _stream = send(server.address, GET).await;
        arrived.notified().await;
        server.shutdown.send(()).unwrap();
        let (ended, passed) = fast_forward(server.task).await;
        ended.unwrap();
        assert_at(passed, Limits::default().shutdown_grace);
    })
    .await;
}

#[tokio::test]
async fn idle_and_silent_connections_do_not_delay_the_shutdown() {
    paused(async {
        let server = start(ok(), Limits::default()).await;
        let mut kept = send(server.address, GET).await;
        assert!(response(&mut kept).await.ends_with("fine"));
        let silent = send(server.address, "").await;
        server.shutdown.send(()).unwrap();
        let ((kept, silent), passed) = fast_forward(async { (rest(kept).await, rest(silent).await) }).await;
        assert_eq!((kept.as_str(), silent.as_str()), ("", ""));
        // A silent connection may have a request on the way.
        assert_at(passed, Duration::from_millis(250));
        let (ended, passed) = fast_forward(server.task).await;
        ended.unwrap();
        assert!(passed < Duration::from_secs(2), "{passed:?}");
    })
    .await;
}

#[tokio::test]
async fn a_request_right_behind_the_shutdown_is_answered_on_a_new_connection() {
    paused(async {
        use tokio::io::AsyncWriteExt;
        let server = start(ok(), Limits::default()).await;
        let mut silent = send(server.address, "").await;
        // Accepted once the server answers a later connection.
        assert!(rest(send(server.address, LAST_GET).await).await.ends_with("fine"));
        let server = begin_shutdown(server).await;
        silent.write_all(GET.as_bytes()).await.unwrap();
        assert!(rest(silent).await.ends_with("fine"));
        server.await.unwrap();
    })
    .await;
}
