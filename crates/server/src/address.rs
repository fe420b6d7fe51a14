//! Addresses to listen on, as they are typed and the URLs for clients.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// An address to listen on: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, or `:8080` for 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddr(pub SocketAddr);

impl FromStr for ListenAddr {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mend = "write it as 127.0.0.1:8080, or :8080 for the same";
        if let Some(port) = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')) {
            let port = port.parse().map_err(|_| mend)?;
            return Ok(Self(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
        }
        text.parse().map(Self).map_err(|_| mend)
    }
}

/// The address under which clients of this machine reach a listener.
#[must_use]
pub fn base_url(address: SocketAddr) -> String {
    let ip = match (address.ip(), address.ip().is_unspecified()) {
        (IpAddr::V4(_), true) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        (IpAddr::V6(_), true) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        (ip, false) => ip,
    };
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
}
