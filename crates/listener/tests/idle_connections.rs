//! Ten thousand idle connections leave memory and places for requests.
//!
//! The server is a process of its own, so that its memory is measured alone and each side has its own file descriptors: this
//! program starts itself again with the argument `server`. It waits for events only; a hang is the failure.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use dockline_listener::{Limits, Listener, bind, raise_open_file_limit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const IDLE: usize = 10_000;

/// Memory that an idle connection may take.
const MAX_BYTES_EACH: usize = 24 * 1024;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let fit = raise_open_file_limit(IDLE + 1);
    assert!(
        fit > IDLE,
        "the hard limit of open files (ulimit -Hn) allows {fit} connections: raise it above {IDLE}"
    );
    if std::env::args().nth(1).as_deref() == Some("server") {
        serve().await;
    } else {
        measure().await;
        println!("test ten_thousand_idle_connections_leave_memory_and_places_for_requests ... ok");
    }
}

/// Prints the address and serves until it is killed. No timeout ends a connection, however slow the machine is.
async fn serve() {
    let tcp = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    println!("{}", tcp.local_addr().unwrap());
    let day = Duration::from_secs(86_400);
    let limits = Limits { head_timeout: day, idle_timeout: day, ..Limits::default() };
    let app = Router::new().route("/", get(async || "fine"));
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    Listener::new(tcp).with_limits(limits).serve(service, std::future::pending()).await;
}

/// The server process; killed when dropped.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.arg("server").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { address: line.trim().parse().unwrap(), child }
    }

    /// Resident memory in bytes.
    fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn request(stream: &mut TcpStream) {
    stream.write_all(GET).await.unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"fine") {
        assert_ne!(stream.read_buf(&mut response).await.unwrap(), 0, "connection cut");
    }
    assert!(response.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

async fn measure() {
    let server = Server::start();
    let address = server.address;
    request(&mut TcpStream::connect(address).await.unwrap()).await;
    let before = server.memory();
    // Every second one has been used and is kept alive; the others have sent nothing.
    let mut opening = JoinSet::new();
    let mut idle = Vec::new();
    for number in 0..IDLE {
        opening.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            if number % 2 == 0 {
                request(&mut stream).await;
            }
            (number, stream)
        });
        // The accept queue holds no more at a time.
        if opening.len() >= 64 {
            idle.push(opening.join_next().await.unwrap().unwrap());
        }
    }
    idle.extend(opening.join_all().await);
    // Connections are accepted in order: once these are answered, all idle ones were accepted.
    for _ in 0..100 {
        request(&mut TcpStream::connect(address).await.unwrap()).await;
    }
    let each = server.memory().saturating_sub(before) / IDLE;
    println!("{before} bytes before, {each} for each of {IDLE} idle connections");
    assert!(each < MAX_BYTES_EACH, "{each} bytes for each idle connection");
    for number in [0, 1] {
        let (_, stream) = idle.iter_mut().find(|(found, _)| *found == number).expect("opened");
        request(stream).await;
    }
}
