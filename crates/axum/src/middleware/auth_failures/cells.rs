//! Where the limiter keeps what it knows of each address: bounded, and with a way to look without charging.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use governor::RateLimiter;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;

/// Addresses at a time.
const MOST: usize = 65_536;

/// What is asked of the limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Check {
    pub(super) source: IpAddr,
    /// `false` only looks.
    pub(super) charge: bool,
}

/// The limiter, by any clock.
pub(super) type Limiter<C> = RateLimiter<Check, Cells, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// For each address, when it will have its whole allowance again.
#[derive(Debug, Default)]
pub(super) struct Cells(Mutex<HashMap<IpAddr, Nanos>>);

impl StateStore for Cells {
    type Key = Check;

    fn measure_and_replace<T, F, E>(&self, question: &Check, judge: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, whole_again) = judge(cells.get(&question.source).copied())?;
        if question.charge {
            if cells.len() >= MOST && !cells.contains_key(&question.source) {
                make_room(&mut cells, whole_again);
            }
            cells.insert(question.source, whole_again);
        }
        Ok(answer)
    }
}

impl ShrinkableKeyedStateStore<Check> for Cells {
    fn retain_recent(&self, drop_below: Nanos) {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cells.retain(|_, whole_again| *whole_again > drop_below);
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Forgets whoever has nothing charged any more: `first` is when an address will have its whole allowance again that is
/// charged for the first time now. Where that is not half of them, those go that were charged least: an address that
/// has used up its allowance stays. So room is made once for many.
fn make_room(cells: &mut HashMap<IpAddr, Nanos>, first: Nanos) {
    cells.retain(|_, whole_again| *whole_again >= first);
    if cells.len() > MOST / 2 {
        let mut order: Vec<(Nanos, IpAddr)> = cells.iter().map(|(source, at)| (*at, *source)).collect();
        let surplus = order.len() - MOST / 2;
        order.select_nth_unstable(surplus);
        for (_, source) in order.iter().take(surplus) {
            cells.remove(source);
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
        (clock.clone(), RateLimiter::new(quota, Cells::default(), clock))
    }

    fn charge(source: IpAddr) -> Check {
        Check { source, charge: true }
    }

    #[test]
    fn a_million_addresses_take_bounded_memory_and_do_not_free_the_one_that_is_limited() {
        let (clock, limiter) = limiter(10);
        let guesser = source(u32::MAX);
        while limiter.check_key(&charge(guesser)).is_ok() {}
        let mut most = 0;
        for number in 0..1_000_000 {
            assert!(limiter.check_key(&charge(source(number))).is_ok());
            if number % 1_000 == 0 {
                clock.advance(Duration::from_millis(1));
                most = most.max(limiter.len());
            }
        }
        assert!(most <= MOST, "{most}");
        assert!(limiter.check_key(&charge(guesser)).is_err(), "it is remembered");
        // Six seconds are one guess; it was one second.
        clock.advance(Duration::from_secs(5));
        assert!(limiter.check_key(&charge(guesser)).is_ok());
    }

    #[test]
    fn a_look_charges_nothing() {
        let (clock, limiter) = limiter(2);
        let look = Check { charge: false, ..charge(source(1)) };
        for _ in 0..100 {
            assert!(limiter.check_key(&look).is_ok());
        }
        for _ in 0..2 {
            assert!(limiter.check_key(&charge(source(1))).is_ok());
        }
        assert!(limiter.check_key(&look).is_err());
        assert!(limiter.check_key(&charge(source(2))).is_ok());
        clock.advance(Duration::from_secs(30));
        assert!(limiter.check_key(&look).is_ok());
    }
}
