use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};

use futures_util::future::{join_all, pending};
use futures_util::task::noop_waker;
use pollster::block_on;
use time::Duration;

use super::*;

type Texts = Cache<&'static str, String, &'static str>;
type TextFlight = Flight<&'static str, String, &'static str>;
type TextComputation = Computation<String, &'static str>;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const LATER: OffsetDateTime = NOW.saturating_add(Duration::HOUR);

fn installation(number: u64) -> InstallationId {
    InstallationId::new(number).unwrap()
}

fn store(flight: TextFlight, text: String, fresh_until: OffsetDateTime) -> Result<String, &'static str> {
    if flight.complete(text.clone(), NOW, fresh_until) { Ok(text) } else { Err("evicted") }
}

/// A computation that completes when it is first polled.
fn completes(text: &str) -> impl FnOnce(TextFlight) -> TextComputation {
    completes_until(text.to_owned(), LATER)
}

fn completes_until(text: String, fresh_until: OffsetDateTime) -> impl FnOnce(TextFlight) -> TextComputation {
    move |flight| async move { store(flight, text, fresh_until) }.boxed()
}

fn never(_: TextFlight) -> TextComputation {
    panic!("no computation may start")
}

fn wait(found: Lookup<String, &'static str>) -> Result<String, &'static str> {
    match found {
        Lookup::Fresh(value) => Ok(value),
        Lookup::InFlight(computation) => block_on(computation),
        Lookup::Outdated => Err("outdated"),
    }
}

#[test]
fn a_value_is_served_until_it_expires_for_its_generation_and_key_only() {
    let cache = Texts::new(9);
    let one = installation(1);
    assert_eq!(wait(cache.get_or_start(one, &"a", 3, NOW, completes("a3"))), Ok("a3".into()));
    assert_eq!(wait(cache.get_or_start(one, &"a", 3, LATER - Duration::NANOSECOND, never)), Ok("a3".into()));
    // Another key, another installation, at expiry, a later generation: computed again.
    assert_eq!(wait(cache.get_or_start(one, &"b", 3, NOW, completes("b3"))), Ok("b3".into()));
    assert_eq!(wait(cache.get_or_start(installation(2), &"a", 3, NOW, completes("two"))), Ok("two".into()));
    assert_eq!(wait(cache.get_or_start(one, &"a", 3, LATER, completes("again"))), Ok("again".into()));
    assert_eq!(wait(cache.get_or_start(one, &"a", 4, NOW, completes("a4"))), Ok("a4".into()));
    // A caller with an older row gets no value and removes none.
    assert_eq!(wait(cache.get_or_start(one, &"a", 3, NOW, never)), Err("outdated"));
    assert_eq!(wait(cache.get_or_start(one, &"a", 4, NOW, never)), Ok("a4".into()));
}

/// Computations that count their start and wait until the gate is opened.
#[derive(Default)]
struct Gate {
    started: Arc<AtomicU32>,
    open: Arc<AtomicBool>,
}

impl Gate {
    fn computation(&self) -> impl FnOnce(TextFlight) -> TextComputation {
        let (started, open) = (Arc::clone(&self.started), Arc::clone(&self.open));
        move |flight| {
            async move {
                started.fetch_add(1, Ordering::SeqCst);
                std::future::poll_fn(|context| {
                    if open.load(Ordering::SeqCst) {
                        return Poll::Ready(());
                    }
                    context.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
                store(flight, "gated".into(), LATER)
            }
            .boxed()
        }
    }

    fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }

    fn started(&self) -> u32 {
        self.started.load(Ordering::SeqCst)
    }
}

fn in_flight(found: Lookup<String, &'static str>) -> Shared<TextComputation> {
    match found {
        Lookup::InFlight(computation) => computation,
        Lookup::Fresh(_) | Lookup::Outdated => panic!("expected a computation in flight"),
    }
}

fn poll(computation: &mut Shared<TextComputation>) -> Poll<Result<String, &'static str>> {
    computation.poll_unpin(&mut Context::from_waker(&noop_waker()))
}

#[test]
fn ten_thousand_callers_share_one_computation_and_a_cancelled_caller_strands_no_other_l_38() {
    let cache = Texts::new(9);
    let gate = Gate::default();
    let look_up = || in_flight(cache.get_or_start(installation(1), &"a", 1, NOW, gate.computation()));
    let mut callers: Vec<_> = (0..10_000).map(|_| look_up()).collect();
    // The first caller drives the computation and is cancelled; so is every fifth of the others.
    let mut leader = callers.remove(0);
    assert!(poll(&mut leader).is_pending());
    drop(leader);
    let mut index = 0_u32;
    callers.retain(|_| {
        index += 1;
        !index.is_multiple_of(5)
    });
    gate.open();
    let results = block_on(join_all(callers));
    assert_eq!(results.len(), 8_000);
    assert!(results.iter().all(|result| result.as_deref() == Ok("gated")));
    assert_eq!(gate.started(), 1);
}

#[test]
fn a_computation_without_callers_is_dropped_and_the_next_caller_starts_another() {
    let cache = Texts::new(9);
    let first = Gate::default();
    let mut caller = in_flight(cache.get_or_start(installation(1), &"a", 1, NOW, first.computation()));
    assert!(poll(&mut caller).is_pending());
    assert_eq!(cache.lock().len(), 1);
    drop(caller);
    assert_eq!(cache.lock().len(), 0);
    let second = cache.get_or_start(installation(1), &"a", 1, NOW, completes("second"));
    assert_eq!(wait(second), Ok("second".into()));
}

#[test]
fn an_evicted_computation_does_not_store_its_value_l_39() {
    let cache = Texts::new(9);
    let gate = Gate::default();
    let one = installation(1);
    let mut evicted = in_flight(cache.get_or_start(one, &"a", 1, NOW, gate.computation()));
    assert!(poll(&mut evicted).is_pending());
    assert!(cache.evict(one).is_empty());
    // A computation that starts after the eviction is not affected when the evicted one ends.
    let second = in_flight(cache.get_or_start(one, &"a", 1, NOW, completes("second")));
    gate.open();
    assert_eq!(block_on(evicted), Err("evicted"));
    assert_eq!(block_on(second), Ok("second".into()));
    assert_eq!(wait(cache.get_or_start(one, &"a", 1, NOW, never)), Ok("second".into()));
    assert_eq!(cache.evict(one), ["second"]);
    assert_eq!(wait(cache.get_or_start(one, &"a", 1, NOW, completes("third"))), Ok("third".into()));
    assert_eq!(cache.clear(), ["third"]);
}

#[test]
fn a_flight_is_current_until_it_is_evicted() {
    let cache = Texts::new(9);
    let observed = |evict: bool| {
        let inner = cache.clone();
        let computation = move |flight: TextFlight| {
            async move {
                if evict {
                    inner.evict(installation(1));
                }
                if flight.is_current() { Ok("current".to_owned()) } else { Err("evicted") }
            }
            .boxed()
        };
        wait(cache.get_or_start(installation(1), &"a", 1, NOW, computation))
    };
    assert_eq!(observed(false), Ok("current".into()));
    assert_eq!(observed(true), Err("evicted"));
}

#[test]
fn a_failed_computation_fails_its_callers_and_no_later_one() {
    let cache = Texts::new(9);
    let fails = |flight: TextFlight| {
        async move {
            drop(flight);
            Err("GitHub is down")
        }
        .boxed()
    };
    let first = in_flight(cache.get_or_start(installation(1), &"a", 1, NOW, fails));
    let joined = in_flight(cache.get_or_start(installation(1), &"a", 1, NOW, never));
    assert_eq!(block_on(join_all([first, joined])), [Err("GitHub is down"), Err("GitHub is down")]);
    assert_eq!(wait(cache.get_or_start(installation(1), &"a", 1, NOW, completes("up"))), Ok("up".into()));
}

#[test]
fn beyond_the_capacity_expired_values_and_then_the_first_to_expire_are_dropped() {
    let cache = Texts::new(3);
    let put = |number: u64, seconds: i64| {
        let start = completes_until(seconds.to_string(), NOW + Duration::seconds(seconds));
        wait(cache.get_or_start(installation(number), &"a", 1, NOW, start)).unwrap()
    };
    for (number, seconds) in [(1, 50), (2, 10), (3, 40), (4, 30)] {
        put(number, seconds);
    }
    assert_eq!(cache.lock().len(), 3);
    for (number, seconds) in [(1, "50"), (3, "40"), (4, "30")] {
        assert_eq!(wait(cache.get_or_start(installation(number), &"a", 1, NOW, never)).unwrap(), seconds);
    }
    // Computations that no caller drives do not fill the cache.
    for number in 10..1_000 {
        let waits = |flight| {
            async move {
                pending::<()>().await;
                drop(flight);
                Err("never")
            }
            .boxed()
        };
        drop(in_flight(cache.get_or_start(installation(number), &"a", 1, NOW, waits)));
    }
    assert_eq!(cache.lock().len(), 3);
    // All expired values go at once, computations in flight stay.
    let gate = Gate::default();
    let waiting = in_flight(cache.get_or_start(installation(5), &"b", 1, NOW, gate.computation()));
    let late = |flight: TextFlight| {
        async move {
            let at = NOW + Duration::seconds(45);
            if flight.complete("late".into(), at, LATER) { Ok("late".to_owned()) } else { Err("evicted") }
        }
        .boxed()
    };
    wait(cache.get_or_start(installation(6), &"a", 1, NOW, late)).unwrap();
    let left: Vec<_> = {
        let entries = cache.lock();
        let mut left: Vec<_> = entries.by_installation.keys().map(|id| id.get()).collect();
        left.sort_unstable();
        left
    };
    assert_eq!(left, [1, 5, 6]);
    gate.open();
    assert_eq!(block_on(waiting), Ok("gated".into()));
}

#[test]
fn a_value_that_was_put_is_taken_once_by_its_generation_until_it_expires() {
    let cache = Texts::new(9);
    let one = installation(1);
    let put = |generation| cache.put(one, "a", generation, "kept".into(), NOW, LATER);
    put(3);
    assert_eq!(cache.take(one, &"b", 3, NOW), None);
    assert_eq!(cache.take(one, &"a", 3, LATER - Duration::NANOSECOND), Some("kept".into()));
    assert_eq!(cache.take(one, &"a", 3, NOW), None, "taken");
    for (generation, now) in [(2, NOW), (4, NOW), (3, LATER)] {
        put(3);
        assert_eq!(cache.take(one, &"a", generation, now), None, "{generation} {now}");
    }
    put(3);
    assert_eq!(cache.evict(one), ["kept"]);
    assert_eq!(cache.take(one, &"a", 3, NOW), None, "evicted");
}
