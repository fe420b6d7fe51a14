//! Probes of `GET /healthz` beside a load, and the memory of the process meanwhile.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::resident_bytes;
use crate::Result;

const INTERVAL: Duration = Duration::from_millis(10);

/// Longer than any probe should take.
const TIMEOUT: Duration = Duration::from_secs(30);

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n";

/// Probes a server on a thread of its own, each time on a new connection, as load balancers do.
#[derive(Debug)]
pub(crate) struct Probe {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Probed>>,
}

/// The results of the probes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Probed {
    /// In microseconds, sorted.
    pub(crate) latencies: Vec<u32>,
    /// The most resident memory of the process, in bytes.
    pub(crate) resident: u64,
}

impl Probe {
    /// Begins to probe.
    pub(crate) fn start(server: SocketAddr, pid: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut probed = Probed::default();
            while !stopped.load(Ordering::Relaxed) {
                let took = probe(server)?.as_micros();
                probed.latencies.push(u32::try_from(took).unwrap_or(u32::MAX));
                probed.resident = probed.resident.max(resident_bytes(pid)?);
                std::thread::sleep(INTERVAL);
            }
            probed.latencies.sort_unstable();
            Ok(probed)
        });
        Self { stop, thread }
    }

    /// Ends the probes and returns what they found.
    ///
    /// # Errors
    /// If a probe failed.
    pub(crate) fn stop(self) -> Result<Probed> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the probe panicked")?
    }
}

/// Returns how long a probe took, from the connection to the response.
fn probe(server: SocketAddr) -> Result<Duration> {
    let started = Instant::now();
    let mut stream = TcpStream::connect_timeout(&server, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(REQUEST)?;
    let mut response = [0; 512];
    let length = stream.read(&mut response)?;
    let took = started.elapsed();
    let response = response.get(..length).unwrap_or_default();
    if response.starts_with(b"HTTP/1.1 200 ") {
        Ok(took)
    } else {
        Err(format!("a probe failed: {}", String::from_utf8_lossy(response)).into())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn server(response: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 512];
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(response).unwrap();
            }
        });
        address
    }

    #[test]
    fn probes_are_timed_and_the_memory_is_read() {
        let probe = Probe::start(server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), std::process::id());
        std::thread::sleep(5 * INTERVAL);
        let probed = probe.stop().unwrap();
        assert!(!probed.latencies.is_empty() && probed.latencies.is_sorted());
        assert!(probed.resident > 100_000);
    }

    #[test]
    fn a_probe_that_fails_is_an_error() {
        let address = server(b"HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n");
        assert!(probe(address).unwrap_err().to_string().starts_with("a probe failed: HTTP/1.1 503 X"));
    }
}
