//! Connections that wait for their turn, and the end of all of them.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use dockline_server::listener::Limits;
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::served::{LONG, SHORT, held, ok, one, rest, send, served, stopped};

#[tokio::test]
async fn one_connection_too_many_waits_for_a_place() {
    let served = served(ok(), Limits { connections: 1, ..Limits::default() }).await;
    let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let first = send(served.address, "GET / HTTP/1.1\r\n").await;
    let mut second = send(served.address, request).await;
    let early = timeout(SHORT, second.read_u8()).await;
    assert!(early.is_err(), "it was served although there was no place");
    drop(first);
    assert!(rest(second).await.ends_with("fine"));
}

#[tokio::test]
async fn a_running_request_is_answered_after_the_shutdown_began_and_no_new_one() {
    let (app, arrived, go_on) = held();
    let served = served(app, Limits::default()).await;
    let stream = send(served.address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    arrived.notified().await;
    let server = stopped(served).await;
    go_on.notify_one();
    assert!(rest(stream).await.ends_with("fine"));
    server.await.unwrap();
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

#[tokio::test]
async fn a_kept_connection_does_not_hold_up_the_end() {
    let served = served(ok(), Limits { grace: LONG, ..Limits::default() }).await;
    let mut kept = send(served.address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(one(&mut kept).await.ends_with("fine"));
    let silent = send(served.address, "").await;
    served.stop.send(()).unwrap();
    assert_eq!(rest(kept).await, "");
    assert_eq!(rest(silent).await, "");
    timeout(LONG / 2, served.server).await.expect("held up").unwrap();
}
