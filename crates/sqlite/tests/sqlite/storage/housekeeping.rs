//! Which rows a purge deletes, and which it keeps.

use dockline::ports::{
    BindingRepo, InsertOutcome, Observation, RateLimitRequest, RateLimiter, ReleaseOutcome, StateStore,
};
use dockline::{BudgetClass, KeyId, Status, Tier};
use dockline_sqlite::{
    AppNumber, Purged, SqliteBindingRepo, SqliteHousekeeping, SqliteRateLimiter, SqliteStateStore,
};
use time::Duration;

use crate::fixtures::{NOON, account, actor, binding, digest, installation, installer, organization, state};
use crate::test_database;

const MONTH: Duration = Duration::days(30);

#[tokio::test]
async fn states_are_deleted_a_day_after_their_expiry_in_batches() {
    let (_guard, database) = test_database::database().await;
    let (states, housekeeping) =
        (SqliteStateStore::new(&database.with_app(AppNumber::FIRST)), SqliteHousekeeping::new(&database));
    for text in ["a", "b", "c"] {
        states.put(state("org_a", text)).await.unwrap();
    }
    let expired = state("org_a", "a").expires_at;
    assert_eq!(housekeeping.purge(expired + Duration::DAY, 2).await.unwrap().all(), 0);
    let later = expired + Duration::DAY + Duration::MICROSECOND;
    for left in [2, 1, 0] {
        assert_eq!(housekeeping.purge(later, 2).await.unwrap(), Purged { states: left, ..Purged::default() });
    }
    assert_eq!(states.find_by_digest(&digest("a")).await.unwrap(), None);
}

#[tokio::test]
async fn only_unbound_installations_are_deleted_and_their_states_stay_spent() {
    let (_guard, database) = test_database::database().await;
    let (bindings, housekeeping) =
        (SqliteBindingRepo::new(&database.with_app(AppNumber::FIRST)), SqliteHousekeeping::new(&database));
    let uninstalled = || Observation::Deleted { at: NOON };
    // Bound to an active and to an uninstalled installation.
    bindings.insert(binding("org_a", 1, "a")).await.unwrap();
    bindings.insert(binding("org_b", 2, "b")).await.unwrap();
    bindings.observe(installation(2), uninstalled()).await.unwrap();
    // Deleted long after it was last shown: the account is kept for a month, and the end for ever.
    let shown = Observation::Present {
        status: Status::Active,
        account: account(6),
        asked_at: NOON,
        next_look_at: NOON,
    };
    bindings.observe(installation(6), shown).await.unwrap();
    let later = Observation::Deleted { at: NOON + Duration::days(2) };
    bindings.observe(installation(6), later).await.unwrap();
    // Never bound, uninstalled and suspended; and bound, then released two days later.
    bindings.observe(installation(3), uninstalled()).await.unwrap();
    let present = Observation::Present {
        status: Status::Suspended,
        account: account(4),
        asked_at: NOON,
        next_look_at: NOON,
    };
    bindings.observe(installation(4), present).await.unwrap();
    bindings.insert(binding("org_c", 5, "c")).await.unwrap();
    let released = bindings
        .release(&organization("org_c"), installation(5), &actor(), NOON + Duration::days(2))
        .await
        .unwrap();
    assert!(matches!(released, ReleaseOutcome::Released(_)));

    let after = |past: Duration| NOON + MONTH + past;
    assert_eq!(housekeeping.purge(after(Duration::ZERO), 10).await.unwrap().all(), 0);
    // Of the end of 3 there is nothing to delete.
    assert_eq!(housekeeping.purge(after(Duration::HOUR), 10).await.unwrap().installations, 1);
    assert_eq!(housekeeping.purge(after(Duration::days(3)), 10).await.unwrap().installations, 2);
    assert_eq!(housekeeping.purge(after(Duration::days(3)), 10).await.unwrap(), Purged::default());
    assert!(bindings.find(&organization("org_a")).await.unwrap().is_some());
    assert!(bindings.find(&organization("org_b")).await.unwrap().is_some());
    assert_eq!(bindings.insert(binding("org_c", 5, "c")).await.unwrap(), InsertOutcome::Spent);
}

#[tokio::test]
async fn installers_are_deleted_a_month_after_their_record_unless_the_installation_is_bound() {
    let (_guard, database) = test_database::database().await;
    let (bindings, housekeeping) =
        (SqliteBindingRepo::new(&database.with_app(AppNumber::FIRST)), SqliteHousekeeping::new(&database));
    let (person, org) = (installer(77), organization("org_a"));
    // 1 is bound, 2 is unbound, 3 to 5 are unknown, 6 is recorded later.
    bindings.insert(binding("org_a", 1, "a")).await.unwrap();
    let present = Observation::Present {
        status: Status::Active,
        account: account(2),
        asked_at: NOON,
        next_look_at: NOON,
    };
    bindings.observe(installation(2), present).await.unwrap();
    for number in 1..=5 {
        bindings.record_installer(installation(number), person, NOON).await.unwrap();
    }
    let later = NOON + Duration::days(3);
    bindings.record_installer(installation(6), person, later).await.unwrap();
    // A second record does not extend the retention.
    bindings.record_installer(installation(5), person, later).await.unwrap();

    let purge = async |past| housekeeping.purge(NOON + MONTH + past, 2).await.unwrap().installers;
    assert_eq!(purge(Duration::ZERO).await, 0);
    for left in [2, 2, 0] {
        assert_eq!(purge(Duration::MICROSECOND).await, left);
    }
    for (number, kept) in [(1, true), (2, false), (5, false), (6, true)] {
        let stored = bindings.installer(installation(number)).await.unwrap();
        assert_eq!(stored, kept.then_some(person), "{number}");
    }
    // After the purge another installer can be recorded.
    bindings.record_installer(installation(5), installer(78), later).await.unwrap();
    assert_eq!(bindings.installer(installation(5)).await.unwrap(), Some(installer(78)));
    // Without the binding, only the age counts.
    bindings.release(&org, installation(1), &actor(), NOON + MONTH).await.unwrap();
    assert_eq!(purge(Duration::HOUR).await, 1);
    assert_eq!(bindings.installer(installation(1)).await.unwrap(), None);
}

#[tokio::test]
async fn buckets_are_deleted_when_they_equal_a_fresh_one() {
    let (_guard, database) = test_database::database().await;
    let (limiter, housekeeping) = (SqliteRateLimiter::new(&database), SqliteHousekeeping::new(&database));
    for class in [BudgetClass::Read, BudgetClass::Write] {
        let key = KeyId::parse("0123456789ABCDEF").unwrap();
        limiter
            .check(RateLimitRequest {
                key: (&key).into(),
                class,
                tier: Tier::standard(),
                permits: 1,
                now: NOON,
            })
            .await
            .unwrap();
    }
    let buckets = async |after| housekeeping.purge(NOON + after, 10).await.unwrap().buckets;
    assert_eq!(buckets(Duration::HOUR).await, 0, "a node's clock may be an hour behind");
    assert_eq!(buckets(Duration::HOUR + Duration::SECOND).await, 1, "the bucket of reads");
    assert_eq!(buckets(Duration::hours(12)).await, 0, "writes count towards the daily cap");
    assert_eq!(buckets(Duration::hours(13)).await, 1, "the bucket of writes, an hour after midnight");
}
