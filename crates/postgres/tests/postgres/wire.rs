//! A proxy between the adapter and the server: it counts round trips, and it cuts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use dockline_postgres::tokio_postgres::Config;
use dockline_postgres::tokio_postgres::config::Host;
use dockline_postgres::{Database, open_pool};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fresh::url;

const KEEP: u8 = 0;
const CUT_REQUEST: u8 = 1;
const CUT_ANSWER: u8 = 2;

/// What the proxy has seen, and what it is to do to the next round trip.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire {
    round_trips: Arc<AtomicUsize>,
    cut: Arc<AtomicU8>,
}

impl Wire {
    /// `database` by way of a proxy, over `connections`.
    pub(crate) async fn to(database: &Database, connections: usize) -> (Self, Database) {
        let wire = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server: Config = url().parse().unwrap();
        let (host, from) = match server.get_hosts().first() {
            Some(Host::Tcp(host)) => (host.clone(), server.get_ports().first().copied().unwrap_or(5432)),
            Some(Host::Unix(_)) | None => panic!("DATABASE_URL names no TCP host"),
        };
        let proxied = url().replace(&format!("{host}:{from}"), &format!("127.0.0.1:{port}"));
        assert_ne!(proxied, url(), "DATABASE_URL names no port");
        let seen = wire.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect((host.as_str(), from)).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                tokio::spawn(seen.clone().pass(client, server));
            }
        });
        let pool = open_pool(&proxied.into(), connections).unwrap();
        (wire, Database::new(pool).with_schema(database.schema().clone()))
    }

    pub(crate) fn round_trips(&self) -> usize {
        self.round_trips.swap(0, Ordering::SeqCst)
    }

    /// The next statement does not reach the server.
    pub(crate) fn cut_the_next_request(&self) {
        self.cut.store(CUT_REQUEST, Ordering::SeqCst);
    }

    /// The next statement is done, and its answer does not come back.
    pub(crate) fn cut_the_next_answer(&self) {
        self.cut.store(CUT_ANSWER, Ordering::SeqCst);
    }

    async fn pass(self, client: TcpStream, server: TcpStream) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let answers = tokio::spawn({
            let cut = Arc::clone(&self.cut);
            async move {
                while let Some((kind, message)) = message(&mut from_server).await {
                    if cut.load(Ordering::SeqCst) == CUT_ANSWER {
                        // ReadyForQuery: what was asked is committed.
                        if kind == b'Z' {
                            cut.store(KEEP, Ordering::SeqCst);
                            return;
                        }
                    } else if to_client.write_all(&message).await.is_err() {
                        return;
                    }
                }
            }
        });
        // The first message has no kind.
        let length = from_client.read_u32().await.unwrap_or(4);
        let mut start = vec![0; usize::try_from(length).unwrap() - 4];
        from_client.read_exact(&mut start).await.ok();
        to_server.write_u32(length).await.ok();
        to_server.write_all(&start).await.ok();
        let requests = async {
            while let Some((kind, message)) = message(&mut from_client).await {
                if self.cut.compare_exchange(CUT_REQUEST, KEEP, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                    return;
                }
                // Each of these has the server answer that it is ready: Sync, and a simple query.
                if kind == b'S' || kind == b'Q' {
                    self.round_trips.fetch_add(1, Ordering::SeqCst);
                }
                if to_server.write_all(&message).await.is_err() {
                    return;
                }
            }
        };
        // Whichever ends first takes the other with it: a cut closes both connections.
        let abort = answers.abort_handle();
        tokio::select! { () = requests => abort.abort(), _ = answers => {} }
    }
}

/// One message of the protocol, kind and length included.
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
