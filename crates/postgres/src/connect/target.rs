//! The servers that a URL names.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;

use dockline::ports::{Entropy, OsEntropy};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::lookup_host;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts};

use super::open_error::OpenError;
use super::socket::Address;
use super::tls::{self, Tls};
use super::url;

/// A parsed URL.
pub(crate) struct Target {
    pub(super) url: SecretString,
    pub(super) config: Config,
    pub(super) tls: Tls,
    pub(super) hosts: Vec<Server>,
}

/// One of the URL's hosts.
pub(super) struct Server {
    host: Option<Host>,
    address: Option<IpAddr>,
    port: u16,
}

impl Target {
    pub(crate) fn parse(url: &SecretString) -> Result<Self, OpenError> {
        let parsed = url::parse(url.expose_secret())?;
        let config = parsed.config;
        let tls = tls::connector(&config, &parsed.tls)?;
        let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
        let number = hosts.len().max(addresses.len());
        let fits = |length: usize| length <= 1 || length == number;
        if !fits(ports.len())
            || (!hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len())
        {
            return Err(OpenError::InvalidUrl);
        }
        let hosts = (0..number).map(|index| Server {
            host: hosts.get(index).cloned(),
            address: addresses.get(index).copied(),
            port: ports.get(index).or_else(|| ports.first()).copied().unwrap_or(5432),
        });
        let hosts = hosts.collect();
        Ok(Self { url: url.clone(), config, tls, hosts })
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// The order in which the hosts are tried first.
    pub(super) fn order(&self) -> VecDeque<usize> {
        let mut order: VecDeque<usize> = (0..self.hosts.len()).collect();
        if self.config.get_load_balance_hosts() == LoadBalanceHosts::Random && !order.is_empty() {
            let mut random = [0; 8];
            // Without randomness the order is the URL's.
            if OsEntropy.fill(&mut random).is_ok() {
                let first = usize::from_ne_bytes(random) % order.len();
                order.rotate_left(first);
            }
        }
        order
    }
}

impl Server {
    /// The name that the server's certificate must have.
    pub(super) fn tls_name(&self) -> String {
        match (&self.host, self.address) {
            (Some(Host::Tcp(name)), _) => name.clone(),
            (_, Some(address)) => address.to_string(),
            _ => String::new(),
        }
    }

    pub(super) async fn addresses(&self) -> io::Result<Vec<Address>> {
        match (&self.host, self.address) {
            (_, Some(address)) => Ok(vec![Address::Tcp((address, self.port).into())]),
            (Some(Host::Tcp(name)), None) => {
                let found: Vec<_> =
                    lookup_host((name.as_str(), self.port)).await?.map(Address::Tcp).collect();
                if found.is_empty() { Err(io::Error::other("the name has no address")) } else { Ok(found) }
            }
            #[cfg(unix)]
            (Some(Host::Unix(folder)), None) => Ok(vec![Address::Unix(folder.clone(), self.port)]),
            (None, None) => Err(io::Error::other("no host")),
        }
    }

    /// Returns `host:port`, for errors and logs.
    pub(super) fn shown(&self) -> String {
        match (&self.host, self.address) {
            (Some(Host::Tcp(name)), _) => format!("{name}:{}", self.port),
            #[cfg(unix)]
            (Some(Host::Unix(folder)), None) => format!("{}:{}", folder.display(), self.port),
            (_, Some(address)) => format!("{address}:{}", self.port),
            (None, None) => String::new(),
        }
    }
}
