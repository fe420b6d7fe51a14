//! Random questions at random times, the clock at times going back: every wait that was answered is true.

use std::ops::Range;
use std::time::Duration;

use dockline::ports::{Clock, ManualClock, RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::{BudgetClass, Tier};

use super::{NOON, SHORTEST, allowed, ask, key, reads, sized};
use crate::random::{Random, seeds};

const STEPS: usize = 50;

/// `retry_after` and `reset_after` are true to the microsecond: whoever waits gets through, and nobody gets through
/// earlier (I19, I20, I27).
///
/// Runs [`seeds`]; `DOCKLINE_SEED` runs one sequence again.
pub async fn whoever_waits_as_long_as_answered_gets_through_and_not_earlier(limiter: &dyn RateLimiter) {
    every_wait_is_true(limiter, seeds(), SHORTEST).await;
}

/// The same clause on as many sequences as the caller likes, for limiters that count time in steps of `resolution`.
/// One limiter serves all: each sequence has a key of its own.
pub async fn every_wait_is_true(limiter: &dyn RateLimiter, seeds: Range<u64>, resolution: Duration) {
    let sequences = seeds.end - seeds.start;
    let mut waits = 0;
    for seed in seeds {
        println!("DOCKLINE_SEED={seed}"); // the last one that is printed is the one that failed
        waits += Sequence::new(seed, resolution).run(limiter).await;
    }
    assert!(
        sequences < 20 || waits > 5 * sequences,
        "a generator that seldom meets the limit proves little: {waits}"
    );
}

struct Sequence {
    seed: u64,
    resolution: Duration,
    random: Random,
    clock: ManualClock,
    tier: Tier,
}

impl Sequence {
    fn new(seed: u64, resolution: Duration) -> Self {
        let mut random = Random::seeded(seed);
        let tier = sized(1 + random.below(200), 1 + random.below(100), 1 + random.below(400));
        Self { seed, resolution, random, clock: ManualClock::starting_at(NOON), tier }
    }

    /// Mostly less than a refill takes; now and then hours, or back.
    fn step(&mut self) -> time::Duration {
        match self.random.below(20) {
            0 => time::Duration::minutes(self.random.below(3_000).into()),
            1 => -time::Duration::seconds(self.random.below(8_000).into()),
            2..6 => time::Duration::ZERO,
            _ => {
                let nanoseconds = u64::from(self.random.below(u32::MAX)) * 3;
                self.whole(Duration::from_nanos(nanoseconds))
            }
        }
    }

    /// In steps of the resolution, rounded up.
    fn whole(&self, duration: Duration) -> time::Duration {
        let step = self.resolution.as_nanos();
        let nanoseconds = duration.as_nanos().div_ceil(step) * step;
        time::Duration::nanoseconds(i64::try_from(nanoseconds).unwrap())
    }

    fn take(&self, class: BudgetClass, permits: u32) -> RateLimitRequest {
        let key = key(&format!("{:016}", self.seed));
        RateLimitRequest { key, class, tier: self.tier.clone(), ..reads(permits, self.clock.now()) }
    }

    async fn run(mut self, limiter: &dyn RateLimiter) -> u64 {
        let mut waits = 0;
        for _ in 0..STEPS {
            let step = self.step();
            self.clock.advance(step);
            let class = self.random.one_of(&[BudgetClass::Read, BudgetClass::Write]);
            let most = self.tier.per_minute(class).min(self.tier.per_day(class).unwrap_or(u32::MAX));
            let permits = self.random.below(most) + 1;
            match ask(limiter, self.take(class, permits)).await {
                RateLimitDecision::Allowed(budget) => assert!(budget.remaining <= most - permits),
                RateLimitDecision::Limited { budget, retry_after } => {
                    waits += 1;
                    assert!(budget.remaining < permits, "{budget:?}");
                    self.wait(limiter, class, permits, retry_after).await;
                }
            }
            if self.random.below(4) == 0 {
                let reset_after = allowed(limiter, self.take(class, 0)).await.reset_after;
                self.clock.advance(self.whole(reset_after));
                let full = allowed(limiter, self.take(class, 0)).await;
                assert_eq!((full.remaining, full.reset_after), (most, Duration::ZERO));
            }
        }
        waits
    }

    async fn wait(&self, limiter: &dyn RateLimiter, class: BudgetClass, permits: u32, retry_after: Duration) {
        let shortest = self.whole(self.resolution);
        self.clock.advance(self.whole(retry_after) - shortest);
        match ask(limiter, self.take(class, permits)).await {
            RateLimitDecision::Limited { retry_after, .. } => {
                assert!(retry_after <= self.resolution, "{retry_after:?}")
            }
            early @ RateLimitDecision::Allowed(_) => unreachable!("too early: {early:?}"),
        }
        self.clock.advance(shortest);
        allowed(limiter, self.take(class, permits)).await;
    }
}
