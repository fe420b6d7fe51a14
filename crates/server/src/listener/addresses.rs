//! How many connections each client has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections by address.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection that is counted for as long as this lives.
#[derive(Debug)]
pub(super) struct Counted {
    addresses: Addresses,
    key: Option<IpAddr>,
}

impl Addresses {
    /// `None` where `most` are there already.
    pub(super) fn count(&self, address: IpAddr, most: Option<usize>) -> Option<Counted> {
        let address = address.to_canonical();
        let Some(most) = most.filter(|_| !is_our_own(address)) else {
            return Some(Counted { addresses: self.clone(), key: None });
        };
        let key = network(address);
        let mut counts = self.counts();
        let count = counts.entry(key).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Counted { addresses: self.clone(), key: Some(key) })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut counts = self.addresses.counts();
        let left = counts.get_mut(&key).map(|count| {
            *count = count.saturating_sub(1);
            *count
        });
        if left == Some(0) {
            counts.remove(&key);
        }
    }
}

/// One's own proxies are there, behind which are all clients.
fn is_our_own(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// IPv6 hands each customer 64 bits at the least.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(addresses: &Addresses, address: &str) -> Option<Counted> {
        addresses.count(address.parse().unwrap(), Some(2))
    }

    #[test]
    fn an_address_has_its_share_and_gives_it_back() {
        let addresses = Addresses::default();
        let first = count(&addresses, "203.0.113.7").unwrap();
        // The same, as a socket for both families shows it.
        let second = count(&addresses, "::ffff:203.0.113.7").unwrap();
        assert!(count(&addresses, "203.0.113.7").is_none());
        let neighbour = count(&addresses, "203.0.113.8").unwrap();
        drop(first);
        let third = count(&addresses, "203.0.113.7").unwrap();
        assert!(count(&addresses, "203.0.113.7").is_none());
        drop((second, third, neighbour));
        assert!(addresses.counts().is_empty());
    }

    #[test]
    fn of_ipv6_the_network_counts() {
        let addresses = Addresses::default();
        let _held =
            ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2"].map(|address| count(&addresses, address).unwrap());
        assert!(count(&addresses, "2001:db8:0:1::3").is_none());
        assert!(count(&addresses, "2001:db8:0:2::1").is_some());
    }

    #[test]
    fn ones_own_proxies_are_not_counted() {
        let addresses = Addresses::default();
        for own in
            ["127.0.0.1", "::1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.1.1", "fd00::1", "fe80::1"]
        {
            let held: Vec<_> = (0..3).map(|_| count(&addresses, own).unwrap()).collect();
            assert_eq!(held.len(), 3, "{own}");
        }
        let held: Vec<_> = (0..3).map(|_| addresses.count("203.0.113.7".parse().unwrap(), None)).collect();
        assert!(held.iter().all(Option::is_some));
    }
}
