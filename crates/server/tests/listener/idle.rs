//! Ten thousand connections that do nothing.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dockline_server::listener::room_for;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::served::{one, rest, send};

const IDLE: usize = 10_000;

/// What a connection that does nothing may cost.
const BYTES_EACH: usize = 24 * 1024;

/// The demo as a process, so that its memory is its own; killed when dropped.
struct Demo {
    child: Child,
    address: std::net::SocketAddr,
}

impl Demo {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dockline"))
            .args(["demo", "--json", "--listen", "127.0.0.1:0", "--github-listen", "127.0.0.1:0"])
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        let api = told["api"].as_str().unwrap().strip_prefix("http://").unwrap();
        Self { address: api.parse().unwrap(), child }
    }

    /// Bytes in memory.
    fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn healthy(address: std::net::SocketAddr) -> Duration {
    let began = Instant::now();
    let answer =
        rest(send(address, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    began.elapsed()
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn ten_thousand_idle_connections_leave_room_and_time_for_requests() {
    if room_for(IDLE) < IDLE {
        println!("not tried: the hard limit of open files (ulimit -Hn) is below {IDLE}");
        return;
    }
    let demo = Demo::start();
    healthy(demo.address).await;
    let before = demo.resident();
    // Every second one has been used, and is kept; the others have not said a word.
    let mut opening = JoinSet::new();
    let mut idle: Vec<TcpStream> = Vec::new();
    for number in 0..IDLE {
        let address = demo.address;
        opening.spawn(async move {
            let used = number % 2 == 0;
            let request = if used { "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" } else { "" };
            let mut stream = send(address, request).await;
            if used {
                one(&mut stream).await;
            }
            stream
        });
        // No more at a time than the operating system's queue holds.
        if opening.len() >= 64 {
            idle.push(opening.join_next().await.unwrap().unwrap());
        }
    }
    idle.extend(opening.join_all().await);
    let mut slowest = Duration::ZERO;
    for _ in 0..100 {
        slowest = slowest.max(healthy(demo.address).await);
    }
    let each = demo.resident().saturating_sub(before) / IDLE;
    println!("{before} bytes before, {each} for each of {IDLE} idle connections; slowest answer {slowest:?}");
    assert!(each < BYTES_EACH, "{each} bytes for each idle connection");
    // They are there: a kept one is answered.
    let mut kept = idle.swap_remove(0);
    tokio::io::AsyncWriteExt::write_all(&mut kept, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(one(&mut kept).await.starts_with("HTTP/1.1 200"));
}
