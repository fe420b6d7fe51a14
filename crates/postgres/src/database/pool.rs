use std::sync::Arc;

use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod};
use secrecy::SecretString;

use crate::connect::OpenError;
use crate::connect::{Connector, Reload, Target};
use crate::error::DatabaseError;

/// Connections per node unless configured otherwise.
///
/// PostgreSQL works on as many statements at a time as it has cores. More connections slow down writes and multiply the
/// highest latencies.
pub const DEFAULT_CONNECTIONS: usize = 8;

/// Makes a pool of up to `connections` to the servers of `url`. Connects on the first call, not here.
///
/// `docs/postgresql.md` lists the parameters of the URL, which have libpq's meaning. `sslmode=prefer` (the default) and
/// `require` encrypt without checking the server's certificate; `verify-full` checks it. Without the features `ring` and
/// `aws-lc-rs`, `prefer` connects in plain text and everything stricter is [`OpenError::TlsNotBuilt`].
///
/// If the URL names several hosts, the one that answered last is tried first, and a host that does not answer costs two
/// seconds. A statement whose call timed out or was dropped is cancelled, and its connection counts until the server's
/// process is gone: the pool never has more than `connections` processes on the server.
///
/// # Errors
/// [`OpenError`] if the arguments are invalid. An unreachable server is an error of the first call instead.
pub fn open_pool(url: &SecretString, connections: usize) -> Result<Pool, OpenError> {
    open(url, connections, None)
}

/// Makes a pool like [`open_pool`] that calls `read_url` if connecting failed, at most once a second, and uses the URL that
/// it returns, for example after the password has changed in a file. `None` keeps the URL. May block.
///
/// # Errors
/// As [`open_pool`].
pub fn open_reloading_pool(
    url: &SecretString,
    connections: usize,
    read_url: impl Fn() -> Option<SecretString> + Send + Sync + 'static,
) -> Result<Pool, OpenError> {
    open(url, connections, Some(Arc::new(read_url)))
}

fn open(url: &SecretString, connections: usize, reload: Option<Arc<Reload>>) -> Result<Pool, OpenError> {
    if connections == 0 {
        return Err(OpenError::NoConnections);
    }
    let target = Target::parse(url)?;
    let config = target.config().clone();
    // A closed connection is noticed without a query, and statements leave nothing in the session to reset.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_connect(config, Connector::new(target, connections, reload), recycling);
    // `build` fails only for a pool with timeouts and no runtime: every call has its own deadline instead.
    Pool::builder(manager).max_size(connections).build().map_err(|_| OpenError::NoConnections)
}

/// A connection borrowed from the pool. Closed when dropped, unless [`PooledConnection::give_back`] is called: after a
/// deadline or a dropped call the server may still be executing a statement on it.
pub(crate) struct PooledConnection(Option<Object>);

impl PooledConnection {
    pub(crate) async fn get(pool: &Pool) -> Result<Self, DatabaseError> {
        Ok(Self(Some(pool.get().await.map_err(DatabaseError::Pool)?)))
    }

    // `None` occurs only after `give_back`, which consumes `self`.
    pub(crate) fn client(&self) -> Result<&ClientWrapper, DatabaseError> {
        self.0.as_deref().ok_or(DatabaseError::Pool(PoolError::Closed))
    }

    pub(crate) fn client_mut(&mut self) -> Result<&mut ClientWrapper, DatabaseError> {
        self.0.as_deref_mut().ok_or(DatabaseError::Pool(PoolError::Closed))
    }

    pub(crate) fn give_back(mut self) {
        self.0 = None;
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_has_at_least_one_connection_and_as_many_as_asked_for() {
        assert!(matches!(open_pool(&"postgres://h/d".into(), 0), Err(OpenError::NoConnections)));
        assert_eq!(open_pool(&"postgres://h/d".into(), 3).unwrap().status().max_size, 3);
    }

    #[cfg(feature = "__tls")]
    #[test]
    fn unreadable_authorities_are_an_error_when_the_pool_is_opened() {
        let url = "postgres://u:canary@h/d?sslrootcert=/nowhere/ca.pem".into();
        assert!(matches!(open_pool(&url, 1), Err(OpenError::Authorities(_))));
    }

    #[cfg(not(feature = "__tls"))]
    #[test]
    fn without_tls_features_a_url_that_requires_tls_is_refused_and_the_features_are_named() {
        for query in ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full", "sslrootcert=/ca.pem"] {
            let error = open_pool(&format!("postgres://u:canary@h/d?{query}").into(), 1).unwrap_err();
            assert!(matches!(error, OpenError::TlsNotBuilt), "{query}: {error}");
            assert!(error.to_string().contains("feature `ring` or `aws-lc-rs`"), "{error}");
        }
        for query in ["", "sslmode=prefer", "sslmode=disable"] {
            assert!(open_pool(&format!("postgres://h/d?{query}").into(), 1).is_ok(), "{query}");
        }
    }
}
