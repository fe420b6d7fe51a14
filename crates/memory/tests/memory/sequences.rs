//! The suites' randomized cases, with more sequences than databases have time for.

use std::ops::Range;
use std::time::Duration;

use dockline_memory::{MemoryBindingRepo, MemoryRateLimiter, MemoryStateStore};
use dockline_testkit::runner::block_on;
use dockline_testkit::{binding_repo, rate_limiter, state_store};

const SEEDS: Range<u64> = 0..1_000;

// I29
#[test]
fn the_repository_agrees_with_the_reference_model() {
    block_on(binding_repo::sequences::check_sequences(&MemoryBindingRepo::new(), SEEDS));
}

// I29
#[test]
fn the_store_agrees_with_the_reference_model() {
    block_on(state_store::sequences::check_sequences(&MemoryStateStore::new(), SEEDS));
}

// I20: memory counts nanoseconds.
#[test]
fn a_retry_succeeds_after_the_returned_wait_and_not_a_nanosecond_earlier() {
    let nanosecond = Duration::from_nanos(1);
    block_on(rate_limiter::sequences::check_waits(&MemoryRateLimiter::new(), SEEDS, nanosecond));
}
