//! The same for states and budgets: what a call gets that waited for another's commit.

use dockline::ports::{
    ConfirmOutcome, PutOutcome, RateLimitDecision, RateLimitRequest, RateLimiter, StateStore,
};
use dockline::{BudgetClass, KeyId, Tier};
use dockline_postgres::{Database, PgRateLimiter, PgStateStore};

use crate::fixtures::{NOON, claim, digest, state};
use crate::fresh::{self, session_in};
use crate::migrated;
use crate::migrated::until_blocked;

/// What a vouch for installation 1 is told that waited for `rival`.
async fn vouch_after(rival: &str) -> (Database, fresh::Fresh, ConfirmOutcome) {
    let (fresh, database) = migrated::database().await;
    let states = PgStateStore::new(&database);
    assert_eq!(states.put(state("org_a", "text")).await.unwrap(), PutOutcome::Stored);
    let session = session_in(database.schema()).await;
    session.batch_execute(&format!("BEGIN; UPDATE install_states SET {rival}")).await.unwrap();
    let waiting = tokio::spawn(async move { states.confirm_claim(&digest("text"), None, claim(1)).await });
    until_blocked(database.schema(), 1).await;
    session.batch_execute("COMMIT").await.unwrap();
    let outcome = waiting.await.unwrap().unwrap();
    (database, fresh, outcome)
}

#[tokio::test]
async fn a_tie_that_came_first_stands() {
    for (number, expected) in [(1, ConfirmOutcome::AlreadyTied), (2, ConfirmOutcome::TiedToOther)] {
        let (database, _fresh, outcome) = vouch_after(&format!(
            "tie_installation = {number}, tie_account = 5, tie_proof = 'visible', tie_visitor = 6"
        ))
        .await;
        assert_eq!(outcome, expected);
        let kept = PgStateStore::new(&database).find_by_digest(&digest("text")).await.unwrap().unwrap();
        assert_eq!(kept.claim.unwrap().account.get(), 5);
    }
}

#[tokio::test]
async fn a_state_that_was_discarded_meanwhile_is_unknown() {
    let (_database, _fresh, outcome) = vouch_after("discarded = true").await;
    assert_eq!(outcome, ConfirmOutcome::Unknown);
}

#[tokio::test]
async fn a_digest_that_another_organization_stored_meanwhile_is_in_use() {
    let (_fresh, database) = migrated::database().await;
    let rival = session_in(database.schema()).await;
    rival
        .batch_execute(
            "BEGIN; INSERT INTO install_states (digest, organization, organization_name, return_url, issued_at, \
             expires_at, discarded) VALUES (sha256('text'), 'org_b', 'B', '', '2026-03-01 12:00Z', \
             '2026-03-01 12:15Z', false)",
        )
        .await
        .unwrap();
    let states = PgStateStore::new(&database);
    let waiting = tokio::spawn(async move { states.put(state("org_a", "text")).await });
    until_blocked(database.schema(), 1).await;
    rival.batch_execute("COMMIT").await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), PutOutcome::InUse);
}

/// I20: no two nodes spend one permit.
#[tokio::test]
async fn a_question_that_waited_is_answered_by_what_the_other_left() {
    let (_fresh, database) = migrated::database().await;
    let limiter = PgRateLimiter::new(&database);
    let take = RateLimitRequest {
        key: (&KeyId::parse("0123456789ABCDEF").unwrap()).into(),
        class: BudgetClass::Write,
        tier: Tier::standard(),
        permits: 10,
        now: NOON,
    };
    assert!(matches!(limiter.check(take.clone()).await.unwrap(), RateLimitDecision::Allowed(_)));
    let rival = session_in(database.schema()).await;
    rival.batch_execute("BEGIN; UPDATE rate_buckets SET level = 12 * 60000000000::numeric").await.unwrap();
    let (first, second) = (limiter.clone(), limiter.clone());
    let (one, other) = (take.clone(), take);
    let one = tokio::spawn(async move { first.check(one).await });
    let other = tokio::spawn(async move { second.check(other).await });
    until_blocked(database.schema(), 2).await;
    rival.batch_execute("COMMIT").await.unwrap();
    let mut left = Vec::new();
    for verdict in [one.await.unwrap().unwrap(), other.await.unwrap().unwrap()] {
        match verdict {
            RateLimitDecision::Allowed(budget) => left.push((true, budget.remaining)),
            RateLimitDecision::Limited { budget, .. } => left.push((false, budget.remaining)),
        }
    }
    left.sort_unstable();
    assert_eq!(left, [(false, 2), (true, 2)]);
}
