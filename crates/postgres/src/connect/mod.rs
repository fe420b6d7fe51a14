//! Connections to one of the URL's servers: limited in time and number, and to the one that answers.

mod failure;
mod open_error;
mod parameters;
#[cfg(feature = "__tls")]
mod rustls_config;
mod session;
mod socket;
mod target;
mod tls;
mod url;

use std::collections::VecDeque;
use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_postgres::Connect;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Error, SimpleQueryMessage};

use self::failure::fail;
pub use self::open_error::OpenError;
use self::session::{Peer, Session};
use self::socket::{Address, Watched};
use self::target::Server;
pub(crate) use self::target::Target;
use self::tls::Tls;

/// The limit of an attempt to connect if the URL sets none. Two servers fit into the deadline of a call.
const PER_ADDRESS: Duration = Duration::from_secs(2);

/// The same if there is only one address.
const ONLY_ADDRESS: Duration = Duration::from_secs(4);

/// The shortest time between two readings of the URL.
const RELOAD: Duration = Duration::from_secs(1);

/// Reads the URL again.
pub(crate) type Reload = dyn Fn() -> Option<SecretString> + Send + Sync;

/// Connects to the servers of a URL.
///
/// Each address has a limit of its own, so that one that does not answer leaves time for the next. The server that
/// answered last comes first. If one of several servers does not answer, its connections are closed at once. A
/// connection keeps its place until the server's process is gone, so that there are never more than the pool's size.
pub(crate) struct Connector {
    places: Arc<Semaphore>,
    reload: Option<Arc<Reload>>,
    state: Arc<Mutex<State>>,
    /// The last address that fell silent.
    silent: watch::Sender<Option<Address>>,
}

struct State {
    target: Arc<Target>,
    /// Indices of the target's hosts, the best first.
    order: VecDeque<usize>,
    /// The index of the host that answered last, and the address at which it did.
    answered: Option<(usize, Address)>,
    /// The time from which on the URL may be read again.
    reload_at: Instant,
}

type Opened = Result<(Client, JoinHandle<()>), Error>;

impl Connector {
    pub(crate) fn new(target: Target, connections: usize, reload: Option<Arc<Reload>>) -> Self {
        let state = State {
            order: target.order(),
            target: Arc::new(target),
            answered: None,
            reload_at: Instant::now(),
        };
        Self {
            places: Arc::new(Semaphore::new(connections)),
            reload,
            state: Arc::new(Mutex::new(state)),
            silent: watch::Sender::new(None),
        }
    }

    async fn open(&self) -> Opened {
        let mut place = match Arc::clone(&self.places).acquire_owned().await {
            Ok(place) => Some(place),
            Err(_) => return fail(io::Error::other("the pool is closed")).await,
        };
        let target = Arc::clone(&lock(&self.state).target);
        let failed = match self.open_any(&target, &mut place).await {
            Ok(opened) => return Ok(opened),
            Err(failed) => failed,
        };
        match self.reloaded(&target).await {
            Some(changed) => self.open_any(&changed, &mut place).await,
            None => Err(failed),
        }
    }

    /// Tries the servers in their order.
    async fn open_any(&self, target: &Arc<Target>, place: &mut Option<OwnedSemaphorePermit>) -> Opened {
        let (order, answered) = {
            let state = lock(&self.state);
            (state.order.clone(), state.answered.clone().map(|(_, address)| address))
        };
        let several = target.hosts.len() > 1;
        let set = url::connect_timeout(&target.config);
        let mut failures = Vec::new();
        let mut refused = None;
        for (index, server) in order.iter().filter_map(|index| Some((*index, target.hosts.get(*index)?))) {
            let limit = set.unwrap_or(if several { PER_ADDRESS } else { ONLY_ADDRESS });
            let mut addresses = match timeout(limit, server.addresses()).await {
                Ok(Ok(addresses)) => addresses,
                Ok(Err(error)) => {
                    failures.push(format!("{}: {error}", server.shown()));
                    self.demote(target, index);
                    continue;
                }
                Err(_) => {
                    failures.push(format!("{}: the name was not resolved within {limit:?}", server.shown()));
                    self.demote(target, index);
                    continue;
                }
            };
            // The address that answered before comes first; the sort is stable.
            addresses.sort_by_key(|address| Some(address) != answered.as_ref());
            let several = several || addresses.len() > 1;
            let limit = set.unwrap_or(if several { PER_ADDRESS } else { ONLY_ADDRESS });
            for address in addresses {
                let attempt = self.open_one(target, server, &address, several, place);
                let error = match timeout(limit, attempt).await {
                    Ok(Ok(opened)) => {
                        self.prefer(target, index, address, &server.shown());
                        return Ok(opened);
                    }
                    Ok(Err(error)) => {
                        let cause = crate::error::describe(&error);
                        refused = refused.or(crate::error::was_refused(&error).then_some(error));
                        cause
                    }
                    Err(_) => format!("no answer within {limit:?}"),
                };
                failures.push(format!("{}: {error}", server.shown()));
            }
            self.demote(target, index);
        }
        match refused {
            // The server's own answer says most, and decides what kind of failure it is.
            Some(refused) => Err(refused),
            None => fail(io::Error::other(failures.join("; "))).await,
        }
    }

