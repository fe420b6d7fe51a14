//! What a purge deletes, and what it never does.

use dockline::ports::{
    BindingRepo, InsertOutcome, Observation, RateLimitRequest, RateLimiter, ReleaseOutcome, StateStore,
};
use dockline::{BudgetClass, KeyId, Status, Tier};
use dockline_postgres::{PgBindingRepo, PgHousekeeping, PgRateLimiter, PgStateStore, Purged};
use time::Duration;

use crate::fixtures::{NOON, account, binding, digest, installation, organization, state};
use crate::fresh::session_in;
use crate::migrated;

const MONTH: Duration = Duration::days(30);

#[tokio::test]
async fn states_go_a_day_after_they_expired_some_at_a_time() {
    let (_fresh, database) = migrated::database().await;
    let (states, housekeeping) = (PgStateStore::new(&database), PgHousekeeping::new(&database));
    for text in ["a", "b", "c"] {
        states.put(state("org_a", text)).await.unwrap();
    }
    let expired = state("org_a", "a").expires_at;
    assert!(!housekeeping.purge(expired + Duration::DAY, 2).await.unwrap().any());
    let later = expired + Duration::DAY + Duration::MICROSECOND;
    for left in [2, 1, 0] {
        assert_eq!(housekeeping.purge(later, 2).await.unwrap(), Purged { states: left, ..Purged::default() });
    }
    assert_eq!(states.find_by_digest(&digest("a")).await.unwrap(), None);
}

#[tokio::test]
async fn only_installations_that_nobody_has_go_and_their_spent_states_stay() {
    let (_fresh, database) = migrated::database().await;
    let (bindings, housekeeping) = (PgBindingRepo::new(&database), PgHousekeeping::new(&database));
    let uninstalled = || Observation::Uninstalled { verified_at: NOON };
    // Bound, and bound to what is gone: somebody still sees it.
    bindings.insert(binding("org_a", 1, "a")).await.unwrap();
    bindings.insert(binding("org_b", 2, "b")).await.unwrap();
    bindings.observe(installation(2), uninstalled()).await.unwrap();
    // Never bound, and released two days later.
    bindings.observe(installation(3), uninstalled()).await.unwrap();
    let present = Observation::Present { status: Status::Suspended, account: account(4), verified_at: NOON };
    bindings.observe(installation(4), present).await.unwrap();
    bindings.insert(binding("org_c", 5, "c")).await.unwrap();
    let released =
        bindings.release(&organization("org_c"), installation(5), NOON + Duration::days(2)).await.unwrap();
    assert!(matches!(released, ReleaseOutcome::Released(_)));

    let after = |past: Duration| NOON + MONTH + past;
    assert!(!housekeeping.purge(after(Duration::ZERO), 10).await.unwrap().any());
    assert_eq!(housekeeping.purge(after(Duration::HOUR), 10).await.unwrap().installations, 2);
    assert_eq!(housekeeping.purge(after(Duration::days(3)), 10).await.unwrap().installations, 1);
    assert_eq!(housekeeping.purge(after(Duration::days(3)), 10).await.unwrap(), Purged::default());
    assert!(bindings.find(&organization("org_a")).await.unwrap().is_some());
    assert!(bindings.find(&organization("org_b")).await.unwrap().is_some());
    assert_eq!(bindings.insert(binding("org_c", 5, "c")).await.unwrap(), InsertOutcome::Spent);
}

#[tokio::test]
async fn installers_go_a_month_after_they_were_noted_unless_the_installation_is_bound() {
    let (_fresh, database) = migrated::database().await;
    let (bindings, housekeeping) = (PgBindingRepo::new(&database), PgHousekeeping::new(&database));
    let (person, org) = (account(77).id, organization("org_a"));
    // Bound; known and not bound; not known at all, three of them; and later than the others.
    bindings.insert(binding("org_a", 1, "a")).await.unwrap();
    let present = Observation::Present { status: Status::Active, account: account(2), verified_at: NOON };
    bindings.observe(installation(2), present).await.unwrap();
    for number in 1..=5 {
        bindings.record_installer(installation(number), person, NOON).await.unwrap();
    }
    let later = NOON + Duration::days(3);
    bindings.record_installer(installation(6), person, later).await.unwrap();
    // That somebody said so again does not keep it for longer.
    bindings.record_installer(installation(5), person, later).await.unwrap();

    let purge = async |past| housekeeping.purge(NOON + MONTH + past, 2).await.unwrap().installers;
    assert_eq!(purge(Duration::ZERO).await, 0);
    for left in [2, 2, 0] {
        assert_eq!(purge(Duration::MICROSECOND).await, left);
    }
    for (number, kept) in [(1, true), (2, false), (5, false), (6, true)] {
        let installer = bindings.installer(installation(number)).await.unwrap();
        assert_eq!(installer, kept.then_some(person), "{number}");
    }
    // What was purged is as if it had never been noted.
    bindings.record_installer(installation(5), account(78).id, later).await.unwrap();
    assert_eq!(bindings.installer(installation(5)).await.unwrap(), Some(account(78).id));
    // Released: from now on its age alone counts.
    bindings.release(&org, installation(1), NOON + MONTH).await.unwrap();
    assert_eq!(purge(Duration::HOUR).await, 1);
    assert_eq!(bindings.installer(installation(1)).await.unwrap(), None);
}

#[tokio::test]
async fn budgets_go_when_a_fresh_one_would_be_no_different() {
    let (_fresh, database) = migrated::database().await;
    let (limiter, housekeeping) = (PgRateLimiter::new(&database), PgHousekeeping::new(&database));
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
    assert_eq!(buckets(Duration::HOUR).await, 0, "a clock may be that far behind");
    assert_eq!(buckets(Duration::HOUR + Duration::SECOND).await, 1, "the reads");
    assert_eq!(buckets(Duration::hours(12)).await, 0, "the writes count until the day is over");
    assert_eq!(buckets(Duration::hours(13)).await, 1, "and an hour more");
}

#[tokio::test]
async fn what_somebody_is_working_on_is_left_for_later() {
    let (_fresh, database) = migrated::database().await;
    PgStateStore::new(&database).put(state("org_a", "a")).await.unwrap();
    let session = session_in(database.schema()).await;
    session.batch_execute("BEGIN; SELECT FROM install_states FOR UPDATE").await.unwrap();
    let housekeeping = PgHousekeeping::new(&database);
    assert!(!housekeeping.purge(NOON + Duration::days(9), 10).await.unwrap().any());
    session.batch_execute("COMMIT").await.unwrap();
    assert!(housekeeping.purge(NOON + Duration::days(9), 10).await.unwrap().any());
}
