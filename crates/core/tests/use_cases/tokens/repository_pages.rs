//! Reading GitHub's list of repositories, page by page.

use dockline::{ErrorCode, RefusedToken, RepositoriesError};
use dockline_testkit::faults::Fault;
use time::Duration;

use crate::support::{World, acme};
use crate::tokens::repositories::{count, ids, linked, list, page, query, unavailable};

#[tokio::test]
async fn short_pages_do_not_end_the_list_l79() {
    let world = World::new();
    world.bound().await;
    world.github.script_pages([
        linked(1..=99, 252, Some(2)),
        linked(101..=200, 252, Some(3)),
        linked(201..=253, 252, None),
    ]);
    assert_eq!(count(&world).await, 252);
    assert_eq!(world.gateway.count("repositories"), 3);
    // The total is that of the first page.
    world.clock.advance(Duration::MINUTE);
    world.github.script_pages([linked(1..=99, 99, Some(2)), linked([100], 99, None)]);
    world.github.script_pages([linked(1..=99, 99, Some(2)), linked([100], 99, None)]);
    assert_eq!(count(&world).await, 100);
}

#[tokio::test]
async fn a_list_that_changes_while_it_is_read_is_read_once_more() {
    let world = World::new();
    world.bound().await;
    // A repository is removed between the pages: another one moves to the first page and is missed.
    world.github.script_pages([linked(1..=100, 150, Some(2)), page(102..=150, 149)]);
    world.github.set_repositories((2..=150).filter(|id| *id != 50));
    assert_eq!(ids(&world).await.len(), 148);
    assert_eq!(world.gateway.count("repositories"), 4);
    // The totals agree, and the number of repositories does not.
    world.clock.advance(Duration::MINUTE);
    world.github.script_pages([page([1, 2], 3)]);
    world.github.set_repositories([1, 2, 3]);
    assert_eq!(ids(&world).await, [1, 2, 3]);
    // The totals differ, and the number of repositories is that of the first page.
    world.clock.advance(Duration::MINUTE);
    world.github.script_pages([linked(1..=100, 101, Some(2)), page([101], 102)]);
    world.github.set_repositories([7]);
    assert_eq!(ids(&world).await, [7]);
    world.clock.advance(Duration::MINUTE);
    let before = world.gateway.count("repositories");
    world.github.script_pages(std::iter::repeat_n(page([1, 2], 3), 9));
    assert_eq!(ids(&world).await, [1, 2]);
    assert_eq!(world.gateway.count("repositories") - before, 2);
}

#[tokio::test]
async fn pages_are_read_five_at_a_time_and_the_next_call_continues_a_reading_that_was_cut_off_l78() {
    let world = World::new();
    world.bound().await;
    world.github.set_repositories(1..=8_000);
    world.github.hold_pages_from(41);
    let requests = || world.gateway.count("repositories");
    let reading = async |expected: usize| {
        let dockline = world.dockline.clone();
        let call = tokio::spawn(async move { list(&dockline, &query("9")).await });
        while requests() < expected {
            assert!(!call.is_finished());
            tokio::task::yield_now().await;
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(requests(), expected, "five wait");
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    };
    reading(40 + 5).await;
    // The pages that were cut off are requested again.
    reading(40 + 5 + 5).await;
    world.clock.advance(Duration::minutes(10) - Duration::MICROSECOND);
    world.github.hold_pages_from(u32::MAX);
    assert_eq!(count(&world).await, 8_000);
    assert_eq!(requests(), 40 + 5 + 5 + 40);

    // Not kept: more than ten minutes, a change, and a list that was read to its end.
    world.clock.advance(Duration::MINUTE);
    world.github.hold_pages_from(41);
    let before = requests();
    reading(before + 45).await;
    world.clock.advance(Duration::minutes(10));
    reading(before + 2 * 45).await;
    let token =
        world.dockline.token(&acme().organization, &dockline::TokenScope::everything()).await.unwrap();
    assert_eq!(world.dockline.token_refused(&token), RefusedToken::Forgotten);
    reading(before + 3 * 45).await;
    world.github.hold_pages_from(u32::MAX);
    assert_eq!(count(&world).await, 8_000);
    world.clock.advance(Duration::MINUTE);
    assert_eq!(count(&world).await, 8_000);
    assert_eq!(requests(), before + 3 * 45 + 40 + 80);
}

/// One page that fails costs one page.
#[tokio::test]
async fn a_page_that_fails_is_the_only_one_that_is_read_again() {
    let world = World::new();
    world.bound().await;
    world.github.set_repositories(1..=300);
    world.github.hold_pages_from(3);
    world.gateway.set(Fault::FailsBefore.once().of("repositories"));
    unavailable(&world).await;
    world.github.hold_pages_from(u32::MAX);
    assert_eq!(count(&world).await, 300);
    assert_eq!(world.gateway.count("repositories"), 1 + 3);
}

#[tokio::test]
async fn more_than_twenty_thousand_repositories_are_an_outcome_of_their_own() {
    let world = World::new();
    let bound = world.bound().await;
    world.github.script_pages([linked(1..=100, 20_001, Some(2))]);
    for _ in 0..2 {
        match list(&world.dockline, &query("9")).await {
            Err(error @ RepositoriesError::TooMany(_)) => {
                assert_eq!(error.code(), ErrorCode::Validation);
                assert_eq!(error.to_string(), "the installation has more than 20000 repositories");
                assert!(
                    matches!(error, RepositoriesError::TooMany(found) if found.installation == bound.installation)
                );
            }
            other => panic!("{other:?}"),
        }
    }
    world.clock.advance(Duration::MINUTE);
    world.github.set_repositories(1..=20_000);
    let first = list(&world.dockline, &query("1")).await.unwrap();
    assert!(first.next.is_some());
    assert_eq!(world.gateway.count("repositories"), 1 + 200);
}

#[tokio::test]
async fn a_list_that_never_ends_is_given_up_after_two_hundred_pages() {
    let world = World::new();
    world.bound().await;
    world.github.script_pages(std::iter::repeat_n(linked(1..=100, 20_000, Some(2)), 1_000));
    match list(&world.dockline, &query("9")).await {
        Err(RepositoriesError::TooMany(_)) => {}
        other => panic!("{other:?}"),
    }
    assert!(world.gateway.count("repositories") <= 200);
}
