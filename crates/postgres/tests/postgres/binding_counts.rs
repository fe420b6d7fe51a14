//! Which bindings are counted.

use dockline::Status;
use dockline::ports::{BindingRepo, Observation};
use dockline_postgres::{BindingCounts, PgBindingCounts, PgBindingRepo};
use time::Duration;

use crate::fixtures::{NOON, account, binding, installation, organization};
use crate::test_database;

#[tokio::test]
async fn live_bindings_are_counted_by_status_and_the_oldest_verification_is_returned() {
    let (_guard, database) = test_database::database().await;
    let (bindings, counts) = (PgBindingRepo::new(&database), PgBindingCounts::new(&database));
    assert_eq!(counts.count().await.unwrap(), BindingCounts::default());
    for number in 1..=6 {
        bindings.insert(binding(&format!("org_{number}"), number, "s")).await.unwrap();
    }
    let seen = |status, number, minutes| Observation::Present {
        status,
        account: account(number),
        verified_at: NOON + Duration::minutes(minutes),
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
    bindings.observe(installation(5), Observation::Uninstalled { verified_at: NOON }).await.unwrap();
    bindings.release(&organization("org_6"), installation(6), NOON).await.unwrap();
    let counted = counts.count().await.unwrap();
    let oldest_verification = Some(NOON + Duration::minutes(3));
    assert_eq!(counted, BindingCounts { active: 3, suspended: 1, uninstalled: 1, oldest_verification });
}
