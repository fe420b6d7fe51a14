//! Addresses to listen on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use tokio::net::{TcpListener, TcpSocket};

/// An address to listen on, as typed on a command line: `127.0.0.1:8080`, `[::1]:8080`, or `:8080` and `localhost:8080` for
/// 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddr(pub SocketAddr);

impl ListenAddr {
    /// A port of 127.0.0.1; 0 takes a free one.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        Self(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }
}

impl FromStr for ListenAddr {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let loopback_port = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':'));
        let address = match loopback_port {
            Some(port) => port.parse().ok().map(Self::loopback),
            None => text.parse().ok().map(Self),
        };
        address.ok_or("write it as 127.0.0.1:8080, or :8080 for the same")
    }
}

/// Listening on an address failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {cause}")]
pub struct BindError {
    address: SocketAddr,
    cause: io::Error,
}

impl BindError {
    /// Returns a sentence that says what to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        let kind = self.cause.kind();
        if kind == io::ErrorKind::AddrInUse {
            "Stop the program that uses it, or choose another port; port 0 takes a free one."
        } else if kind == io::ErrorKind::PermissionDenied {
            "Choose a port above 1023."
        } else if kind == io::ErrorKind::AddrNotAvailable {
            "This machine has no such address; try 127.0.0.1."
        } else {
            "Choose another address."
        }
    }
}

/// Connections that wait to be accepted, if the operating system allows as many (`net.core.somaxconn`). Beyond them, it ignores
/// the client's first packet, which is repeated after a second.
const BACKLOG: u32 = 4_096;

/// Listens on `address`; never falls back to another port.
///
/// # Errors
/// If the address is in use, is not one of this machine's, or needs privileges.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    listen(address).map_err(|cause| BindError { address, cause })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As `TcpListener::bind` does: connections of a process that has just ended do not hold the address.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Returns the URL at which clients on this machine reach a listener: `0.0.0.0` and `::` become the loopback address.
#[must_use]
pub fn local_url(address: SocketAddr) -> String {
    let loopback: IpAddr =
        if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    let ip = if address.ip().is_unspecified() { loopback } else { address.ip() };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_mean_the_loopback_interface() {
        for (text, expected) in [
            (":8080", "127.0.0.1:8080"),
            (":0", "127.0.0.1:0"),
            ("localhost:1", "127.0.0.1:1"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(text.parse(), Ok(ListenAddr(expected.parse().unwrap())), "{text}");
        }
        for text in ["", "8080", "127.0.0.1", ":99999", "example.com:80"] {
            assert!(text.parse::<ListenAddr>().is_err(), "{text}");
        }
    }

    #[test]
    fn local_url_replaces_the_unspecified_address() {
        for (address, url) in [
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("192.0.2.1:80", "http://192.0.2.1:80"),
            ("[2001:db8::1]:80", "http://[2001:db8::1]:80"),
        ] {
            assert_eq!(local_url(address.parse().unwrap()), url);
        }
    }

    #[tokio::test]
    async fn a_bind_error_says_what_to_do() {
        let bound = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = bound.local_addr().unwrap();
        let error = bind(address).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot listen on {address}: ")), "{error}");
        assert!(error.help().contains("choose another port"), "{}", error.help());
        // No machine has an address of TEST-NET-1.
        let error = bind("192.0.2.1:0".parse().unwrap()).await.unwrap_err();
        assert!(error.help().contains("no such address"), "{}", error.help());
    }
}
