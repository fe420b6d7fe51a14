//! Parts that the binary `dockline-github-sim` shares with Dockline's demo: sample accounts, listen addresses, logs and the
//! shutdown signal. Not part of the library's stable interface.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::{AppCredentials, GithubSim, NewApp, Role, SimError};

/// The slug of the sample App.
pub const SLUG: &str = "dockline-demo";

/// The organization that the sample user olga administers.
pub const ORGANIZATION: &str = "acme-coffee";

/// Creates the sample users, organizations and repositories, signs olga in by default, and registers the App.
///
/// # Errors
/// Fails if the simulator rejects the slug or a URL, or if an account exists already.
pub fn create_samples(
    sim: &GithubSim,
    slug: &str,
    callback_url: &str,
    webhook_url: Option<&str>,
) -> Result<AppCredentials, SimError> {
    for (organization, admin, repositories) in [
        (ORGANIZATION, "olga", ["storefront", "roaster-firmware", "loyalty-api"].as_slice()),
        ("mallory-inc", "mallory", ["loot"].as_slice()),
    ] {
        sim.create_organization(organization)?;
        sim.create_user(admin)?;
        sim.set_membership(organization, admin, Role::Admin)?;
        for (number, repository) in repositories.iter().enumerate() {
            sim.add_repository(organization, repository, number > 0)?;
        }
    }
    sim.default_user(Some("olga"))?;
    let app = NewApp::new(slug, callback_url).named("Dockline Demo");
    sim.create_app(match webhook_url {
        Some(url) => app.with_webhook_url(url),
        None => app,
    })
}

/// Parses `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, or `:8080` for 127.0.0.1.
///
/// # Errors
/// Returns the expected form if `text` has another one.
pub fn parse_listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    let help = "write it as 127.0.0.1:8080, or :8080 for the same";
    match text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')) {
        Some(port) => {
            port.parse().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).map_err(|_| help)
        }
        None => text.parse().map_err(|_| help),
    }
}

/// Returns the URL at which clients on this machine reach a listener.
#[must_use]
pub fn base_url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        let loopback =
            if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    format!("http://{address}")
}

/// Listens on `address`, the value of the option `option`.
///
/// # Errors
/// Fails if the address cannot be used; the message names the option and a remedy.
pub async fn bind(address: SocketAddr, option: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let message = format!(
            "cannot listen on {address} ({option}): {error}; choose another port, or 0 for a free one"
        );
        io::Error::new(error.kind(), message)
    })
}

/// Logs to stderr: what `RUST_LOG` asks for, or else `default`.
pub fn start_logging(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}

/// Catches Ctrl-C and SIGTERM from now on; the future completes at the first of them.
///
/// # Errors
/// Fails if the operating system refuses the handlers.
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()> + Send> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
        Ok(async move {
            let _ = ctrl_c.recv().await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_a_host_are_on_the_loopback_interface() {
        for (text, expected) in [
            (":8080", "127.0.0.1:8080"),
            (":0", "127.0.0.1:0"),
            ("localhost:1", "127.0.0.1:1"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(parse_listen_address(text), Ok(expected.parse().unwrap()), "{text}");
        }
        for text in ["", "8080", "127.0.0.1", ":99999", "example.com:80"] {
            assert!(parse_listen_address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn urls_name_an_address_that_clients_can_reach() {
        for (address, url) in [
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("192.0.2.1:80", "http://192.0.2.1:80"),
        ] {
            assert_eq!(base_url(address.parse().unwrap()), url);
        }
    }
}
