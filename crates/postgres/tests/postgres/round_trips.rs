//! Round trips, counted on the wire, and connections that are cut there.

use dockline::ports::{
    BindingRepo, InsertOutcome, KeyStore, Observation, ObserveOutcome, RateLimitRequest, RateLimiter,
    ReconcileCursor, StateStore,
};
use dockline::{BudgetClass, KeyId, NewBinding, PortErrorKind, Status, Tier};
use dockline_postgres::{
    Database, PgBindingRepo, PgHousekeeping, PgKeyStore, PgRateLimiter, PgStateStore, StatementMode,
};
use time::Duration;

use crate::fixtures::{NOON, account, binding, claim, digest, installation, key, organization, state};
use crate::wire::Wire;
use crate::{fresh, migrated};

/// Runs every call of every port once, and gives the round trips of each.
async fn all_calls(wire: &Wire, database: &Database, round: u64) -> Vec<(&'static str, usize)> {
    let (keys, states) = (PgKeyStore::new(database), PgStateStore::new(database));
    let (bindings, limiter) = (PgBindingRepo::new(database), PgRateLimiter::new(database));
    let org = format!("org_{round}");
    let (org, text, id) = (organization(&org), format!("state {round}"), installation(round));
    let record = key(&format!("{round:016}"), org.as_str());
    let issued = state(org.as_str(), &text);
    let new = binding(org.as_str(), round, &text);
    let take = |permits| RateLimitRequest {
        key: (&record.id).into(),
        class: BudgetClass::Write,
        tier: Tier::standard(),
        permits,
        now: NOON,
    };
    let present =
        || Observation::Present { status: Status::Suspended, account: account(round), verified_at: NOON };
    let (person, cursor) = (account(77).id, ReconcileCursor { verified_at: NOON, installation: id });
    let mut counts = Vec::new();
    macro_rules! count {
        ($($name:literal: $call:expr),* $(,)?) => {$(
            $call.await.unwrap();
            counts.push(($name, wire.round_trips()));
        )*};
    }
    count! {
        "add a key": keys.insert(&record, "", NOON),
        "find a key": keys.find(&record.id),
        "find no key": keys.find(&KeyId::parse("ZZZZZZZZZZZZZZ").unwrap()),
        "revoke a key": keys.revoke(&record.id, NOON),
        "put a state": states.put(issued.clone()),
        "find a state": states.find(&org, &issued.digest),
        "find a state by digest": states.find_by_digest(&issued.digest),
        "vouch": states.confirm_claim(&issued.digest, None, claim(round)),
        "charge": limiter.check(take(1)),
        "charge again": limiter.check(take(1)),
        "look": limiter.check(take(0)),
        "find no binding": bindings.find(&org),
        "insert": bindings.insert(new.clone()),
        "find a binding": bindings.find(&org),
        "find a binding by installation": bindings.find_by_installation(id),
        "observe": bindings.observe(id, present()),
        "observe new grants": bindings.observe(id, Observation::PermissionsChanged),
        "observe the end": bindings.observe(id, Observation::Uninstalled { verified_at: NOON }),
        "observe the dead": bindings.observe(id, present()),
        "know": bindings.installation(id),
        "note an installer": bindings.record_installer(id, person, NOON),
        "note an installer again": bindings.record_installer(id, person, NOON),
        "find an installer": bindings.installer(id),
        "sweep": bindings.stale(NOON, None, 10),
        "sweep on": bindings.stale(NOON, Some(cursor), 10),
        "release": bindings.release(&org, id, NOON),
        "discard": states.revoke(&issued.digest, None),
    }
    counts
}

#[tokio::test]
async fn every_call_is_one_round_trip() {
    let (_fresh, database) = migrated::database().await;
    for mode in [StatementMode::Prepared, StatementMode::Unnamed] {
        let (wire, proxied) = Wire::to(&database, 1).await;
        let proxied = proxied.with_statement_mode(mode);
        let round = if mode == StatementMode::Prepared { 1 } else { 11 };
        // The first time, a connection is opened and, where they are, statements are prepared.
        all_calls(&wire, &proxied, round).await;
        for (call, round_trips) in all_calls(&wire, &proxied, round + 1).await {
            assert_eq!(round_trips, 1, "{mode:?}: {call}");
        }
    }
}

