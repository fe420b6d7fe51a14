//! The options that limit failed authentications.

use std::net::IpAddr;
use std::num::NonZeroU32;

use clap::Args;
use dockline_axum::{AuthFailureLimit, IpNet};

/// Set for each option: if the struct sets it, clap applies it to the options that follow, too.
const HEADING: &str = "Failed authentications";

/// Limit of failed authentications.
#[derive(Debug, Clone, Args)]
pub struct AuthFailureArgs {
    /// Failed authentications and refused visits to the callback per minute and client address before they become 429; 0
    /// sets no limit. Requests with a valid key and deliveries with a valid signature are never limited by it.
    #[arg(
        long,
        alias = "guesses-per-minute",
        help_heading = HEADING,
        value_name = "N",
        env = "DOCKLINE_AUTH_FAILURES_PER_MINUTE",
        default_value_t = 60
    )]
    pub auth_failures_per_minute: u32,
    /// Addresses or networks of the proxies in front, such as 10.0.0.0/8,fd00::1. Only their X-Forwarded-For is used. All
    /// clients behind a proxy that is not listed count as one client address.
    #[arg(
        long,
        help_heading = HEADING,
        value_name = "NETWORK",
        value_delimiter = ',',
        env = "DOCKLINE_TRUSTED_PROXIES",
        value_parser = network
    )]
    pub trusted_proxies: Vec<IpNet>,
}

impl AuthFailureArgs {
    /// Returns the limit, if there is one.
    #[must_use]
    pub fn limit(&self) -> Option<AuthFailureLimit> {
        let limit = AuthFailureLimit::per_minute(NonZeroU32::new(self.auth_failures_per_minute)?);
        Some(limit.with_trusted_proxies(self.trusted_proxies.iter().copied()))
    }
}

/// Parses a network, or an address alone.
fn network(text: &str) -> Result<IpNet, &'static str> {
    let text = text.trim();
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).map_err(|_| "write it as 10.0.0.0/8, 192.0.2.1 or fd00::/8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_networks_or_addresses() {
        for (text, expected) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.1", "192.0.2.1/32"),
            ("fd00::1", "fd00::1/128"),
            (" ::1 ", "::1/128"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), expected);
        }
        for bad in ["", "10.0.0.0/33", "10.0.0", "proxy.example.com", "10.0.0.1:80", "fd00::/129"] {
            assert!(network(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn zero_auth_failures_per_minute_is_no_limit() {
        let args =
            |auth_failures_per_minute| AuthFailureArgs { auth_failures_per_minute, trusted_proxies: vec![] };
        assert!(args(0).limit().is_none());
        assert!(args(1).limit().is_some());
    }
}
