//! Which bindings are counted.

use dockline::Status;
use dockline::ports::{BindingRepo, Observation};
use dockline_sqlite::{AppNumber, BindingCounts, SqliteBindingCounts, SqliteBindingRepo};
use time::Duration;

use crate::fixtures::{NOON, account, actor, binding, installation, organization};
use crate::test_database;

#[tokio::test]
async fn live_bindings_are_counted_by_status() {
    let (_guard, database) = test_database::database().await;
    let (bindings, counts) = (
        SqliteBindingRepo::new(&database.with_app(AppNumber::FIRST)),
        SqliteBindingCounts::new(&database.with_app(AppNumber::FIRST)),
    );
    assert_eq!(counts.count(NOON).await.unwrap(), BindingCounts::default());
    for number in (1..=6).chain(10..=13) {
        bindings.insert(binding(&format!("org_{number}"), number, "s")).await.unwrap();
    }
    let seen = |status, number, minutes| Observation::Present {
        status,
        account: account(number),
        asked_at: NOON + Duration::minutes(minutes),
        next_look_at: NOON + Duration::HOUR,
    };
    for (number, status, minutes) in [
        (1, Status::Active, 9),
        (2, Status::Active, 3),
        (3, Status::Active, 7),
        (4, Status::Suspended, 5),
        // Unbound.
        (9, Status::Active, 1),
    ] {
        bindings.observe(installation(number), seen(status, number, minutes)).await.unwrap();
    }
    bindings.observe(installation(5), Observation::Deleted { at: NOON }).await.unwrap();
    // 10 and 11 are missing, 12 is absent, 13 is ending.
    let missing = |minutes| Observation::Missing { asked_at: NOON + Duration::minutes(minutes) };
    for (number, minutes) in [(10, 10), (11, 10), (12, 10), (12, 70)] {
        bindings.observe(installation(number), missing(minutes)).await.unwrap();
    }
    bindings.observe(installation(13), Observation::Ending { at: NOON }).await.unwrap();
    bindings.release(&organization("org_6"), installation(6), &actor(), NOON).await.unwrap();
    let due_since = Some(NOON + Duration::minutes(11));
    for (days, not_shown) in [(1, 3), (8, 2)] {
        let counted = counts.count(NOON + Duration::days(days)).await.unwrap();
        let expected = BindingCounts {
            active: 3,
            suspended: 1,
            missing: 2,
            ending: 1,
            uninstalled: 2,
            not_shown,
            due_since,
        };
        assert_eq!(counted, expected);
    }
}

/// Whatever comes of a look, it moves the binding's next look, so that none raises the lag of the sweep for ever.
#[tokio::test]
async fn longest_due_binding_is_the_first_of_the_sweep_and_a_failed_look_puts_it_back() {
    let (_guard, database) = test_database::database().await;
    let app = database.with_app(AppNumber::FIRST);
    let (bindings, counts) = (SqliteBindingRepo::new(&app), SqliteBindingCounts::new(&app));
    for number in 1..=3 {
        bindings.insert(binding(&format!("org_{number}"), number, "s")).await.unwrap();
    }
    let due_since = async || counts.count(NOON).await.unwrap().due_since.unwrap();
    let first = due_since().await;
    for number in 1..=3 {
        bindings.postpone(installation(number), first + Duration::minutes(5)).await.unwrap();
        let expected = if number < 3 { first } else { first + Duration::minutes(5) };
        assert_eq!(due_since().await, expected);
    }
    for (number, end) in
        [(1, Observation::Deleted { at: NOON }), (2, Observation::UninstalledByUs { at: NOON })]
    {
        bindings.observe(installation(number), end).await.unwrap();
    }
    bindings.release(&organization("org_3"), installation(3), &actor(), NOON).await.unwrap();
    assert_eq!(counts.count(NOON).await.unwrap().due_since, None);
}
