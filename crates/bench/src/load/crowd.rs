//! Clients of which some are refused: more than a server takes at a time, or beyond a budget.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout_at};

use super::{Connection, Requests};
use crate::Result;

/// Time for the last responses after the end of the load.
const GRACE: Duration = Duration::from_secs(3);

/// The pause of a patient client after a 502, which may come without `Retry-After`.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Clients of one server, with one request in flight each.
#[derive(Debug, Clone)]
pub(crate) struct Crowd {
    pub(crate) server: SocketAddr,
    pub(crate) clients: usize,
    pub(crate) duration: Duration,
    pub(crate) requests: Arc<Requests>,
    /// Time between the beginnings of a client's requests, if they are answered by then; zero for no pause.
    pub(crate) interval: Duration,
    /// The time over which the first requests are spread evenly, so that clients do not send in step.
    pub(crate) spread: Duration,
    /// Whether a refused client waits for `Retry-After`.
    pub(crate) patient: bool,
}

/// The outcome of the requests of a crowd.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answered {
    pub(crate) elapsed: Duration,
    /// Of the responses with a 2xx, in microseconds, sorted.
    pub(crate) latencies: Vec<u32>,
    /// The responses with 429, 502 or 503.
    pub(crate) refused: usize,
}

impl Answered {
    /// Returns the share of the responses that are refusals.
    pub(crate) fn refused_share(&self) -> f64 {
        self.refused as f64 / (self.refused + self.latencies.len()).max(1) as f64
    }
}

impl Crowd {
    /// Generates the load.
    ///
    /// # Errors
    /// If a connection fails, or a response is neither a success nor a refusal.
    pub(crate) async fn run(&self) -> Result<Answered> {
        let refused = Arc::new(AtomicUsize::new(0));
        self.run_counting(&refused).await
    }

    async fn run_counting(&self, refused: &Arc<AtomicUsize>) -> Result<Answered> {
        let mut clients = JoinSet::new();
        let started = Instant::now();
        for number in 0..self.clients {
            // Each sends once it is connected: a server closes connections on which nothing arrives.
            let connection = Connection::open(self.server).await?;
            let offset = self.spread * u32::try_from(number)? / u32::try_from(self.clients)?;
            let client = Client { crowd: self.clone(), connection, refused: Arc::clone(refused) };
            clients.spawn(client.run(started + offset, started + self.duration));
        }
        let mut answered = Answered::default();
        while let Some(ended) = clients.join_next().await {
            answered.latencies.extend(ended??);
        }
        answered.elapsed = started.elapsed().min(self.duration);
        answered.latencies.sort_unstable();
        answered.refused = refused.load(Ordering::Relaxed);
        Ok(answered)
    }
}

struct Client {
    crowd: Crowd,
    connection: Connection,
    refused: Arc<AtomicUsize>,
}

impl Client {
    async fn run(mut self, mut next: Instant, end: Instant) -> Result<Vec<u32>> {
        let mut latencies = Vec::new();
        while next < end {
            sleep_until(next.into()).await;
            let Some(request) = self.crowd.requests.next() else { break };
            let sent_at = Instant::now();
            let Ok(response) = timeout_at((end + GRACE).into(), self.connection.exchange(request)).await
            else {
                break;
            };
            let response = response?;
            match response.status {
                200..=299 => {
                    latencies.push(u32::try_from(sent_at.elapsed().as_micros()).unwrap_or(u32::MAX));
                }
                // 502 ends a call for which GitHub took too long.
                429 | 502 | 503 => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    if self.crowd.patient {
                        sleep(response.retry_after.unwrap_or(RETRY_AFTER)).await;
                    }
                }
                status => {
                    let body = String::from_utf8_lossy(response.body);
                    return Err(format!("unexpected {status}: {body}").into());
                }
            }
            next = (next + self.crowd.interval).max(Instant::now());
        }
        Ok(latencies)
    }
}

/// A crowd on a thread of its own, beside what is measured.
#[derive(Debug)]
pub(crate) struct Beside {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<()>>,
}

impl Beside {
    /// Starts the crowd, and returns once some of its requests were refused.
    ///
    /// # Errors
    /// If a connection fails, or nothing is refused for half a minute.
    pub(crate) fn start(crowd: Crowd) -> Result<Self> {
        let refused = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&refused);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                tokio::select! {
                    answered = crowd.run_counting(&counted) => answered.map(drop),
                    _ = stopped => Ok(()),
                }
            })
        });
        let beside = Self { stop, thread };
        let started = Instant::now();
        while refused.load(Ordering::Relaxed) == 0 {
            if beside.thread.is_finished() || started.elapsed() > Duration::from_secs(30) {
                beside.stop()?;
                return Err("nothing was refused beside the measured load".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(beside)
    }

    /// Ends the crowd; its open requests are given up.
    ///
    /// # Errors
    /// The error that ended it before.
    pub(crate) fn stop(self) -> Result<()> {
        // It may have ended by an error.
        let _ = self.stop.send(());
        self.thread.join().map_err(|_| "the load beside the measured one panicked")?
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::load::{Order, get};

    /// Answers the requests of all connections with these statuses, in turn.
    async fn server(statuses: &'static [u16]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let next = Arc::new(AtomicUsize::new(0));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let next = Arc::clone(&next);
                tokio::spawn(async move {
                    let mut request = [0; 1024];
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                        let status = statuses[next.fetch_add(1, Ordering::SeqCst) % statuses.len()];
                        let response = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                        stream.write_all(response.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        address
    }

    fn crowd(server: SocketAddr, requests: usize) -> Crowd {
        let requests = Requests::new((0..requests).map(|_| get("/", None)).collect(), Order::Once);
        Crowd {
            server,
            clients: 4,
            duration: Duration::from_secs(600),
            requests: Arc::new(requests),
            interval: Duration::ZERO,
            spread: Duration::ZERO,
            patient: false,
        }
    }

    #[tokio::test]
    async fn refusals_are_counted_and_only_successes_are_measured() {
        let answered = crowd(server(&[201, 200, 503, 429]).await, 100).run().await.unwrap();
        assert_eq!((answered.latencies.len(), answered.refused), (50, 50));
        assert!(answered.latencies.is_sorted());
        assert_eq!(answered.refused_share(), 0.5);
        assert_eq!(Answered::default().refused_share(), 0.0);
    }

    #[tokio::test]
    async fn any_other_status_ends_the_load() {
        let error = crowd(server(&[201, 401]).await, 100).run().await.unwrap_err();
        assert_eq!(error.to_string(), "unexpected 401: ");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_crowd_beside_runs_until_it_is_stopped_and_its_error_is_returned() {
        let (refusing, failing) = (server(&[201, 503]).await, server(&[503, 401]).await);
        tokio::task::spawn_blocking(move || {
            Beside::start(crowd(refusing, 1_000)).unwrap().stop().unwrap();
            let failing = Beside::start(crowd(failing, 1_000)).and_then(|beside| {
                while !beside.thread.is_finished() {
                    std::thread::yield_now();
                }
                beside.stop()
            });
            assert_eq!(failing.unwrap_err().to_string(), "unexpected 401: ");
        })
        .await
        .unwrap();
    }
}
