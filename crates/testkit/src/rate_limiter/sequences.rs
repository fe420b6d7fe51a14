//! Random requests by a clock that sometimes goes back: every wait that is returned is exact.

use std::ops::Range;
use std::time::Duration;

use dockline::ports::{Clock, ManualClock, RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::{BudgetClass, Tier};
use fastrand::Rng;

use super::{NOON, RESOLUTION, allowed, check, key, reads, tier_of};
use crate::random::{SeedOnFailure, seeds};
use crate::runner::cases;

const STEPS: usize = 50;

cases!(
    use __rate_limiter_sequences as list;

    /// `retry_after` and `reset_after` are exact to the microsecond: the request is allowed after the wait and not before
    /// (I19, I20, I27).
    pub async fn every_wait_is_exact(limiter: &dyn RateLimiter) {
        check_waits(limiter, seeds(), RESOLUTION).await;
    }
);

/// Runs [`every_wait_is_exact`] for other seeds, and for limiters with another `resolution` of time.
///
/// Each sequence has its own key, so one limiter serves all of them.
pub async fn check_waits(limiter: &dyn RateLimiter, seeds: Range<u64>, resolution: Duration) {
    let sequences = seeds.end - seeds.start;
    let mut waits = 0;
    for seed in seeds {
        let _seed = SeedOnFailure(seed);
        waits += Sequence::new(seed, resolution).run(limiter).await;
    }
    assert!(sequences < 20 || waits > 5 * sequences, "the random requests rarely reach the limit: {waits}");
}

struct Sequence {
    seed: u64,
    resolution: Duration,
    random: Rng,
    clock: ManualClock,
    tier: Tier,
}

impl Sequence {
    fn new(seed: u64, resolution: Duration) -> Self {
        let mut random = Rng::with_seed(seed);
        let tier = tier_of(random.u32(1..=200), random.u32(1..=100), random.u32(1..=400));
        Self { seed, resolution, random, clock: ManualClock::starting_at(NOON), tier }
    }

    /// Moves the clock, mostly by less than a refill takes, sometimes by hours, sometimes back.
    fn advance(&mut self) {
        let step = match self.random.u32(..20) {
            0 => time::Duration::minutes(self.random.i64(0..3_000)),
            1 => -time::Duration::seconds(self.random.i64(0..8_000)),
            2..6 => time::Duration::ZERO,
            _ => {
                let step = Duration::from_nanos(self.random.u64(..12_000_000_000));
                self.rounded_up(step)
            }
        };
        self.clock.advance(step);
    }

    /// Rounds up to a multiple of the resolution.
    fn rounded_up(&self, duration: Duration) -> time::Duration {
        let step = self.resolution.as_nanos();
        let nanoseconds = duration.as_nanos().div_ceil(step) * step;
        time::Duration::nanoseconds(i64::try_from(nanoseconds).unwrap())
    }

    fn request(&self, class: BudgetClass, permits: u32) -> RateLimitRequest {
        let key = key(&format!("{:016}", self.seed));
        RateLimitRequest { key, class, tier: self.tier.clone(), ..reads(permits, self.clock.now()) }
    }

    /// Returns how many requests were limited.
    async fn run(mut self, limiter: &dyn RateLimiter) -> u64 {
        let mut waits = 0;
        for _ in 0..STEPS {
            self.advance();
            let class = if self.random.bool() { BudgetClass::Read } else { BudgetClass::Write };
            let most = self.tier.per_minute(class).min(self.tier.per_day(class).unwrap_or(u32::MAX));
            let permits = self.random.u32(1..=most);
            match check(limiter, self.request(class, permits)).await {
                RateLimitDecision::Allowed(budget) => assert!(budget.remaining <= most - permits),
                RateLimitDecision::Limited { budget, retry_after } => {
                    waits += 1;
                    assert!(budget.remaining < permits, "{budget:?}");
                    self.wait(limiter, class, permits, retry_after).await;
                }
            }
            if self.random.u32(..4) == 0 {
                let reset_after = allowed(limiter, self.request(class, 0)).await.reset_after;
                self.clock.advance(self.rounded_up(reset_after));
                let full = allowed(limiter, self.request(class, 0)).await;
                assert_eq!((full.remaining, full.reset_after), (most, Duration::ZERO));
            }
        }
        waits
    }

    /// Asserts that the request is limited just before `retry_after` has passed, and allowed after it.
    async fn wait(&self, limiter: &dyn RateLimiter, class: BudgetClass, permits: u32, retry_after: Duration) {
        let shortest = self.rounded_up(self.resolution);
        self.clock.advance(self.rounded_up(retry_after) - shortest);
        match check(limiter, self.request(class, permits)).await {
            RateLimitDecision::Limited { retry_after, .. } => {
                assert!(retry_after <= self.resolution, "{retry_after:?}")
            }
            early @ RateLimitDecision::Allowed(_) => unreachable!("allowed before `retry_after`: {early:?}"),
        }
        self.clock.advance(shortest);
        allowed(limiter, self.request(class, permits)).await;
    }
}
