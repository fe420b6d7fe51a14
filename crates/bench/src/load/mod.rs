//! The HTTP load generator: connections that stay open, with one request in flight each, on one thread.

mod connection;
mod crowd;
mod requests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;

pub(crate) use connection::Connection;
pub(crate) use crowd::{Beside, Crowd};
pub(crate) use requests::{Order, Requests, get, post};

/// A load.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// The servers, among which the connections are spread evenly.
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) connections: usize,
    /// The load ends after this time, or if the requests are used up.
    pub(crate) duration: Duration,
    pub(crate) requests: Arc<Requests>,
    /// The status that every response must have.
    pub(crate) status: u16,
}

/// The measurements of a load.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measured {
    pub(crate) elapsed: Duration,
    /// In microseconds, sorted.
    pub(crate) latencies: Vec<u32>,
}

impl Measured {
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }
}

impl Load {
    /// Generates the load.
    ///
    /// # Errors
    /// If a connection fails or a response has another status: the numbers would mean nothing.
    pub(crate) async fn run(&self) -> Result<Measured> {
        let mut connections = JoinSet::new();
        let servers = self.servers.iter().cycle().take(self.connections);
        let mut opened = Vec::new();
        for server in servers {
            opened.push(Connection::open(*server).await?);
        }
        let (started, duration) = (Instant::now(), self.duration);
        for connection in opened {
            let (requests, status) = (Arc::clone(&self.requests), self.status);
            connections.spawn(exchange(connection, requests, status, started + duration));
        }
        let mut measured = Measured::default();
        while let Some(ended) = connections.join_next().await {
            measured.latencies.extend(ended??);
        }
        measured.elapsed = started.elapsed();
        measured.latencies.sort_unstable();
        if measured.latencies.is_empty() { Err("the load had no request".into()) } else { Ok(measured) }
    }
}

/// Sends requests until the deadline, and returns their latencies.
async fn exchange(
    mut connection: Connection,
    requests: Arc<Requests>,
    status: u16,
    deadline: Instant,
) -> Result<Vec<u32>> {
    let mut latencies = Vec::new();
    let mut sent_at = Instant::now();
    while sent_at < deadline
        && let Some(request) = requests.next()
    {
        let response = connection.exchange(request).await?;
        if response.status != status {
            let body = String::from_utf8_lossy(response.body);
            return Err(format!("expected {status}, got {}: {body}", response.status).into());
        }
        let received_at = Instant::now();
        latencies.push(u32::try_from((received_at - sent_at).as_micros()).unwrap_or(u32::MAX));
        sent_at = received_at;
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers each request with `response` after reading it whole, and counts connections.
    async fn server(response: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let mut request = [0; 1024];
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                        stream.write_all(response.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        (address, connections)
    }

    fn load(servers: Vec<SocketAddr>, requests: Requests, status: u16) -> Load {
        let requests = Arc::new(requests);
        Load { servers, connections: 4, duration: Duration::from_secs(600), requests, status }
    }

    fn requests(number: usize) -> Requests {
        Requests::new((0..number).map(|_| get("/", None)).collect(), Order::Once)
    }

    #[tokio::test]
    async fn each_request_is_sent_once_over_connections_that_stay_open_to_all_servers() {
        const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        let (first, opened) = server(OK).await;
        let (second, also_opened) = server(OK).await;
        let measured = load(vec![first, second], requests(101), 200).run().await.unwrap();
        assert_eq!(measured.latencies.len(), 101);
        assert!(measured.latencies.is_sorted() && measured.rate() > 0.0);
        assert_eq!((opened.load(Ordering::Relaxed), also_opened.load(Ordering::Relaxed)), (2, 2));
    }

    #[tokio::test]
    async fn another_status_ends_the_load_with_the_body() {
        let (address, _) = server("HTTP/1.1 503 Oh no\r\nContent-Length: 4\r\n\r\nbusy").await;
        let error = load(vec![address], requests(9), 200).run().await.unwrap_err();
        assert_eq!(error.to_string(), "expected 200, got 503: busy");
    }

    #[tokio::test]
    async fn a_load_without_requests_is_an_error() {
        let (address, _) = server("").await;
        assert!(load(vec![address], requests(0), 200).run().await.is_err());
    }
}
