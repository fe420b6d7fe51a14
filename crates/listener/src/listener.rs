//! The accept loop and the graceful shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryFutureExt;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::{BoxError, Service, ServiceExt};

use crate::address_limit::AddressLimit;
use crate::body::RequestBody;
use crate::connection;
use crate::handler::Shared;
use crate::limits::Limits;
use crate::rejection::{Rejection, Rejections};

/// Pause after a failed accept, which is most likely a lack of file descriptors: an immediate retry would spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// A TCP listener that serves HTTP/1.1, and HTTP/2 with prior knowledge, within [`Limits`].
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    limits: Limits,
    rejections: Rejections,
    exempt: fn(&Parts) -> bool,
}

impl Listener {
    /// Wraps a bound socket; see [`bind`](crate::bind). The limits are the defaults.
    #[must_use]
    pub fn new(tcp: TcpListener) -> Self {
        Self { tcp, limits: Limits::default(), rejections: Rejections::default(), exempt: |_| false }
    }

    /// Replaces the limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Replaces the responses to requests that the listener rejects; by default they are plain text. `response` makes headers
    /// and body; the listener sets the status, `Retry-After` of a 503, and framing.
    #[must_use]
    pub fn with_rejections(
        mut self,
        response: impl Fn(Rejection) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.rejections = Rejections::new(response);
        self
    }

    /// Exempts the requests for which `exempt` returns true from [`Limits::max_requests`], such as probes, which must
    /// be answered while everything else waits. Their connections count nevertheless.
    #[must_use]
    pub const fn with_exempt(mut self, exempt: fn(&Parts) -> bool) -> Self {
        self.exempt = exempt;
        self
    }

    /// Serves connections until `shutdown` completes. Then closes the socket and idle connections, and returns once the open
    /// requests are answered or [`Limits::shutdown_grace`] is over. Connections that the operating system has accepted by
    /// then are still served.
    ///
    /// `make_service` makes the service of each connection from the client's address, such as axum's
    /// `Router::into_make_service_with_connect_info::<SocketAddr>()` or `tower::make::Shared`.
    pub async fn serve<M, S, B>(self, make_service: M, shutdown: impl Future<Output = ()> + Send)
    where
        M: Service<SocketAddr, Response = S, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
        S: Service<Request<RequestBody>, Response = Response<B>, Error: Into<BoxError>, Future: Send>,
        S: Clone + Send + 'static,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let Self { tcp, limits, rejections, exempt } = self;
        let places = Arc::new(Semaphore::new(limits.max_connections));
        let mut connections = Connections::new(make_service, Shared::new(limits, rejections, exempt));
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = async {
                // The place comes first: a connection in the accept queue takes no memory here.
                let place = Arc::clone(&places).acquire_owned().await;
                (place, tcp.accept().await)
            };
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.tasks.join_next() => {}
                (place, accepted) = accepted => match accepted {
                    Ok((stream, peer)) => connections.spawn(stream, peer, place.ok()),
                    Err(error) => {
                        tracing::warn!(%error, "accepting a connection failed");
                        sleep(ACCEPT_RETRY).await;
                    }
                },
            }
        }
        for (stream, peer) in accept_queue(tcp) {
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { break };
            connections.spawn(stream, peer, Some(place));
        }
        connections.drain(limits.shutdown_grace).await;
    }
}

/// Accepts the connections that wait in the accept queue: closing the socket resets them. The runtime may not have noticed
/// them yet, so that the socket is asked directly.
fn accept_queue(tcp: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let tcp = tcp.into_std();
    std::iter::from_fn(move || {
        let (stream, peer) = tcp.as_ref().ok()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    })
}

/// The open connections of a listener.
struct Connections<M> {
    tasks: JoinSet<()>,
    make_service: M,
    per_address: AddressLimit,
    shared: Arc<Shared>,
    shutdown: watch::Sender<bool>,
}

impl<M> Connections<M> {
    fn new(make_service: M, shared: Shared) -> Self {
        Self {
            tasks: JoinSet::new(),
            make_service,
            per_address: AddressLimit::new(shared.limits.max_connections_per_address),
            shared: Arc::new(shared),
            shutdown: watch::Sender::new(false),
        }
    }

    fn spawn<S, B>(&mut self, stream: TcpStream, peer: SocketAddr, place: Option<OwnedSemaphorePermit>)
    where
        M: Service<SocketAddr, Response = S, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
        S: Service<Request<RequestBody>, Response = Response<B>, Error: Into<BoxError>, Future: Send>,
        S: Clone + Send + 'static,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let Some(address_place) = self.per_address.acquire(peer.ip()) else {
            tracing::debug!(%peer, "connection closed: too many of this address");
            return;
        };
        let service = self.make_service.clone().oneshot(peer).map_err(Into::into);
        let shared = Arc::clone(&self.shared);
        let places = (place, address_place);
        self.tasks.spawn(connection::serve(stream, peer, service, shared, self.shutdown.subscribe(), places));
    }

    async fn drain(mut self, grace: Duration) {
        self.shutdown.send_replace(true);
        let drained = timeout(grace, async { while self.tasks.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!(?grace, "requests still open after the shutdown grace are dropped");
        }
        self.tasks.shutdown().await;
    }
}
