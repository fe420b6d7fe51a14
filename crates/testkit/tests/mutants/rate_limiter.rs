//! Wrong limiters: read then charge, charge in two steps, windows instead of buckets, clocks taken at their word.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::{BudgetKey, OrganizationId, PortError, Tier};
use dockline_memory::MemoryRateLimiter;
use dockline_testkit::rate_limiter::{clocks, daily, minute, races, sequences};
use time::{OffsetDateTime, UtcOffset};
use tokio::task::yield_now;

use crate::{handles, killed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    /// Reads the budget, decides, then charges (I20).
    ReadsThenCharges,
    /// Charges what remains before it finds that it is too little.
    ChargesBeforeTheCheck,
    /// Starts a new budget if the clock goes back (I27).
    StartsAnewIfTheClockGoesBack,
    /// Takes the latest time that it ever saw for the current time (I27).
    NeverGoesBack,
    /// Begins the day at the caller's midnight.
    CountsLocalDays,
    /// Truncates `retry_after` to seconds.
    TruncatesWaits,
    /// Rounds `retry_after` up to seconds.
    RoundsWaitsUp,
    /// Refills the whole budget each minute.
    CountsPerWindow,
    /// Caches the first tier of a key.
    CachesTheTier,
    /// Has a collation without case.
    ComparesWithoutCase,
    /// Charges each permit in a step of its own.
    ChargesOneByOne,
}

/// The memory limiter with one defect.
#[derive(Debug)]
struct Limiter {
    defect: Defect,
    memory: Mutex<MemoryRateLimiter>,
    latest: Mutex<Option<OffsetDateTime>>,
    tiers: Mutex<HashMap<BudgetKey, Tier>>,
}

impl Limiter {
    fn with(defect: Defect) -> Self {
        Self { defect, memory: Mutex::default(), latest: Mutex::default(), tiers: Mutex::default() }
    }

    fn memory(&self) -> MemoryRateLimiter {
        self.memory.lock().unwrap().clone()
    }

    fn start_anew(&self) {
        *self.memory.lock().unwrap() = MemoryRateLimiter::new();
    }

    /// The request that memory gets instead.
    fn changed(&self, mut request: RateLimitRequest) -> RateLimitRequest {
        let mut latest = self.latest.lock().unwrap();
        let before = latest.unwrap_or(request.now);
        match self.defect {
            Defect::StartsAnewIfTheClockGoesBack if request.now < before => self.start_anew(),
            Defect::CountsPerWindow if minute_of(request.now) > minute_of(before) => self.start_anew(),
            Defect::CountsPerWindow => request.now = before,
            Defect::NeverGoesBack => request.now = request.now.max(before),
            Defect::CountsLocalDays => request.now = request.now.replace_offset(UtcOffset::UTC),
            Defect::ComparesWithoutCase => {
                let name = request.key.as_str().to_lowercase();
                request.key = BudgetKey::from(&OrganizationId::new(name).unwrap());
            }
            Defect::CachesTheTier => {
                let mut tiers = self.tiers.lock().unwrap();
                request.tier = tiers.entry(request.key.clone()).or_insert(request.tier).clone();
            }
            _ => {}
        }
        *latest = Some(request.now);
        request
    }
}

fn minute_of(time: OffsetDateTime) -> i64 {
    time.unix_timestamp().div_euclid(60)
}

#[async_trait]
impl RateLimiter for Limiter {
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError> {
        let request = self.changed(request);
        if self.defect == Defect::ReadsThenCharges {
            let read = self.memory().check(RateLimitRequest { permits: 0, ..request.clone() }).await?;
            yield_now().await;
            let charged = self.memory().check(request.clone()).await?;
            return Ok(match read {
                RateLimitDecision::Allowed(budget) if budget.remaining >= request.permits => {
                    RateLimitDecision::Allowed(budget)
                }
                _ => charged,
            });
        }
        if self.defect == Defect::ChargesOneByOne {
            for _ in 1..request.permits {
                self.memory().check(RateLimitRequest { permits: 1, ..request.clone() }).await?;
                yield_now().await;
            }
            return self
                .memory()
                .check(RateLimitRequest { permits: request.permits.min(1), ..request })
                .await;
        }
        let decision = self.memory().check(request.clone()).await?;
        let RateLimitDecision::Limited { budget, retry_after } = decision else { return Ok(decision) };
        let seconds = retry_after.as_secs();
        let retry_after = match self.defect {
            Defect::TruncatesWaits => Duration::from_secs(seconds),
            Defect::RoundsWaitsUp if retry_after.subsec_nanos() > 0 => Duration::from_secs(seconds + 1),
            Defect::ChargesBeforeTheCheck => {
                self.memory().check(RateLimitRequest { permits: budget.remaining, ..request }).await?;
                retry_after
            }
            _ => retry_after,
        };
        Ok(RateLimitDecision::Limited { budget, retry_after })
    }
}

killed! {
    RateLimiter;
    budget_of_its_process: handles!(RateLimiter: MemoryRateLimiter::new(), MemoryRateLimiter::new()) =>
        races::budget_is_exact_under_concurrency,
        minute::key_can_burst_up_to_its_limit;
    compared_without_case: Limiter::with(Defect::ComparesWithoutCase) =>
        minute::case_of_letters_distinguishes_budgets;
    charged_one_by_one: Limiter::with(Defect::ChargesOneByOne) =>
        minute::dropped_call_is_charged_whole_or_not;
    read_then_charge: Limiter::with(Defect::ReadsThenCharges) =>
        races::budget_is_exact_under_concurrency,
        races::daily_cap_is_exact_under_concurrency;
    charge_before_the_check: Limiter::with(Defect::ChargesBeforeTheCheck) =>
        minute::permits_are_charged_all_or_none;
    new_budget_if_the_clock_goes_back: Limiter::with(Defect::StartsAnewIfTheClockGoesBack) =>
        clocks::clock_going_back_refills_nothing,
        clocks::clock_going_back_over_midnight_resets_no_day,
        clocks::nodes_with_different_clocks_share_one_budget;
    clock_that_never_goes_back: Limiter::with(Defect::NeverGoesBack) =>
        clocks::clock_far_ahead_does_not_block_forever,
        clocks::wait_includes_the_clock_difference;
    local_days: Limiter::with(Defect::CountsLocalDays) =>
        daily::day_begins_at_midnight_utc;
    waits_truncated_to_seconds: Limiter::with(Defect::TruncatesWaits) =>
        minute::key_can_burst_up_to_its_limit,
        sequences::every_wait_is_exact;
    waits_rounded_up_to_seconds: Limiter::with(Defect::RoundsWaitsUp) =>
        sequences::every_wait_is_exact;
    window_instead_of_bucket: Limiter::with(Defect::CountsPerWindow) =>
        minute::bucket_refills_evenly,
        sequences::every_wait_is_exact;
    cached_tier: Limiter::with(Defect::CachesTheTier) =>
        minute::larger_tier_applies_from_the_next_request,
        minute::smaller_tier_caps_the_remaining_permits;
}
