use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::tls::{self, Trust};

/// How many connections a node keeps where nothing else is asked for: more hurt writes and multiply the slowest
/// answers' time, since PostgreSQL works on no more at once than it has cores.
pub const DEFAULT_CONNECTIONS: usize = 8;

/// The pool cannot be made as it was asked for. Holds nothing of the URL, which has a password in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Handling: write it as `postgres://user:password@host:5432/database?sslmode=require`.
    #[error("not a PostgreSQL URL: postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…, percent-encoded")]
    InvalidUrl,
    /// The authorities that servers' certificates are checked against could not be read. Handling: see the text.
    #[error("the authorities for the server's certificate cannot be used: {0}")]
    Authorities(String),
    /// Handling: ask for one connection at least.
    #[error("a pool needs at least one connection")]
    NoConnections,
}

/// A pool of up to `connections` to the server of `url`. Opens none yet: the first call does.
///
/// `sslmode` in the URL means what it means to libpq: `disable`, `prefer` (the default), `require`, of which the latter
/// two encrypt without asking who is there, and `verify-full` (`verify-ca` counts as that), which checks the server's
/// certificate and its name against the platform's authorities, or those in the PEM file that `sslrootcert` names.
///
/// # Errors
/// [`OpenError`]; a server that is not there is found out by the first call.
pub fn open_pool(url: &SecretString, connections: usize) -> Result<Pool, OpenError> {
    if connections == 0 {
        return Err(OpenError::NoConnections);
    }
    let (config, trust) = parse(url.expose_secret()).ok_or(OpenError::InvalidUrl)?;
    let direct = config.get_ssl_negotiation() == SslNegotiation::Direct;
    let tls = MakeRustlsConnect::new(tls::client(&trust, direct).map_err(OpenError::Authorities)?);
    // A closed connection is noticed without asking the server; nothing of a session outlives a statement.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(config, tls, recycling);
    // Building fails only where the pool has deadlines of its own and no clock for them: every call has one already.
    Pool::builder(manager).max_size(connections).build().map_err(|_| OpenError::NoConnections)
}

/// The URL's settings, and what is asked of the server's certificate, which the client library leaves to its caller.
fn parse(url: &str) -> Option<(Config, Trust)> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return None;
    }
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut verified, mut authorities) = (false, None);
    let mut left = Vec::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=')? {
            ("sslmode", "verify-full" | "verify-ca") => verified = true,
            ("sslrootcert", path) => {
                authorities = Some(percent_decode_str(path).decode_utf8().ok()?.into_owned());
            }
            _ => left.push(option),
        }
    }
    let mut config: Config = format!("{address}?{}", left.join("&")).parse().ok()?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return None;
    }
    let trust = match authorities {
        Some(path) => Trust::File(path),
        None if verified => Trust::Platform,
        None => Trust::Anyone,
    };
    if trust != Trust::Anyone {
        config.ssl_mode(SslMode::Require);
    }
    if config.get_application_name().is_none() {
        config.application_name("dockline");
    }
    Some((config, trust))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sslmode_and_its_authorities_are_read_from_the_url() {
        for (query, mode, trust) in [
            ("", SslMode::Prefer, Trust::Anyone),
            ("?sslmode=disable", SslMode::Disable, Trust::Anyone),
            ("?sslmode=require&connect_timeout=3", SslMode::Require, Trust::Anyone),
            ("?sslmode=verify-full", SslMode::Require, Trust::Platform),
            ("?sslrootcert=%2Fca.pem&sslmode=verify-ca", SslMode::Require, Trust::File("/ca.pem".into())),
            ("?sslrootcert=/ca.pem&sslmode=prefer", SslMode::Require, Trust::File("/ca.pem".into())),
        ] {
            let (config, read) = parse(&format!("postgres://u:p@db.example/d{query}")).unwrap();
            assert_eq!((config.get_ssl_mode(), read), (mode, trust), "{query}");
        }
    }

    #[test]
    fn a_url_that_does_not_parse_is_not_repeated() {
        for bad in [
            "",
            "host=localhost password=canary",
            "mysql://u:canary@h/d",
            "postgres://u:canary@h:port/d",
            "postgres://u:canary@h/d?canary=1",
            "postgres://u:canary@h/d?sslmode=canary",
            "postgres:///d",
        ] {
            let error = open_pool(&bad.into(), 1).unwrap_err();
            assert!(matches!(error, OpenError::InvalidUrl), "{bad}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{bad}");
        }
    }

    #[test]
    fn missing_authorities_are_said_when_the_pool_is_opened() {
        let url = "postgres://u:canary@h/d?sslrootcert=/nowhere/ca.pem".into();
        assert!(matches!(open_pool(&url, 1), Err(OpenError::Authorities(_))));
        assert!(matches!(open_pool(&"postgres://h/d".into(), 0), Err(OpenError::NoConnections)));
    }
}
