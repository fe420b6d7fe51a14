//! The state of the limiter of failed authentications: bounded, and readable without a charge.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use governor::RateLimiter;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;

/// The maximum number of addresses.
const MAX_ADDRESSES: usize = 65_536;

/// A request to the limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Check {
    pub(super) source: IpAddr,
    /// `false` reads the state without a charge.
    pub(super) charge: bool,
}

/// The limiter, with any clock.
pub(super) type Limiter<C> = RateLimiter<Check, FailureStore, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// For each address, the time at which its allowance is full again.
#[derive(Debug, Default)]
pub(super) struct FailureStore(Mutex<HashMap<IpAddr, Nanos>>);

impl StateStore for FailureStore {
    type Key = Check;

    fn measure_and_replace<T, F, E>(&self, check: &Check, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (result, full_at) = decide(addresses.get(&check.source).copied())?;
        if check.charge {
            if addresses.len() >= MAX_ADDRESSES && !addresses.contains_key(&check.source) {
                make_room(&mut addresses, full_at);
            }
            addresses.insert(check.source, full_at);
        }
        Ok(result)
    }
}

impl ShrinkableKeyedStateStore<Check> for FailureStore {
    fn retain_recent(&self, drop_below: Nanos) {
        let mut addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.retain(|_, full_at| *full_at > drop_below);
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Removes the addresses whose allowance is full: `first` is the time at which an address that is charged first now is full
/// again. If more than half of the addresses remain, removes those with the fewest failures, so that an address over the
/// limit stays. Removing half at once keeps the cost per request low.
fn make_room(addresses: &mut HashMap<IpAddr, Nanos>, first: Nanos) {
    addresses.retain(|_, full_at| *full_at >= first);
    if addresses.len() > MAX_ADDRESSES / 2 {
        let mut order: Vec<(Nanos, IpAddr)> = addresses.iter().map(|(source, at)| (*at, *source)).collect();
        let surplus = order.len() - MAX_ADDRESSES / 2;
        order.select_nth_unstable(surplus);
        for (_, source) in order.iter().take(surplus) {
            addresses.remove(source);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::num::NonZeroU32;
    use std::time::Duration;

    use governor::Quota;
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn source(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(number))
    }

    fn limiter(per_minute: u32) -> (FakeRelativeClock, Limiter<FakeRelativeClock>) {
        let (quota, clock) =
            (Quota::per_minute(NonZeroU32::new(per_minute).unwrap()), FakeRelativeClock::default());
        (clock.clone(), RateLimiter::new(quota, FailureStore::default(), clock))
    }

    fn charge(source: IpAddr) -> Check {
        Check { source, charge: true }
    }

    #[test]
    fn memory_is_bounded_and_a_limited_address_stays_limited() {
        let (clock, limiter) = limiter(10);
        let attacker = source(u32::MAX);
        while limiter.check_key(&charge(attacker)).is_ok() {}
        let mut most = 0;
        for number in 0..1_000_000 {
            assert!(limiter.check_key(&charge(source(number))).is_ok());
            if number % 1_000 == 0 {
                clock.advance(Duration::from_millis(1));
                most = most.max(limiter.len());
            }
        }
        assert!(most <= MAX_ADDRESSES, "{most}");
        assert!(limiter.check_key(&charge(attacker)).is_err(), "still limited");
        // Six seconds are one failure; one second has passed.
        clock.advance(Duration::from_secs(5));
        assert!(limiter.check_key(&charge(attacker)).is_ok());
    }

    #[test]
    fn reading_charges_nothing() {
        let (clock, limiter) = limiter(2);
        let read = Check { charge: false, ..charge(source(1)) };
        for _ in 0..100 {
            assert!(limiter.check_key(&read).is_ok());
        }
        for _ in 0..2 {
            assert!(limiter.check_key(&charge(source(1))).is_ok());
        }
        assert!(limiter.check_key(&read).is_err());
        assert!(limiter.check_key(&charge(source(2))).is_ok());
        clock.advance(Duration::from_secs(30));
        assert!(limiter.check_key(&read).is_ok());
    }
}
