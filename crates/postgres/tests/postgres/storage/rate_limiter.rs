//! Rate limits: a race between two nodes, and which checks store a bucket.

use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::{BudgetClass, KeyId, Tier};
use dockline_postgres::PgRateLimiter;

use crate::fixtures::NOON;
use crate::test_database::{self, until_blocked};
use crate::test_schema::session_in;

fn request(permits: u32) -> RateLimitRequest {
    let key = (&KeyId::parse("0123456789ABCDEF").unwrap()).into();
    RateLimitRequest { key, class: BudgetClass::Write, tier: Tier::standard(), permits, now: NOON }
}

/// Otherwise requests that are refused or free would grow the table.
#[tokio::test]
async fn only_a_charge_stores_a_bucket() {
    let (_guard, database) = test_database::database().await;
    let limiter = PgRateLimiter::new(&database);
    let session = session_in(database.schema()).await;
    for (permits, allowed, stored) in [(0, true, 0_i64), (u32::MAX, false, 0), (1, true, 1)] {
        let decision = limiter.check(request(permits)).await.unwrap();
        assert_eq!(matches!(decision, RateLimitDecision::Allowed(_)), allowed, "{decision:?}");
        let buckets = session.query_one("SELECT count(*) FROM budgets", &[]).await.unwrap();
        assert_eq!(buckets.get::<_, i64>(0), stored, "{permits}");
    }
}

/// I20: two nodes never spend the same permit.
#[tokio::test]
async fn a_waiting_check_is_decided_by_the_level_that_the_first_one_left() {
    let (_guard, database) = test_database::database().await;
    let limiter = PgRateLimiter::new(&database);
    let request = request(10);
    assert!(matches!(limiter.check(request.clone()).await.unwrap(), RateLimitDecision::Allowed(_)));
    let rival = session_in(database.schema()).await;
    rival.batch_execute("BEGIN; UPDATE budgets SET level = 12 * 60000000").await.unwrap();
    let (first, second) = (limiter.clone(), limiter.clone());
    let (one, other) = (request.clone(), request);
    let one = tokio::spawn(async move { first.check(one).await });
    let other = tokio::spawn(async move { second.check(other).await });
    until_blocked(database.schema(), 2).await;
    rival.batch_execute("COMMIT").await.unwrap();
    let mut left = Vec::new();
    for decision in [one.await.unwrap().unwrap(), other.await.unwrap().unwrap()] {
        match decision {
            RateLimitDecision::Allowed(budget) => left.push((true, budget.remaining)),
            RateLimitDecision::Limited { budget, .. } => left.push((false, budget.remaining)),
        }
    }
    left.sort_unstable();
    assert_eq!(left, [(false, 2), (true, 2)]);
}

/// A request that is refused, or that charges nothing, neither locks nor writes the row.
#[tokio::test]
async fn a_check_that_charges_nothing_writes_nothing_c_54() {
    let (_guard, database) = test_database::database().await;
    let limiter = PgRateLimiter::new(&database);
    let session = session_in(database.schema()).await;
    limiter.check(request(60)).await.unwrap();
    let version = "SELECT xmin::text, xmax::text, ctid::text FROM budgets";
    let version = async || -> [String; 3] {
        let row = session.query_one(version, &[]).await.unwrap();
        [row.get(0), row.get(1), row.get(2)]
    };
    let before = version().await;
    for seconds in 0..20 {
        let now = NOON + time::Duration::milliseconds(40 * seconds);
        let refused = limiter.check(RateLimitRequest { now, ..request(1) }).await.unwrap();
        assert!(matches!(refused, RateLimitDecision::Limited { .. }), "{refused:?}");
        limiter.check(RateLimitRequest { now, ..request(0) }).await.unwrap();
    }
    assert_eq!(version().await, before);
}

/// No index has a column that a charge changes, and each page has room for a second version of its rows. So a charge writes
/// neither an index nor another page, and needs no vacuum.
#[tokio::test]
async fn charges_are_hot_updates() {
    let (_guard, database) = test_database::database_of(1).await;
    let limiter = PgRateLimiter::new(&database);
    let session = session_in(database.schema()).await;
    session
        .batch_execute(
            "INSERT INTO budgets SELECT lpad(n::text, 16, '0'), 'write-light', 60, 60 * 60000000::bigint, 0, 0, 0 \
             FROM generate_series(1, 500) AS n",
        )
        .await
        .unwrap();
    for number in 1..=500 {
        let key = (&KeyId::parse(&format!("{number:016}")).unwrap()).into();
        limiter.check(RateLimitRequest { key, ..request(1) }).await.unwrap();
    }
    // The connection that charged has the numbers until it reports them.
    let charging = database.pool().get().await.unwrap();
    charging.execute("SELECT pg_stat_force_next_flush()", &[]).await.unwrap();
    let updates = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables \
        WHERE schemaname = $1 AND relname = 'budgets'";
    let updates = charging.query_one(updates, &[&database.schema().as_str()]).await.unwrap();
    assert_eq!((updates.get::<_, i64>(0), updates.get::<_, i64>(1)), (500, 500));
}
