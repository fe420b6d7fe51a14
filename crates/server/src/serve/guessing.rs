//! How much strangers may guess.

use std::net::IpAddr;
use std::num::NonZeroU32;

use clap::Args;
use dockline_axum::{AuthFailureLimit, IpNet};

/// Given to each by itself: of the struct, it would also be over what comes after it.
const HEADING: &str = "Guessing";

/// Options about requests without valid credentials.
#[derive(Debug, Clone, Args)]
pub struct GuessArgs {
    /// Requests without valid credentials a minute that a client address is answered with 401; further ones are a 429. 0 for
    /// no limit. Callers with a valid key and deliveries with a good signature are never limited by it.
    #[arg(long, help_heading = HEADING, value_name = "N", env = "DOCKLINE_GUESSES_PER_MINUTE", default_value_t = 60)]
    pub guesses_per_minute: u32,
    /// Addresses or networks of the proxies in front, such as 10.0.0.0/8,fd00::1: only they are believed what they write
    /// into X-Forwarded-For. Behind a proxy that is not named here, all clients count as one.
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

impl GuessArgs {
    /// The limit; `None` where there is none.
    #[must_use]
    pub fn limit(&self) -> Option<AuthFailureLimit> {
        let per_minute = NonZeroU32::new(self.guesses_per_minute)?;
        Some(
            AuthFailureLimit::per_minute(per_minute)
                .with_trusted_proxies(self.trusted_proxies.iter().copied()),
        )
    }
}

/// `10.0.0.0/8`, or an address alone.
fn network(text: &str) -> Result<IpNet, &'static str> {
    let text = text.trim();
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| alone()).map_err(|_| "write it as 10.0.0.0/8, 192.0.2.1 or fd00::/8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_networks_or_addresses() {
        for (text, network_of) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.1", "192.0.2.1/32"),
            ("fd00::1", "fd00::1/128"),
            (" ::1 ", "::1/128"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), network_of);
        }
        for bad in ["", "10.0.0.0/33", "10.0.0", "proxy.example.com", "10.0.0.1:80", "fd00::/129"] {
            assert!(network(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_is_no_limit() {
        let args = |guesses_per_minute| GuessArgs { guesses_per_minute, trusted_proxies: vec![] };
        assert!(args(0).limit().is_none());
        assert!(args(1).limit().is_some());
    }
}
