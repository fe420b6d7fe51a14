//! Wrong limiters.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::{BudgetClass, BudgetKey, KeyId, PortError, Tier};
use dockline_memory::MemoryRateLimiter;
use dockline_testkit::rate_limiter::{clocks, daily, minute, races, waiting};
use time::{OffsetDateTime, UtcOffset};
use tokio::task::yield_now;

use crate::bites;

/// What is wrong with a [`Limiter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// I27: a clock that goes back starts a fresh budget.
    StartsAnewWhenTheClockGoesBack,
    /// I27 from the other side: the latest time ever seen is the time.
    NeverLetsTheClockGoBack,
    /// What is left is taken although it does not suffice.
    ChargesRefusals,
    /// I20: reads, decides, writes.
    ReadsThenCharges,
    /// Whoever looks is charged.
    ChargesLooks,
    /// Reads and writes have one budget.
    MixesClasses,
    /// No key has a budget of its own.
    MixesKeys,
    /// No cap of the day.
    ForgetsTheDay,
    /// The day begins at the midnight of whoever asks.
    GoesByLocalDays,
    /// `Retry-After` in whole seconds, cut.
    CutsWaits,
    /// `Retry-After` in whole seconds, rounded up: true, but later than it need be.
    RoundsWaitsUp,
    /// All of the budget is there again at the full minute.
    RefillsByTheMinute,
    /// The tier of the first question counts for ever.
    KeepsTheFirstTier,
}

#[derive(Debug)]
struct Limiter {
    fault: Fault,
    memory: Mutex<MemoryRateLimiter>,
    latest: Mutex<Option<OffsetDateTime>>,
    tiers: Mutex<HashMap<BudgetKey, Tier>>,
}

impl Limiter {
    fn with(fault: Fault) -> Self {
        Self { fault, memory: Mutex::default(), latest: Mutex::default(), tiers: Mutex::default() }
    }

    fn memory(&self) -> MemoryRateLimiter {
        self.memory.lock().unwrap().clone()
    }

    fn start_anew(&self) {
        *self.memory.lock().unwrap() = MemoryRateLimiter::new();
    }

    /// What is asked of memory instead.
    fn bent(&self, mut request: RateLimitRequest) -> RateLimitRequest {
        let mut latest = self.latest.lock().unwrap();
        let before = latest.unwrap_or(request.now);
        match self.fault {
            Fault::StartsAnewWhenTheClockGoesBack if request.now < before => self.start_anew(),
            Fault::RefillsByTheMinute if minute_of(request.now) > minute_of(before) => self.start_anew(),
            Fault::RefillsByTheMinute => request.now = before,
            Fault::NeverLetsTheClockGoBack => request.now = request.now.max(before),
            Fault::ChargesLooks => request.permits = request.permits.max(1),
            Fault::MixesClasses => request.class = BudgetClass::Read,
            Fault::MixesKeys => request.key = (&KeyId::parse("00000000000000").unwrap()).into(),
            Fault::ForgetsTheDay => {
                request.tier =
                    Tier { name: Cow::Borrowed("fault"), writes_per_day: u32::MAX, ..request.tier };
            }
            Fault::GoesByLocalDays => request.now = request.now.replace_offset(UtcOffset::UTC),
            Fault::KeepsTheFirstTier => {
                request.tier =
                    self.tiers.lock().unwrap().entry(request.key.clone()).or_insert(request.tier).clone();
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
        let request = self.bent(request);
        if self.fault == Fault::ReadsThenCharges {
            let look = self.memory().check(RateLimitRequest { permits: 0, ..request.clone() }).await?;
            yield_now().await;
            let charge = self.memory().check(request.clone()).await?;
            return Ok(match look {
                RateLimitDecision::Allowed(budget) if budget.remaining >= request.permits => {
                    RateLimitDecision::Allowed(budget)
                }
                _ => charge,
            });
        }
        let verdict = self.memory().check(request.clone()).await?;
        let RateLimitDecision::Limited { budget, retry_after } = verdict else { return Ok(verdict) };
        let seconds = retry_after.as_secs();
        let retry_after = match self.fault {
            Fault::CutsWaits => Duration::from_secs(seconds),
            Fault::RoundsWaitsUp if retry_after.subsec_nanos() > 0 => Duration::from_secs(seconds + 1),
            Fault::ChargesRefusals => {
                self.memory().check(RateLimitRequest { permits: budget.remaining, ..request }).await?;
                retry_after
            }
            _ => retry_after,
        };
        Ok(RateLimitDecision::Limited { budget, retry_after })
    }
}

bites! {
    RateLimiter;
    a_budget_that_starts_anew_when_the_clock_goes_back:
        Limiter::with(Fault::StartsAnewWhenTheClockGoesBack) =>
        clocks::a_clock_that_goes_back_gives_nothing_back,
        clocks::a_clock_that_goes_back_over_midnight_gives_no_day_back,
        clocks::callers_whose_clocks_differ_make_no_budget_of_it;
    a_clock_that_is_never_let_back: Limiter::with(Fault::NeverLetsTheClockGoBack) =>
        clocks::a_clock_that_was_far_ahead_does_not_block_for_ever,
        clocks::a_clock_that_is_a_little_behind_is_waited_for;
    a_refused_take_that_is_charged: Limiter::with(Fault::ChargesRefusals) =>
        minute::permits_are_charged_all_or_none;
    a_look_that_is_charged: Limiter::with(Fault::ChargesLooks) =>
        minute::a_look_charges_nothing,
        minute::a_look_at_an_empty_budget_is_allowed;
    classes_that_share: Limiter::with(Fault::MixesClasses) => minute::keys_and_classes_do_not_share;
    keys_that_share: Limiter::with(Fault::MixesKeys) => minute::keys_and_classes_do_not_share;
    a_day_without_a_cap: Limiter::with(Fault::ForgetsTheDay) =>
        daily::writes_are_capped_by_the_day,
        waiting::whoever_waits_as_long_as_answered_gets_through_and_not_earlier;
    days_of_the_callers_offset: Limiter::with(Fault::GoesByLocalDays) =>
        daily::the_day_begins_at_midnight_utc;
    waits_that_are_cut_to_seconds: Limiter::with(Fault::CutsWaits) =>
        minute::a_key_may_burst_to_its_limit_and_not_beyond,
        waiting::whoever_waits_as_long_as_answered_gets_through_and_not_earlier;
    waits_that_are_rounded_up_to_seconds: Limiter::with(Fault::RoundsWaitsUp) =>
        waiting::whoever_waits_as_long_as_answered_gets_through_and_not_earlier;
    a_window_instead_of_a_bucket: Limiter::with(Fault::RefillsByTheMinute) =>
        minute::the_bucket_refills_evenly,
        waiting::whoever_waits_as_long_as_answered_gets_through_and_not_earlier;
    a_tier_that_is_never_changed: Limiter::with(Fault::KeepsTheFirstTier) =>
        minute::a_larger_tier_counts_from_the_next_question,
        minute::a_smaller_tier_cuts_what_is_left;
}

bites! {
    shared RateLimiter;
    a_budget_that_is_read_and_then_charged: Limiter::with(Fault::ReadsThenCharges) =>
        races::a_budget_is_exact_under_concurrent_callers,
        races::a_days_cap_is_exact_under_concurrent_callers_on_differing_clocks;
}
