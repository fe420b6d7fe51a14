//! One round lets broken repositories through, hence many.

use std::sync::Barrier;
use std::thread;

use dockline::ports::{BindingRepo, Insertion, Release};
use dockline::{Binding, NewBinding, Status};
use dockline_memory::MemoryBindingRepo;
use pollster::block_on;

use crate::fixtures::{bind, found, gone, installation, new_binding, organization, seconds};

const ROUNDS: usize = 50;
const THREADS: u64 = 16;

/// What 16 threads get that start at once, in many rounds on a repository of their own each.
fn race<T: Send>(
    prepare: impl Fn(&MemoryBindingRepo),
    run: impl Fn(&dyn BindingRepo, u64) -> T + Sync,
    check: impl Fn(&MemoryBindingRepo, Vec<T>),
) {
    for _ in 0..ROUNDS {
        let repo = MemoryBindingRepo::new();
        prepare(&repo);
        let barrier = Barrier::new(usize::try_from(THREADS).unwrap());
        let outcomes = thread::scope(|scope| {
            let start = |number| {
                let (repo, barrier, run) = (&repo, &barrier, &run);
                scope.spawn(move || {
                    barrier.wait();
                    run(repo, number)
                })
            };
            let threads: Vec<_> = (1..=THREADS).map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        check(&repo, outcomes);
    }
}

fn nothing(_: &MemoryBindingRepo) {}

fn insert(repo: &dyn BindingRepo, new: NewBinding) -> Insertion {
    block_on(repo.insert(new)).unwrap()
}

/// Parts the one winner from the others.
fn winner(outcomes: Vec<Insertion>) -> (Binding, Vec<Insertion>) {
    let (won, others): (Vec<_>, Vec<_>) =
        outcomes.into_iter().partition(|outcome| matches!(outcome, Insertion::Inserted(_)));
    match <[Insertion; 1]>::try_from(won) {
        Ok([Insertion::Inserted(binding)]) => (binding, others),
        other => unreachable!("not one winner: {other:?}"),
    }
}

// L-51, L-64: the losers are answered the winner's row, registered_at and all.
#[test]
fn of_installations_that_race_for_one_organization_one_is_bound() {
    race(
        nothing,
        |repo, number| {
            let registered_at = seconds(number.cast_signed());
            insert(repo, NewBinding { registered_at, ..new_binding("acme", number, &number.to_string()) })
        },
        |repo, outcomes| {
            let (row, others) = winner(outcomes);
            assert_eq!(others, vec![Insertion::Occupied(row.clone()); 15]);
            assert_eq!(block_on(found(repo, "acme")), Some(row.clone()));
            for number in 1..=THREADS {
                let bound = block_on(repo.find_by_installation(installation(number))).unwrap();
                assert_eq!(bound.is_some(), row.installation == installation(number));
            }
        },
    );
}

// L-50
#[test]
fn of_organizations_that_race_for_one_installation_one_gets_it() {
    race(
        nothing,
        |repo, number| insert(repo, new_binding(&format!("org_{number}"), 1, "state")),
        |repo, outcomes| {
            let (row, others) = winner(outcomes);
            assert_eq!(others, vec![Insertion::Taken; 15]);
            assert_eq!(block_on(repo.find_by_installation(installation(1))).unwrap(), Some(row.clone()));
            for number in 1..=THREADS {
                let name = format!("org_{number}");
                let bound = block_on(found(repo, &name)).is_some();
                assert_eq!(bound, row.organization == organization(&name));
            }
        },
    );
}

// I4
#[test]
fn twins_that_race_are_all_answered_one_row() {
    race(
        nothing,
        |repo, number| {
            let registered_at = seconds(number.cast_signed());
            insert(repo, NewBinding { registered_at, ..new_binding("acme", 1, "state") })
        },
        |repo, outcomes| {
            let (row, others) = winner(outcomes);
            assert_eq!(others, vec![Insertion::Occupied(row); 15]);
            assert_eq!(repo.history(&organization("acme")).len(), 1);
        },
    );
}

// I3
#[test]
fn one_state_that_is_shown_for_two_installations_binds_one() {
    race(
        nothing,
        |repo, number| insert(repo, new_binding("acme", 1 + number % 2, "state")),
        |_, outcomes| {
            let (row, others) = winner(outcomes);
            assert_eq!(others, vec![Insertion::Occupied(row); 15]);
        },
    );
}

// I3: not even where the binding is released between the two.
#[test]
fn one_state_makes_one_binding_ever_however_fast_it_is_released() {
    race(
        nothing,
        |repo, number| {
            let outcome = insert(repo, new_binding("acme", number, "state"));
            if matches!(outcome, Insertion::Inserted(_)) {
                let acme = organization("acme");
                let release = block_on(repo.release(&acme, installation(number), seconds(60)));
                assert!(matches!(release.unwrap(), Release::Released(_)));
            }
            outcome
        },
        |repo, outcomes| {
            let (row, others) = winner(outcomes);
            for other in others {
                assert!(other == Insertion::Spent || other == Insertion::Occupied(row.clone()), "{other:?}");
            }
            assert_eq!(repo.history(&organization("acme")).len(), 1);
        },
    );
}

// I7: write skew would leave a binding that looks alive to an installation that is dead.
#[test]
fn a_bind_that_races_an_uninstall_never_looks_alive() {
    race(
        nothing,
        |repo, number| {
            if number == THREADS / 2 {
                block_on(repo.observe(installation(1), gone(seconds(-60)))).unwrap();
                None
            } else {
                Some(insert(repo, new_binding(&format!("org_{number}"), 1, "state")))
            }
        },
        |repo, outcomes| {
            let binding = block_on(repo.find_by_installation(installation(1))).unwrap();
            let inserted = outcomes.iter().flatten().any(|o| matches!(o, Insertion::Inserted(_)));
            assert_eq!(binding.is_some(), inserted);
            assert!(binding.is_none_or(|binding| binding.status == Status::Uninstalled));
        },
    );
}

#[test]
fn a_binding_is_released_once() {
    race(
        |repo| drop(block_on(bind(repo, new_binding("acme", 1, "state")))),
        |repo, _| block_on(repo.release(&organization("acme"), installation(1), seconds(60))).unwrap(),
        |_, outcomes| {
            let released = outcomes.iter().filter(|outcome| **outcome != Release::NothingBound);
            assert_eq!(released.count(), 1);
        },
    );
}
