//! What a failing case prints.

use std::sync::Arc;

use dockline::ports::RateLimiter;
use dockline_memory::MemoryRateLimiter;
use dockline_testkit::rate_limiter::minute;
use dockline_testkit::runner::{CaseInfo, Fresh, block_on, report};
use dockline_testkit::steps::Steps;

const INFO: CaseInfo = CaseInfo { name: "rate_limiter::minute::a_case", rule: " The rule, in one sentence." };

#[test]
fn report_says_the_rule_what_to_do_and_the_last_calls() {
    let steps = Arc::<Steps>::default();
    let limiter = MemoryRateLimiter::new();
    let ((), limiter) =
        <[MemoryRateLimiter; 2] as Fresh<dyn RateLimiter, _>>::into_parts([limiter.clone(), limiter], &steps);
    block_on(minute::key_can_burst_up_to_its_limit(&*limiter));
    let report = report(INFO, &steps);
    for part in
        ["The rule, in one sentence.", "What to do:", "dockline_testkit::rate_limiter::minute::a_case"]
    {
        assert!(report.contains(part), "{part}: {report}");
    }
    let calls: Vec<_> = report.lines().filter(|line| line.contains("check(RateLimitRequest {")).collect();
    assert_eq!(calls.len(), 30, "the last ones only");
    let last = calls.last().unwrap();
    assert!(last.trim_start().starts_with("121. check(") && last.contains("-> Ok(Limited {"), "{last}");
}

#[test]
fn report_without_recorded_calls_has_no_list() {
    assert!(!report(INFO, &Steps::default()).contains("calls and their answers"));
}
