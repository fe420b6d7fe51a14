use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::{join_all, pending};
use futures_util::task::noop_waker;
use pollster::block_on;
use std::task::{Context, Poll};
use time::Duration;

use super::*;

type Texts = Cache<&'static str, String, &'static str>;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const LATER: OffsetDateTime = NOW.saturating_add(Duration::HOUR);

fn installation(number: u64) -> InstallationId {
    InstallationId::new(number).unwrap()
}

/// A flight that lands as soon as it is driven, or says that it was evicted.
fn lands(
    text: &str,
) -> impl FnOnce(Flight<&'static str, String, &'static str>) -> Flown<String, &'static str> {
    let text = text.to_owned();
    |flight| {
        async move { if flight.land(text.clone(), NOW, LATER) { Ok(text) } else { Err("evicted") } }.boxed()
    }
}

fn never(_: Flight<&'static str, String, &'static str>) -> Flown<String, &'static str> {
    panic!("nothing should take off")
}

fn settle(found: Found<String, &'static str>) -> Result<String, &'static str> {
    match found {
        Found::Fresh(value) => Ok(value),
        Found::Flying(flight) => block_on(flight),
        Found::Outdated => Err("outdated"),
    }
}

#[test]
fn a_value_is_kept_until_its_time_and_for_its_generation_and_key_only() {
    let cache = Texts::new(9);
    let one = installation(1);
    assert_eq!(settle(cache.look(one, &"a", 3, NOW, lands("a3"))), Ok("a3".into()));
    assert_eq!(settle(cache.look(one, &"a", 3, LATER - Duration::NANOSECOND, never)), Ok("a3".into()));
    // At its end, under another key, of another installation, of a later row: made anew.
    assert_eq!(settle(cache.look(one, &"b", 3, NOW, lands("b3"))), Ok("b3".into()));
    assert_eq!(settle(cache.look(installation(2), &"a", 3, NOW, lands("two"))), Ok("two".into()));
    assert_eq!(settle(cache.look(one, &"a", 3, LATER, lands("again"))), Ok("again".into()));
    assert_eq!(settle(cache.look(one, &"a", 4, NOW, lands("a4"))), Ok("a4".into()));
    // Whoever read an older row is told so, and does no harm.
    assert_eq!(settle(cache.look(one, &"a", 3, NOW, never)), Err("outdated"));
    assert_eq!(settle(cache.look(one, &"a", 4, NOW, never)), Ok("a4".into()));
}

/// A flight that takes off once it is driven, and lands when it is let to.
struct Runway {
    started: Arc<AtomicU32>,
    open: Arc<std::sync::atomic::AtomicBool>,
}

impl Runway {
    fn new() -> Self {
        Self { started: Arc::default(), open: Arc::default() }
    }

    fn flight(
        &self,
    ) -> impl FnOnce(Flight<&'static str, String, &'static str>) -> Flown<String, &'static str> {
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
                if flight.land("landed".into(), NOW, LATER) { Ok("landed".into()) } else { Err("evicted") }
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

fn flying(found: Found<String, &'static str>) -> Shared<Flown<String, &'static str>> {
    match found {
        Found::Flying(flight) => flight,
        Found::Fresh(_) | Found::Outdated => panic!("expected a flight"),
    }
}

fn poll(flight: &mut Shared<Flown<String, &'static str>>) -> Poll<Result<String, &'static str>> {
    let waker = noop_waker();
    flight.poll_unpin(&mut Context::from_waker(&waker))
}

#[test]
fn ten_thousand_callers_make_one_flight_and_a_cancelled_one_strands_nobody_l_38() {
    let cache = Texts::new(9);
    let runway = Runway::new();
    let look = || flying(cache.look(installation(1), &"a", 1, NOW, runway.flight()));
    let mut callers: Vec<_> = (0..10_000).map(|_| look()).collect();
    // The one who took off is driving, then goes away; so does every fifth.
    let mut leader = callers.remove(0);
    assert!(poll(&mut leader).is_pending());
    drop(leader);
    let index = Cell::new(0_u32);
    callers.retain(|_| !index.replace(index.get() + 1).is_multiple_of(5));
    runway.open();
    let answers = block_on(join_all(callers));
    assert_eq!(answers.len(), 7_999);
    assert!(answers.iter().all(|answer| answer.as_deref() == Ok("landed")));
    assert_eq!(runway.started(), 1);
}

#[test]
fn a_flight_that_everybody_left_is_forgotten_and_the_next_caller_starts_over() {
    let cache = Texts::new(9);
    let first = Runway::new();
    let mut caller = flying(cache.look(installation(1), &"a", 1, NOW, first.flight()));
    assert!(poll(&mut caller).is_pending());
    drop(caller);
    assert_eq!(cache.lock().len(), 0, "a flight that is dropped leaves nothing");
    assert_eq!(settle(cache.look(installation(1), &"a", 1, NOW, lands("second"))), Ok("second".into()));
}

#[test]
fn an_evicted_flight_does_not_come_back_l_39() {
    let cache = Texts::new(9);
    let runway = Runway::new();
    let one = installation(1);
    let mut evicted = flying(cache.look(one, &"a", 1, NOW, runway.flight()));
    assert!(poll(&mut evicted).is_pending());
    assert!(cache.evict(one).is_empty());
    // One that took off afterwards is another, and it stays when the first one comes down, either way round.
    let second = flying(cache.look(one, &"a", 1, NOW, lands("second")));
    runway.open();
    assert_eq!(block_on(evicted), Err("evicted"));
    assert_eq!(block_on(second), Ok("second".into()));
    assert_eq!(settle(cache.look(one, &"a", 1, NOW, never)), Ok("second".into()));
    assert_eq!(cache.evict(one), ["second"]);
    assert_eq!(settle(cache.look(one, &"a", 1, NOW, lands("third"))), Ok("third".into()));
    assert_eq!(cache.clear(), ["third"]);
}

#[test]
fn a_failed_flight_is_an_answer_to_those_who_waited_and_to_nobody_after() {
    let cache = Texts::new(9);
    let fails = |flight: Flight<_, String, _>| {
        async move {
            drop(flight);
            Err("GitHub is down")
        }
        .boxed()
    };
    let first = flying(cache.look(installation(1), &"a", 1, NOW, fails));
    let joined = flying(cache.look(installation(1), &"a", 1, NOW, never));
    assert_eq!(block_on(join_all([first, joined])), [Err("GitHub is down"), Err("GitHub is down")]);
    assert_eq!(settle(cache.look(installation(1), &"a", 1, NOW, lands("up"))), Ok("up".into()));
}

#[test]
fn what_would_end_first_goes_when_there_is_no_room() {
    let cache = Texts::new(3);
    let until = |seconds: i64| {
        move |flight: Flight<&'static str, String, &'static str>| {
            async move {
                let text = seconds.to_string();
                let landed = flight.land(text.clone(), NOW, NOW + Duration::seconds(seconds));
                if landed { Ok(text) } else { Err("evicted") }
            }
            .boxed()
        }
    };
    for (number, seconds) in [(1, 50), (2, 10), (3, 40), (4, 30)] {
        settle(cache.look(installation(number), &"a", 1, NOW, until(seconds))).unwrap();
    }
    assert_eq!(cache.lock().len(), 3);
    for (number, seconds) in [(1, "50"), (3, "40"), (4, "30")] {
        assert_eq!(settle(cache.look(installation(number), &"a", 1, NOW, never)).unwrap(), seconds);
    }
    // Nor do flights that nobody drives any more fill it up.
    for number in 10..1_000 {
        let waits = |flight| {
            async move {
                pending::<()>().await;
                drop(flight);
                Err("never")
            }
            .boxed()
        };
        drop(flying(cache.look(installation(number), &"a", 1, NOW, waits)));
    }
    assert_eq!(cache.lock().len(), 3);
}
