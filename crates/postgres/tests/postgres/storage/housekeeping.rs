//! Which rows a purge deletes, and which it keeps.

use dockline::ports::{
    BindingRepo, Housekeeping, InsertOutcome, Observation, RateLimitRequest, RateLimiter, ReleaseOutcome,
    StateStore,
};
use dockline::{BudgetClass, KeyId, PortName, Status, Tier};
use dockline_postgres::{
    AppNumber, Database, PgBindingRepo, PgHousekeeping, PgRateLimiter, PgStateStore, Purged,
};
use time::Duration;

use crate::fixtures::{NOON, account, actor, binding, digest, installation, installer, organization, state};
use crate::test_database;
use crate::test_schema::session_in;

const MONTH: Duration = Duration::days(30);

#[tokio::test]
async fn states_are_deleted_a_day_after_their_expiry_in_batches() {
    let (_guard, database) = test_database::database().await;
    let (states, housekeeping) =
        (PgStateStore::new(&database.with_app(AppNumber::FIRST)), PgHousekeeping::new(&database));
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
async fn only_unbound_installations_are_deleted_and_their_states_stay_spent() {
    let (_guard, database) = test_database::database().await;
    let (bindings, housekeeping) =
        (PgBindingRepo::new(&database.with_app(AppNumber::FIRST)), PgHousekeeping::new(&database));
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
    assert!(!housekeeping.purge(after(Duration::ZERO), 10).await.unwrap().any());
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
        (PgBindingRepo::new(&database.with_app(AppNumber::FIRST)), PgHousekeeping::new(&database));
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
    assert_eq!(buckets(Duration::HOUR).await, 0, "a node's clock may be an hour behind");
    assert_eq!(buckets(Duration::HOUR + Duration::SECOND).await, 1, "the bucket of reads");
    assert_eq!(buckets(Duration::hours(12)).await, 0, "writes count towards the daily cap");
    assert_eq!(buckets(Duration::hours(13)).await, 1, "the bucket of writes, an hour after midnight");
}

/// Three rows of each table that can be deleted, at the start, in the middle and at the end of more than a thousand pages.
async fn spread(database: &Database) {
    let session = session_in(database.schema()).await;
    session
        .batch_execute(
            "INSERT INTO installers SELECT n, 77, '2026-03-01 12:00Z' FROM generate_series(1, 160000) AS n; \
             DELETE FROM installers WHERE installation_id NOT IN (1, 80000, 160000); \
             INSERT INTO budgets SELECT lpad(n::text, 16, '0'), 'read-light', 1, 60000000, 0, 0, 0 \
              FROM generate_series(1, 60000) AS n; \
             DELETE FROM budgets WHERE key::integer NOT IN (1, 30000, 60000)",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn large_tables_are_purged_in_parts() {
    let (_guard, database) = test_database::database().await;
    spread(&database).await;
    let housekeeping = PgHousekeeping::new(&database);
    let first = housekeeping.purge(NOON + MONTH + Duration::DAY, 10).await.unwrap();
    assert!(first.installers == 1 && first.buckets == 1 && first.unread, "{first:?}");
    let mut purged = first;
    let mut rows = (0, 0);
    while purged.any() {
        rows = (rows.0 + purged.installers, rows.1 + purged.buckets);
        purged = housekeeping.purge(NOON + MONTH + Duration::DAY, 10).await.unwrap();
    }
    assert_eq!(rows, (3, 3));
}

/// A full batch leaves rows on the same pages, which the next one reads again.
#[tokio::test]
async fn the_port_reports_zero_only_if_nothing_is_left() {
    let (_guard, database) = test_database::database().await;
    spread(&database).await;
    session_in(database.schema())
        .await
        .batch_execute(
            "INSERT INTO installers SELECT n, 77, '2026-03-01 12:00Z' FROM generate_series(160001, 160003) AS n",
        )
        .await
        .unwrap();
    let housekeeping = PgHousekeeping::new(&database);
    let port: &dyn Housekeeping = &housekeeping;
    let mut rows = 0;
    loop {
        match port.purge(NOON + MONTH + Duration::DAY, 1).await.unwrap() {
            0 => break,
            number => rows += number,
        }
    }
    assert_eq!(rows, 9);
    assert_eq!(housekeeping.purge(NOON + MONTH + Duration::DAY, 10).await.unwrap().installers, 0);
}

/// Otherwise a table that is too slow would let all others grow.
#[tokio::test]
async fn a_kind_that_fails_does_not_keep_the_others_from_being_purged() {
    let (_guard, database) = test_database::database().await;
    let states = PgStateStore::new(&database.with_app(AppNumber::FIRST));
    states.put(state("org_a", "a")).await.unwrap();
    let session = session_in(database.schema()).await;
    session
        .batch_execute(
            "ALTER TABLE install_states RENAME TO hidden; \
             INSERT INTO budgets VALUES ('0123456789ABCDEF', 'read-light', 1, 60000000, 0, 0, 0)",
        )
        .await
        .unwrap();
    let housekeeping = PgHousekeeping::new(&database);
    assert_eq!(housekeeping.purge(NOON, 10).await.unwrap_err().port(), PortName::StateStore);
    let left = session.query_one("SELECT count(*) FROM budgets", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn locked_rows_are_skipped() {
    let (_guard, database) = test_database::database().await;
    PgStateStore::new(&database.with_app(AppNumber::FIRST)).put(state("org_a", "a")).await.unwrap();
    let session = session_in(database.schema()).await;
    session.batch_execute("BEGIN; SELECT FROM install_states FOR UPDATE").await.unwrap();
    let housekeeping = PgHousekeeping::new(&database);
    assert!(!housekeeping.purge(NOON + Duration::days(9), 10).await.unwrap().any());
    session.batch_execute("COMMIT").await.unwrap();
    assert!(housekeeping.purge(NOON + Duration::days(9), 10).await.unwrap().any());
}
