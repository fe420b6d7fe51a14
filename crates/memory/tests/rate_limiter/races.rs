use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use dockline::ports::Verdict;
use dockline_memory::MemoryRateLimiter;
use pollster::block_on;

use crate::fixtures::{NOON, allowed, ask, reads, writes};

const ROUNDS: usize = 50;
const THREADS: usize = 16;

// I20
#[test]
fn a_budget_is_exact_under_concurrent_callers() {
    for _ in 0..ROUNDS {
        let limiter = MemoryRateLimiter::new();
        let barrier = Barrier::new(THREADS);
        let granted: usize = thread::scope(|scope| {
            let ask_20_times = || {
                barrier.wait();
                (0..20)
                    .filter(|_| matches!(block_on(ask(&limiter, reads(1, NOON))), Verdict::Allowed(_)))
                    .count()
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask_20_times)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(granted, 120);
    }
}

// I20: also where each caller's clock shows another time.
#[test]
fn a_days_cap_is_exact_under_concurrent_callers_on_differing_clocks() {
    for _ in 0..ROUNDS {
        let limiter = MemoryRateLimiter::new();
        let barrier = Barrier::new(THREADS);
        let granted: u32 = thread::scope(|scope| {
            let start = |thread| {
                let (limiter, barrier) = (&limiter, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    (0..10_u32)
                        .map(|minute| {
                            let now = NOON + Duration::from_secs(60) * minute + Duration::from_secs(thread);
                            match block_on(ask(limiter, writes(3, now))) {
                                Verdict::Allowed(_) => 3,
                                Verdict::Limited { .. } => 0,
                            }
                        })
                        .sum::<u32>()
                })
            };
            let threads: Vec<_> = (0..16).map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // How many get through is chance: a clock that is behind waits. None of them is lost or counted twice.
        let left = block_on(allowed(&limiter, writes(0, NOON + Duration::from_secs(3_600)))).remaining;
        assert!((60..=100).contains(&granted), "{granted}");
        assert_eq!(granted + left, 100);
    }
}
