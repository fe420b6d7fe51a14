//! The allowances of failed authentications: bounded, and readable without a charge.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The maximum number of addresses.
const MAX_ADDRESSES: usize = 65_536;

/// The time in which a used-up allowance is full again.
const REFILL: Duration = Duration::from_secs(60);

/// For each address, the time at which its allowance is full again. Times are durations since any fixed moment.
#[derive(Debug)]
pub(super) struct FailureStore {
    /// The time in which one failure is refilled.
    per_failure: Duration,
    full_at: Mutex<HashMap<IpAddr, Duration>>,
}

impl FailureStore {
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        Self { per_failure: REFILL / per_minute.get(), full_at: Mutex::default() }
    }

    /// Returns whether the address has no failure left.
    pub(super) fn is_used_up(&self, source: IpAddr, now: Duration) -> bool {
        self.charged(&self.lock(), source, now).is_err()
    }

    /// Charges one failure.
    ///
    /// # Errors
    /// The time until the next failure is allowed. Then nothing is charged.
    pub(super) fn charge(&self, source: IpAddr, now: Duration) -> Result<(), Duration> {
        let mut addresses = self.lock();
        let full_at = self.charged(&addresses, source, now)?;
        if addresses.len() >= MAX_ADDRESSES && !addresses.contains_key(&source) {
            make_room(&mut addresses, full_at);
        }
        addresses.insert(source, full_at);
        Ok(())
    }

    /// Returns the time at which the allowance is full again after one more failure, or the time to wait for it.
    fn charged(
        &self,
        addresses: &HashMap<IpAddr, Duration>,
        source: IpAddr,
        now: Duration,
    ) -> Result<Duration, Duration> {
        let full_at = addresses.get(&source).map_or(now, |full_at| now.max(*full_at));
        let charged = full_at.saturating_add(self.per_failure);
        let wait = charged.saturating_sub(now.saturating_add(REFILL));
        if wait.is_zero() { Ok(charged) } else { Err(wait) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Duration>> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the addresses whose allowance is full: `first` is the time at which an address that is charged first now is full
/// again. If more than half of the addresses remain, removes those with the fewest failures, so that an address over the
/// limit stays. Removing half at once keeps the cost per request low.
fn make_room(addresses: &mut HashMap<IpAddr, Duration>, first: Duration) {
    addresses.retain(|_, full_at| *full_at >= first);
    if addresses.len() > MAX_ADDRESSES / 2 {
        let mut order: Vec<(Duration, IpAddr)> =
            addresses.iter().map(|(source, at)| (*at, *source)).collect();
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

    use super::*;

    fn source(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(number))
    }

    fn store(per_minute: u32) -> FailureStore {
        FailureStore::new(NonZeroU32::new(per_minute).unwrap())
    }

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn memory_is_bounded_and_a_limited_address_stays_limited() {
        let store = store(10);
        let attacker = source(u32::MAX);
        let start = seconds(100);
        while store.charge(attacker, start).is_ok() {}
        let mut most = 0;
        for number in 0..1_000_000 {
            let now = start + Duration::from_millis(u64::from(number) / 1_000);
            assert!(store.charge(source(number), now).is_ok());
            if number % 1_000 == 0 {
                most = most.max(store.lock().len());
            }
        }
        assert!(most <= MAX_ADDRESSES, "{most}");
        assert!(store.charge(attacker, start + seconds(1)).is_err(), "still limited");
        // Six seconds are one failure.
        assert!(store.charge(attacker, start + seconds(6)).is_ok());
    }

    #[test]
    fn reading_charges_nothing() {
        let store = store(2);
        let now = Duration::ZERO;
        for _ in 0..100 {
            assert!(!store.is_used_up(source(1), now));
        }
        for _ in 0..2 {
            assert_eq!(store.charge(source(1), now), Ok(()));
        }
        assert!(store.is_used_up(source(1), now));
        assert_eq!(store.charge(source(1), seconds(10)), Err(seconds(20)));
        assert_eq!(store.charge(source(2), now), Ok(()));
        assert!(!store.is_used_up(source(1), seconds(30)));
    }

    #[test]
    fn an_idle_address_gets_its_whole_allowance_and_no_more() {
        let store = store(7);
        for start in [0, 3_600] {
            let allowed = (0..20).filter(|_| store.charge(source(1), seconds(start)).is_ok()).count();
            assert_eq!(allowed, 7, "after {start} s");
        }
    }
}
