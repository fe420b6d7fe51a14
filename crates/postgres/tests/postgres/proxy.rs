//! A proxy in front of the server that counts round trips and cuts connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use dockline_postgres::tokio_postgres::Config;
use dockline_postgres::tokio_postgres::config::Host;
use dockline_postgres::{Database, open_pool};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::test_schema::{url, url_with};

const FORWARD: u8 = 0;
const CUT_REQUEST: u8 = 1;
const CUT_RESPONSE: u8 = 2;

/// The state of the network between client and server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// Everything passes.
    Up,
    /// Open connections are closed, and new ones, too.
    Down,
    /// Connections are accepted, and nothing passes.
    Silent,
}

/// The number of round trips, whether to cut the next one, and the network.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    network: Arc<watch::Sender<Network>>,
    round_trips: Arc<AtomicUsize>,
    cut: Arc<AtomicU8>,
}

impl Proxy {
    /// Returns a proxy, and `database` through it with a pool of `connections`.
    pub(crate) async fn to(database: &Database, connections: usize) -> (Self, Database) {
        let network = Arc::new(watch::Sender::new(Network::Up));
        let proxy = Self { network, round_trips: Arc::default(), cut: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server: Config = url().parse().unwrap();
        let (host, from) = match server.get_hosts().first() {
            Some(Host::Tcp(host)) => (host.clone(), server.get_ports().first().copied().unwrap_or(5432)),
            Some(Host::Unix(_)) | None => panic!("DATABASE_URL names no TCP host"),
        };
        let direct = url_with(&format!("application_name={}", database.schema()));
        let proxied = direct.replace(&format!("{host}:{from}"), &format!("127.0.0.1:{port}"));
        assert_ne!(proxied, direct, "DATABASE_URL names no port");
        let accepted = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *accepted.network.borrow() == Network::Down {
                    continue;
                }
                let server = TcpStream::connect((host.as_str(), from)).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                tokio::spawn(accepted.clone().forward(client, server));
            }
        });
        let pool = open_pool(&proxied.into(), connections).unwrap();
        (proxy, Database::new(pool).with_schema(database.schema().clone()))
    }

    /// Changes the network, for open connections and for new ones.
    pub(crate) fn set(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// Waits while the network is silent.
    async fn passes(&self) {
        self.network.subscribe().wait_for(|network| *network != Network::Silent).await.unwrap();
    }

    /// Returns the round trips since the last call.
    pub(crate) fn round_trips(&self) -> usize {
        self.round_trips.swap(0, Ordering::SeqCst)
    }

    /// Closes the connection before the next statement reaches the server.
    pub(crate) fn cut_next_request(&self) {
        self.cut.store(CUT_REQUEST, Ordering::SeqCst);
    }

    /// Closes the connection after the next statement is committed, without a response.
    pub(crate) fn cut_next_response(&self) {
        self.cut.store(CUT_RESPONSE, Ordering::SeqCst);
    }

    async fn forward(self, client: TcpStream, server: TcpStream) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let responses = tokio::spawn({
            let (cut, proxy) = (Arc::clone(&self.cut), self.clone());
            async move {
                while let Some((kind, message)) = message(&mut from_server).await {
                    proxy.passes().await;
                    if cut.load(Ordering::SeqCst) == CUT_RESPONSE {
                        // ReadyForQuery: the transaction is committed.
                        if kind == b'Z' {
                            cut.store(FORWARD, Ordering::SeqCst);
                            return;
                        }
                    } else if to_client.write_all(&message).await.is_err() {
                        return;
                    }
                }
            }
        });
        self.passes().await;
        // The startup message has no kind.
        let length = from_client.read_u32().await.unwrap_or(4);
        let mut start = vec![0; usize::try_from(length).unwrap() - 4];
        from_client.read_exact(&mut start).await.ok();
        to_server.write_u32(length).await.ok();
        to_server.write_all(&start).await.ok();
        let requests = async {
            while let Some((kind, message)) = message(&mut from_client).await {
                self.passes().await;
                if self.cut.compare_exchange(CUT_REQUEST, FORWARD, Ordering::SeqCst, Ordering::SeqCst).is_ok()
                {
                    return;
                }
                // Sync and a simple query end a round trip: the server answers ReadyForQuery.
                if kind == b'S' || kind == b'Q' {
                    self.round_trips.fetch_add(1, Ordering::SeqCst);
                }
                if to_server.write_all(&message).await.is_err() {
                    return;
                }
            }
        };
        // If one direction ends, both connections close.
        let abort = responses.abort_handle();
        let mut network = self.network.subscribe();
        let down = network.wait_for(|network| *network == Network::Down);
        tokio::select! {
            () = requests => abort.abort(),
            _ = down => abort.abort(),
            _ = responses => {}
        }
    }
}

/// Reads one message of the protocol, including kind and length.
async fn message(from: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let kind = from.read_u8().await.ok()?;
    let length = from.read_u32().await.ok()?;
    let mut message = vec![kind];
    message.extend(length.to_be_bytes());
    let body = message.len();
    message.resize(body + usize::try_from(length).unwrap() - 4, 0);
    from.read_exact(message.get_mut(body..)?).await.ok()?;
    Some((kind, message))
}