    async fn open_one(
        &self,
        target: &Target,
        server: &Server,
        address: &Address,
        several: bool,
        place: &mut Option<OwnedSemaphorePermit>,
    ) -> Opened {
        let mut config = target.config.clone();
        if !matches!(address, Address::Tcp(_)) {
            // Like libpq: a local socket needs no encryption, and the server offers none there.
            config.ssl_mode(SslMode::Disable);
        }
        let socket = match address.open(&config).await {
            Ok(socket) => socket,
            Err(error) => return fail(error).await,
        };
        let tls_name = server.tls_name();
        let mut tls = target.tls.clone();
        let connector = match <Tls as MakeTlsConnect<Watched>>::make_tls_connect(&mut tls, &tls_name) {
            Ok(connector) => connector,
            Err(error) => return fail(io::Error::other(error.to_string())).await,
        };
        let watched = several.then(|| (address.clone(), config.clone()));
        let socket = Watched::new(socket, watched);
        let (client, mut connection) = config.connect_raw(socket, connector).await?;
        if config.get_target_session_attrs() == TargetSessionAttrs::ReadWrite {
            let writable = tokio::select! {
                writable = is_writable(&client) => writable?,
                ended = &mut connection => return Err(ended.err().unwrap_or(closed().await)),
            };
            if !writable {
                return fail(io::Error::other("the server does not accept writes")).await;
            }
        }
        let Some(place) = place.take() else { return fail(io::Error::other("no place is left")).await };
        let cancel = client.cancel_token();
        let peer = Peer { address: address.clone(), config, tls, tls_name, cancel };
        let session = Session::new(connection, peer, place, self.silent.subscribe());
        let (silent, state) = (self.silent.clone(), Arc::clone(&self.state));
        let task = tokio::spawn(async move {
            if let Some(address) = session.run().await {
                tracing::warn!(?address, "a database server stopped answering; its connections are closed");
                lock(&state).forget(&address);
                silent.send_replace(Some(address));
            }
        });
        Ok((client, task))
    }

    /// Reads the URL again, since its password may have changed, and the files that it names. Returns the target to try
    /// next; `None` if the URL is unchanged.
    async fn reloaded(&self, failed: &Arc<Target>) -> Option<Arc<Target>> {
        {
            let mut state = lock(&self.state);
            if !Arc::ptr_eq(&state.target, failed) {
                return Some(Arc::clone(&state.target));
            }
            if Instant::now() < state.reload_at {
                return None;
            }
            state.reload_at = Instant::now() + RELOAD;
        }
        let (reload, before) = (self.reload.clone(), failed.url.clone());
        let parse = move || {
            let url = reload.map_or(Some(before), |reload| reload())?;
            Some(Target::parse(&url))
        };
        let target = match tokio::task::spawn_blocking(parse).await.ok()?? {
            Ok(target) => Arc::new(target),
            Err(error) => {
                tracing::warn!(cause = error.cause(), "the database URL was read again and cannot be used");
                return None;
            }
        };
        let changed = target.url.expose_secret() != failed.url.expose_secret();
        let mut state = lock(&self.state);
        if changed {
            tracing::info!("the database URL has changed");
            (state.order, state.answered) = (target.order(), None);
        }
        state.target = Arc::clone(&target);
        changed.then_some(target)
    }

    /// Tries this host first from now on.
    fn prefer(&self, target: &Arc<Target>, index: usize, address: Address, shown: &str) {
        let mut state = lock(&self.state);
        if !Arc::ptr_eq(&state.target, target) {
            return;
        }
        if state.answered.as_ref().is_some_and(|(before, _)| *before != index)
            || state.order.front() != Some(&index)
        {
            tracing::info!(host = shown, "connected to another database server than before");
        }
        state.order.retain(|other| *other != index);
        state.order.push_front(index);
        state.answered = Some((index, address));
    }

    /// Tries this host last from now on.
    fn demote(&self, target: &Arc<Target>, index: usize) {
        let mut state = lock(&self.state);
        if Arc::ptr_eq(&state.target, target) {
            state.demote(index);
        }
    }
}

impl State {
    fn demote(&mut self, index: usize) {
        self.order.retain(|other| *other != index);
        self.order.push_back(index);
    }

    /// Demotes the host that answered at this address.
    fn forget(&mut self, address: &Address) {
        if let Some((index, _)) = self.answered.take_if(|(_, answered)| answered == address) {
            self.demote(index);
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn is_writable(client: &Client) -> Result<bool, Error> {
    let messages = client.simple_query("SHOW transaction_read_only").await?;
    let is_off = |message: &SimpleQueryMessage| {
        if let SimpleQueryMessage::Row(row) = message { row.get(0) == Some("off") } else { false }
    };
    Ok(messages.iter().any(is_off))
}

async fn closed() -> Error {
    match fail::<Error>(io::Error::other("the connection was closed")).await {
        Ok(error) | Err(error) => error,
    }
}

/// Returns whether an error says that the server did not answer.
fn timed_out(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.kind() == io::ErrorKind::TimedOut;
        }
        source = error.source();
    }
    false
}

impl Connect for Connector {
    fn connect(&self, _: &Config) -> Pin<Box<dyn Future<Output = Opened> + Send + '_>> {
        Box::pin(self.open())
    }
}
