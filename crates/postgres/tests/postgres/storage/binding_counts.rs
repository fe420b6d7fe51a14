//! Which bindings are counted.

use dockline::Status;
use dockline::ports::{BindingRepo, Observation};
use dockline_postgres::{AppNumber, BindingCounts, PgBindingCounts, PgBindingRepo};
use time::Duration;

use crate::fixtures::{NOON, account, binding, installation, organization};
use crate::test_database;

#[tokio::test]
async fn live_bindings_are_counted_by_status_and_the_oldest_verification_is_returned() {
    let (_guard, database) = test_database::database().await;
    let (bindings, counts) = (
        PgBindingRepo::new(&database.with_app(AppNumber::FIRST)),
        PgBindingCounts::new(&database.with_app(AppNumber::FIRST)),
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
    bindings.release(&organization("org_6"), installation(6), NOON).await.unwrap();
    let oldest_verification = Some(NOON);
    for (days, denied) in [(1, 3), (8, 2)] {
        let counted = counts.count(NOON + Duration::days(days)).await.unwrap();
        let expected = BindingCounts {
            active: 3,
            suspended: 1,
            missing: 2,
            ending: 1,
            uninstalled: 2,
            denied,
            oldest_verification,
        };
        assert_eq!(counted, expected);
    }
}
