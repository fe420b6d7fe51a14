//! The task of a connection, from the login until the server's process is gone.

use std::pin::Pin;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{CancelToken, Config, Connection};

use super::socket::{Address, Watched};
use super::tls::Tls;

/// The time in which an idle connection closes. A connection that takes longer is executing a statement.
const PROMPT: Duration = Duration::from_millis(50);

/// The limit of one attempt to cancel a statement, and the time that the server has to obey.
const CANCEL: Duration = Duration::from_secs(2);

/// Attempts to cancel a statement. A request can arrive before the statement that it is about.
const CANCEL_ATTEMPTS: u32 = 5;

type Stream = <Tls as MakeTlsConnect<Watched>>::Stream;

/// How to reach the server process of a connection.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) address: Address,
    pub(super) config: Config,
    pub(super) tls: Tls,
    /// The name in the server's certificate.
    pub(super) tls_name: String,
    pub(super) cancel: CancelToken,
}

/// A connection and its place among the pool's connections. Dropped with its client, which aborts the task.
pub(super) struct Session {
    /// `None` once it has ended.
    running: Option<Running>,
    silent: watch::Receiver<Option<Address>>,
}

struct Running {
    connection: Connection<Watched, Stream>,
    peer: Peer,
    place: OwnedSemaphorePermit,
}

impl Session {
    pub(super) fn new(
        connection: Connection<Watched, Stream>,
        peer: Peer,
        place: OwnedSemaphorePermit,
        silent: watch::Receiver<Option<Address>>,
    ) -> Self {
        Self { running: Some(Running { connection, peer, place }), silent }
    }

    /// Runs the connection until it ends or its server falls silent. Returns whether this connection found the server
    /// silent, with its address.
    pub(super) async fn run(mut self) -> Option<Address> {
        let Some(running) = &mut self.running else { return None };
        let found = tokio::select! {
            ended = &mut running.connection => match ended {
                Err(error) if super::timed_out(&error) => Some(running.peer.address.clone()),
                Err(error) => {
                    let cause = crate::error::describe(&error);
                    tracing::info!(cause, "a database connection ended");
                    None
                }
                Ok(()) => None,
            },
            () = silence(self.silent.clone(), running.peer.address.clone()) => None,
        };
        self.running = None;
        found
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(running) = self.running.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(close(running, self.silent.clone()));
        }
    }
}

/// Waits until the server at `address` is reported silent.
fn silence(
    mut silent: watch::Receiver<Option<Address>>,
    address: Address,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        loop {
            if silent.changed().await.is_err() {
                // The pool is gone; its connections end with their clients.
                std::future::pending::<()>().await;
            }
            if silent.borrow_and_update().as_ref() == Some(&address) {
                return;
            }
        }
    })
}

/// Cancels the running statement of the connection, and keeps its place until the server's process is gone. Otherwise
/// statements that wait for a lock would pile up, one more for each call that timed out.
async fn close(running: Running, silent: watch::Receiver<Option<Address>>) {
    // The place is free when this function returns.
    let Running { mut connection, peer, place: _place } = running;
    let silence = silence(silent, peer.address.clone());
    let closed = async {
        if timeout(PROMPT, &mut connection).await.is_ok() {
            return;
        }
        for _ in 0..CANCEL_ATTEMPTS {
            // An unreachable server accepts no further connection, either, so the place may be free.
            if !cancel(peer.clone()).await || timeout(CANCEL, &mut connection).await.is_ok() {
                return;
            }
        }
    };
    tokio::select! {
        () = closed => {}
        () = silence => {}
    }
}

/// Returns whether the request to cancel the statement was delivered.
fn cancel(peer: Peer) -> Pin<Box<dyn Future<Output = bool> + Send>> {
    let Peer { address, config, mut tls, tls_name, cancel } = peer;
    let request = async move {
        let socket = Watched::new(address.open(&config).await.ok()?, None).closing_last();
        let tls = <Tls as MakeTlsConnect<Watched>>::make_tls_connect(&mut tls, &tls_name).ok()?;
        cancel.cancel_query_raw(socket, tls).await.ok()
    };
    Box::pin(async move { matches!(timeout(CANCEL, request).await, Ok(Some(()))) })
}
