//! Serves a router over HTTP/1.1 and HTTP/2 with prior knowledge, with every limit that a public port needs.
//!
//! What it refuses by itself has the contract's body and `X-Request-Id`, but for three things that are answered below the
//! level at which it is asked: on HTTP/2 a head that is too large (a 431 without a body, by the protocol's own library) and
//! whatever breaks the protocol (frames, not answers), and on HTTP/1 what is no request and comes right behind one whose
//! answer the client has not taken yet (an answer without a body).

mod addresses;
mod bind;
mod connection;
mod descriptors;
mod exchange;
mod limits;
mod options;
mod refusal;
mod vitals;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use addresses::Addresses;
use exchange::Exchange;

pub use bind::{BindFailed, bind};
pub use descriptors::room_for;
pub use limits::Limits;
pub use options::ListenerArgs;

/// Serves `app` on `listener` until `shutdown` is done; then takes no more connections than are waiting already, and returns
/// when the running requests are answered or the grace is over. Each request has its client's address as the extension
/// [`axum::extract::ConnectInfo`]`<SocketAddr>`.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()> + Send,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut shutdown = std::pin::pin!(shutdown);
    let mut connections = Connections::new(app, limits);
    loop {
        let accepted = async {
            // The place comes first: a connection that nobody serves yet costs us nothing.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.running.join_next() => {}
            (place, accepted) = accepted => match accepted {
                Ok((stream, peer)) => connections.start(stream, peer, place.ok()),
                Err(error) => {
                    // Most likely out of file descriptors: an immediate retry would only spin.
                    tracing::warn!(%error, "a connection was not accepted");
                    sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    // What the operating system has accepted in our name would be reset.
    while let Ok(place) = Arc::clone(&places).try_acquire_owned()
        && let Some(Ok((stream, peer))) = listener.accept().now_or_never()
    {
        connections.start(stream, peer, Some(place));
    }
    drop(listener);
    connections.end(limits.grace).await;
}

/// The connections of a listener.
struct Connections {
    running: JoinSet<()>,
    addresses: Addresses,
    exchange: Exchange,
    stopped: watch::Sender<bool>,
}

impl Connections {
    fn new(app: Router, limits: Limits) -> Self {
        Self {
            running: JoinSet::new(),
            addresses: Addresses::default(),
            exchange: Exchange::new(app, limits),
            stopped: watch::Sender::new(false),
        }
    }

    fn start(&mut self, stream: TcpStream, peer: SocketAddr, place: Option<OwnedSemaphorePermit>) {
        let most = self.exchange.limits.connections_per_address;
        let Some(counted) = self.addresses.count(peer.ip(), most) else {
            tracing::debug!(%peer, "one connection too many of this address was closed");
            return;
        };
        let connection = connection::run(stream, peer, self.exchange.clone(), self.stopped.subscribe());
        self.running.spawn(async move {
            connection.await;
            drop((place, counted));
        });
    }

    async fn end(mut self, grace: Duration) {
        self.stopped.send_replace(true);
        let ended = timeout(grace, async { while self.running.join_next().await.is_some() {} });
        if ended.await.is_err() {
            tracing::warn!(?grace, "requests were still running after the grace; they are dropped");
        }
        self.running.shutdown().await;
    }
}
