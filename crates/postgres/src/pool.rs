use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use crate::error::DatabaseError;

/// Connections per node unless configured otherwise.
///
/// PostgreSQL works on as many statements at a time as it has cores. More connections slow down writes and multiply the
/// highest latencies.
pub const DEFAULT_CONNECTIONS: usize = 8;

/// Why a pool cannot be made. Contains no part of the URL, since the URL contains a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is invalid. Handling: write it as `postgres://user:password@host:5432/database?sslmode=require`.
    #[error(
        "not a PostgreSQL URL: write postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…, percent-encoded"
    )]
    InvalidUrl,
    /// The certificate authorities could not be loaded. Handling: see the text.
    #[error("the authorities for the server's certificate cannot be used: {0}")]
    Authorities(String),
    /// The URL asks for TLS, and this build has none. Handling: enable a feature, or use `sslmode=disable`.
    #[error(
        "sslmode or sslrootcert asks for TLS, but dockline-postgres was built without it: \
         enable its feature `ring` or `aws-lc-rs`"
    )]
    TlsNotBuilt,
    /// The size is 0. Handling: use 1 or more.
    #[error("a pool needs at least one connection")]
    NoConnections,
}

/// Makes a pool of up to `connections` to the server of `url`. Connects on the first call, not here.
///
/// `sslmode` in the URL has libpq's meaning. `prefer` (the default) and `require` encrypt without checking the server's
/// certificate. `verify-full` checks the certificate and the host name, against the platform's authorities or those in
/// the PEM file of `sslrootcert`; `verify-ca` does the same. Without the features `ring` and `aws-lc-rs`, `prefer`
/// connects in plain text and everything stricter is [`OpenError::TlsNotBuilt`].
///
/// # Errors
/// [`OpenError`] if the arguments are invalid. An unreachable server is an error of the first call instead.
pub fn open_pool(url: &SecretString, connections: usize) -> Result<Pool, OpenError> {
    if connections == 0 {
        return Err(OpenError::NoConnections);
    }
    let (config, check) = parse(url.expose_secret()).ok_or(OpenError::InvalidUrl)?;
    // A closed connection is noticed without a query, and statements leave nothing in the session to reset.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = manager(config, &check, recycling)?;
    // `build` fails only for a pool with timeouts and no runtime: every call has its own deadline instead.
    Pool::builder(manager).max_size(connections).build().map_err(|_| OpenError::NoConnections)
}

#[cfg(feature = "__tls")]
fn manager(config: Config, check: &CertificateCheck, recycling: ManagerConfig) -> Result<Manager, OpenError> {
    let tls = crate::tls::client_config(&config, check).map_err(OpenError::Authorities)?;
    Ok(Manager::from_config(config, tokio_postgres_rustls::MakeRustlsConnect::new(tls), recycling))
}

#[cfg(not(feature = "__tls"))]
fn manager(config: Config, _: &CertificateCheck, recycling: ManagerConfig) -> Result<Manager, OpenError> {
    // Any certificate check requires TLS, too.
    if config.get_ssl_mode() == SslMode::Require {
        return Err(OpenError::TlsNotBuilt);
    }
    Ok(Manager::from_config(config, tokio_postgres::NoTls, recycling))
}

/// How the server's certificate is checked, if the connection is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CertificateCheck {
    /// Not at all, like libpq's `prefer` and `require`: protects against eavesdropping, not against impersonation.
    None,
    /// Issued for the host name by an authority that the platform trusts.
    Platform,
    /// Issued for the host name by an authority in this PEM file.
    File(String),
}

/// Splits the URL into the client library's settings and the certificate check, which that library does not parse.
fn parse(url: &str) -> Option<(Config, CertificateCheck)> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return None;
    }
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut verify, mut authorities) = (false, None);
    let mut other_options = Vec::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=')? {
            ("sslmode", "verify-full" | "verify-ca") => verify = true,
            ("sslrootcert", path) => {
                authorities = Some(percent_decode_str(path).decode_utf8().ok()?.into_owned());
            }
            _ => other_options.push(option),
        }
    }
    let mut config: Config = format!("{address}?{}", other_options.join("&")).parse().ok()?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return None;
    }
    let check = match authorities {
        Some(path) => CertificateCheck::File(path),
        None if verify => CertificateCheck::Platform,
        None => CertificateCheck::None,
    };
    if check != CertificateCheck::None {
        config.ssl_mode(SslMode::Require);
    }
    if config.get_application_name().is_none() {
        config.application_name("dockline");
    }
    Some((config, check))
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
    fn sslmode_and_sslrootcert_decide_encryption_and_certificate_check() {
        let file = || CertificateCheck::File("/ca.pem".into());
        for (query, mode, check) in [
            ("", SslMode::Prefer, CertificateCheck::None),
            ("?sslmode=disable", SslMode::Disable, CertificateCheck::None),
            ("?sslmode=prefer", SslMode::Prefer, CertificateCheck::None),
            ("?sslmode=require&connect_timeout=3", SslMode::Require, CertificateCheck::None),
            ("?sslmode=verify-full", SslMode::Require, CertificateCheck::Platform),
            ("?sslmode=verify-ca", SslMode::Require, CertificateCheck::Platform),
            ("?sslrootcert=%2Fca.pem&sslmode=verify-ca", SslMode::Require, file()),
            ("?sslmode=verify-full&sslrootcert=/ca.pem", SslMode::Require, file()),
            ("?sslrootcert=/ca.pem&sslmode=prefer", SslMode::Require, file()),
            ("?sslrootcert=/ca.pem", SslMode::Require, file()),
        ] {
            let (config, parsed) = parse(&format!("postgres://u:p@db.example/d{query}")).unwrap();
            assert_eq!((config.get_ssl_mode(), parsed), (mode, check), "{query}");
        }
    }

    #[test]
    fn sessions_are_named_dockline_unless_the_url_names_them() {
        for (query, name) in [("", "dockline"), ("?application_name=blue", "blue")] {
            let (config, _) = parse(&format!("postgresql://h/d{query}")).unwrap();
            assert_eq!(config.get_application_name(), Some(name));
        }
    }

    #[test]
    fn an_invalid_url_is_not_repeated_in_the_error() {
        for bad in [
            "",
            "host=localhost password=canary",
            "mysql://u:canary@h/d",
            "postgres://u:canary@h:port/d",
            "postgres://u:canary@h/d?canary=1",
            "postgres://u:canary@h/d?sslmode=canary",
            "postgres://u:canary@h/d?canary",
            "postgres:///d",
        ] {
            let error = open_pool(&bad.into(), 1).unwrap_err();
            assert!(matches!(error, OpenError::InvalidUrl), "{bad}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{bad}");
        }
        // A host may also be given by its address alone.
        assert!(open_pool(&"postgres:///d?hostaddr=127.0.0.1".into(), 1).is_ok());
    }

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
