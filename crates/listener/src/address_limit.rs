//! The number of connections per client address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Open connections by client address.
#[derive(Debug, Clone)]
pub(crate) struct AddressLimit {
    max: Option<NonZeroUsize>,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A counted connection; dropping it frees its place.
#[derive(Debug)]
pub(crate) struct AddressPlace(Option<(AddressLimit, IpAddr)>);

impl AddressLimit {
    pub(crate) fn new(max: Option<NonZeroUsize>) -> Self {
        Self { max, counts: Arc::default() }
    }

    /// Returns `None` if `address` has all its connections open already.
    pub(crate) fn acquire(&self, address: IpAddr) -> Option<AddressPlace> {
        let address = address.to_canonical();
        let Some(max) = self.max.filter(|_| !is_exempt(address)) else {
            return Some(AddressPlace(None));
        };
        let key = network(address);
        let mut counts = self.counts();
        if counts.get(&key).is_some_and(|count| *count >= max.get()) {
            return None;
        }
        *counts.entry(key).or_default() += 1;
        drop(counts);
        Some(AddressPlace(Some((self.clone(), key))))
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let Some((limit, key)) = &self.0 else { return };
        let mut counts = limit.counts();
        if let Some(count) = counts.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(key);
            }
        }
    }
}

/// A reverse proxy has such an address, and all clients are behind it.
fn is_exempt(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// A customer of IPv6 has at least a /64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acquire(limit: &AddressLimit, address: &str) -> Option<AddressPlace> {
        limit.acquire(address.parse().unwrap())
    }

    #[test]
    fn a_closed_connection_frees_its_place() {
        let limit = AddressLimit::new(NonZeroUsize::new(2));
        let first = acquire(&limit, "203.0.113.7").unwrap();
        // The same address, as a dual-stack socket reports it.
        let second = acquire(&limit, "::ffff:203.0.113.7").unwrap();
        assert!(acquire(&limit, "203.0.113.7").is_none());
        let neighbour = acquire(&limit, "203.0.113.8").unwrap();
        drop(first);
        let third = acquire(&limit, "203.0.113.7").unwrap();
        assert!(acquire(&limit, "203.0.113.7").is_none());
        drop((second, third, neighbour));
        assert!(limit.counts().is_empty());
    }

    #[test]
    fn ipv6_is_counted_by_network() {
        let limit = AddressLimit::new(NonZeroUsize::new(2));
        let _held =
            ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2"].map(|address| acquire(&limit, address).unwrap());
        assert!(acquire(&limit, "2001:db8:0:1::3").is_none());
        assert!(acquire(&limit, "2001:db8:0:2::1").is_some());
    }

    #[test]
    fn local_addresses_are_exempt_and_none_is_no_limit() {
        let limit = AddressLimit::new(NonZeroUsize::new(2));
        for local in
            ["127.0.0.1", "::1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.1.1", "fd00::1", "fe80::1"]
        {
            let held: Vec<_> = (0..3).map(|_| acquire(&limit, local).unwrap()).collect();
            assert_eq!(held.len(), 3, "{local}");
        }
        let unlimited = AddressLimit::new(None);
        let held: Vec<_> = (0..3).map(|_| acquire(&unlimited, "203.0.113.7")).collect();
        assert!(held.iter().all(Option::is_some));
    }
}
