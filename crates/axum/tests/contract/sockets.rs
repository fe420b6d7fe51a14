//! Raw bytes over a socket, and a router behind `dockline-listener`.

use std::net::SocketAddr;

use dockline_listener::{Limits, Listener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::Fixture;
use crate::in_process::InProcess;

/// Sends raw bytes and reads the response.
pub(crate) async fn raw(fixture: &Fixture, request: &str) -> String {
    let address = fixture.api.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
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
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "cut: {text}");
    }
}

/// Serves a router on the listener.
pub(crate) async fn listen(in_process: &InProcess, limits: Limits) -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let service = in_process.router.clone().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(Listener::new(tcp).with_limits(limits).serve(service, std::future::pending()));
    address
}