#[tokio::test]
async fn an_insert_that_something_stands_in_the_way_of_is_two_round_trips() {
    let (_fresh, database) = migrated::database().await;
    let (wire, proxied) = Wire::to(&database, 1).await;
    let bindings = PgBindingRepo::new(&proxied);
    for _ in 0..2 {
        bindings.insert(binding("org_a", 1, "first")).await.unwrap();
    }
    wire.round_trips();
    for in_the_way in [binding("org_a", 1, "first"), binding("org_a", 2, "other"), binding("org_b", 1, "s")] {
        let refused = bindings.insert(in_the_way).await.unwrap();
        assert!(matches!(refused, InsertOutcome::Occupied(_) | InsertOutcome::Taken), "{refused:?}");
        assert_eq!(wire.round_trips(), 2, "{refused:?}");
    }
}

/// A proxied repository whose connection is open and whose statements are prepared, so that what is cut is the insert.
async fn warm() -> (fresh::Fresh, Wire, PgBindingRepo, NewBinding) {
    let (fresh, database) = migrated::database().await;
    let (wire, proxied) = Wire::to(&database, 1).await;
    let bindings = PgBindingRepo::new(&proxied);
    bindings.insert(binding("org_warm", 9, "warm")).await.unwrap();
    (fresh, wire, bindings, binding("org_a", 1, "ours"))
}

/// I4, I6: the answer is lost, the row is not, and it is the first one that is told again.
#[tokio::test]
async fn a_connection_cut_after_the_commit_leaves_the_row_and_the_next_call_reads_it() {
    let (_fresh, wire, bindings, new) = warm().await;
    wire.cut_the_next_answer();
    let lost = bindings.insert(new.clone()).await.unwrap_err();
    assert_eq!(lost.kind(), PortErrorKind::Unavailable);
    let mut again = new.clone();
    again.registered_at += Duration::MINUTE;
    let InsertOutcome::Occupied(kept) = bindings.insert(again).await.unwrap() else {
        panic!("written twice")
    };
    assert_eq!((kept.installation, kept.registered_at), (new.installation, new.registered_at));
}

#[tokio::test]
async fn a_connection_cut_before_the_statement_leaves_nothing_and_the_next_call_writes() {
    let (_fresh, wire, bindings, new) = warm().await;
    wire.cut_the_next_request();
    let lost = bindings.insert(new.clone()).await.unwrap_err();
    assert_eq!(lost.kind(), PortErrorKind::Unavailable);
    assert!(matches!(bindings.insert(new).await.unwrap(), InsertOutcome::Inserted(_)));
}

/// An observation whose answer was lost is repeated without harm, and answered what it is worth then.
#[tokio::test]
async fn an_observation_whose_answer_is_lost_may_be_repeated() {
    let (_fresh, wire, bindings, _) = warm().await;
    let id = installation(9);
    let suspended =
        || Observation::Present { status: Status::Suspended, account: account(9), verified_at: NOON };
    bindings.observe(installation(8), suspended()).await.unwrap();
    wire.cut_the_next_answer();
    assert_eq!(bindings.observe(id, suspended()).await.unwrap_err().kind(), PortErrorKind::Unavailable);
    let before = bindings.installation(id).await.unwrap().unwrap();
    assert_eq!(before.status, Status::Suspended);
    assert_eq!(bindings.observe(id, suspended()).await.unwrap(), ObserveOutcome::Recorded);
    assert_eq!(bindings.installation(id).await.unwrap(), Some(before));
}

/// A tie whose answer was lost is told as made before.
#[tokio::test]
async fn a_vouch_whose_answer_is_lost_may_be_repeated() {
    let (_fresh, database) = migrated::database().await;
    let (wire, proxied) = Wire::to(&database, 1).await;
    let states = PgStateStore::new(&proxied);
    states.put(state("org_a", "text")).await.unwrap();
    states.confirm_claim(&digest("other"), None, claim(1)).await.unwrap();
    wire.cut_the_next_answer();
    assert!(states.confirm_claim(&digest("text"), None, claim(1)).await.is_err());
    let again = states.confirm_claim(&digest("text"), None, claim(1)).await.unwrap();
    assert_eq!(again, dockline::ports::ConfirmOutcome::AlreadyTied);
}

#[tokio::test]
async fn a_purge_is_four_round_trips() {
    let (_fresh, database) = migrated::database().await;
    let (wire, proxied) = Wire::to(&database, 1).await;
    let housekeeping = PgHousekeeping::new(&proxied);
    housekeeping.purge(NOON, 100).await.unwrap();
    wire.round_trips();
    housekeeping.purge(NOON, 100).await.unwrap();
    assert_eq!(wire.round_trips(), 4);
}
