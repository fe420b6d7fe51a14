//! One round lets broken stores through, hence many.

use std::sync::Barrier;
use std::thread;

use dockline::IssuedState;
use dockline::ports::{Put, StateStore, Vouched};
use dockline_memory::MemoryStateStore;
use pollster::block_on;

use crate::fixtures::{digest, issued, organization, stored, ticket, tie, visit};

const ROUNDS: usize = 50;
const THREADS: u64 = 16;

/// What 16 threads get that start at once, in many rounds on a store of their own each.
fn race<T: Send>(
    prepare: impl Fn(&MemoryStateStore),
    run: impl Fn(&dyn StateStore, u64) -> T + Sync,
    check: impl Fn(&MemoryStateStore, Vec<T>),
) {
    for _ in 0..ROUNDS {
        let states = MemoryStateStore::new();
        prepare(&states);
        let barrier = Barrier::new(usize::try_from(THREADS).unwrap());
        let outcomes = thread::scope(|scope| {
            let start = |number| {
                let (states, barrier, run) = (&states, &barrier, &run);
                scope.spawn(move || {
                    barrier.wait();
                    run(states, number)
                })
            };
            let threads: Vec<_> = (1..=THREADS).map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        check(&states, outcomes);
    }
}

fn issue(states: &MemoryStateStore) {
    block_on(states.put(issued())).unwrap();
}

fn with_an_open_question(states: &MemoryStateStore) {
    issue(states);
    block_on(states.hold(&digest(), visit("ticket"))).unwrap();
}

fn count<T: PartialEq>(outcomes: &[T], wanted: &T) -> usize {
    outcomes.iter().filter(|outcome| *outcome == wanted).count()
}

#[test]
fn of_organizations_that_race_for_one_digest_one_gets_it() {
    race(
        |_| {},
        |states, number| {
            let organization = organization(&format!("org_{number}"));
            block_on(states.put(IssuedState { organization, ..issued() })).unwrap()
        },
        |_, outcomes| assert_eq!((count(&outcomes, &Put::Stored), count(&outcomes, &Put::InUse)), (1, 15)),
    );
}

// L-18
#[test]
fn of_installations_that_race_for_one_state_one_is_tied() {
    race(
        issue,
        |states, number| block_on(states.vouch(&digest(), None, tie(number))).unwrap(),
        |states, outcomes| {
            assert_eq!(count(&outcomes, &Vouched::TiedToOther), 15);
            let winner = outcomes.iter().position(|outcome| *outcome == Vouched::Tied).unwrap();
            let tied = block_on(stored(states)).unwrap().tie;
            assert_eq!(tied, Some(tie(u64::try_from(winner).unwrap() + 1)));
        },
    );
}

#[test]
fn twins_that_race_are_told_of_one_tie() {
    race(
        issue,
        |states, _| block_on(states.vouch(&digest(), None, tie(1))).unwrap(),
        |_, outcomes| {
            assert_eq!((count(&outcomes, &Vouched::Tied), count(&outcomes, &Vouched::AlreadyTied)), (1, 15));
        },
    );
}

#[test]
fn a_ticket_that_is_shown_many_times_at_once_is_good_once() {
    race(
        with_an_open_question,
        |states, _| block_on(states.vouch(&digest(), Some(&ticket("ticket")), tie(1))).unwrap(),
        |_, outcomes| {
            assert_eq!((count(&outcomes, &Vouched::Tied), count(&outcomes, &Vouched::Unknown)), (1, 15));
        },
    );
}

#[test]
fn confirm_and_cancel_with_one_ticket_cannot_both_win() {
    race(
        with_an_open_question,
        |states, number| {
            let shown = ticket("ticket");
            if number % 2 == 0 {
                block_on(states.discard(&digest(), Some(&shown))).unwrap()
            } else {
                block_on(states.vouch(&digest(), Some(&shown), tie(1))).unwrap() == Vouched::Tied
            }
        },
        |_, outcomes| assert_eq!(count(&outcomes, &true), 1),
    );
}
