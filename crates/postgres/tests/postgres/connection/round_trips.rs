//! Round trips and lost connections, by a proxy in front of the server.

use dockline::ports::{
    Admission, AdmissionRequest, BindingRepo, InsertOutcome, KeyAdmin, KeyStore, Observation, ObserveOutcome,
    RateLimitRequest, RateLimiter, ReconcileCursor, ReconcileScope, StateStore,
};
use dockline::{
    BudgetClass, CodeFate, KeyId, NewBinding, PendingConfirmation, PortErrorKind, SetupAction, Status, Tier,
};
use dockline_postgres::{
    AppNumber, Database, PgAdmission, PgBindingRepo, PgHousekeeping, PgKeyStore, PgRateLimiter, PgStateStore,
    StatementMode,
};
use time::Duration;

use crate::fixtures::{
    NOON, account, actor, binding, claim, digest, installation, installer, key, organization, state,
};
use crate::proxy::Proxy;
use crate::{test_database, test_schema};

/// Makes every call of every port once, and returns the round trips of each.
async fn all_calls(proxy: &Proxy, database: &Database, round: u64) -> Vec<(&'static str, usize)> {
    let (keys, states) = (PgKeyStore::new(database), PgStateStore::new(&database.with_app(AppNumber::FIRST)));
    let (bindings, limiter) =
        (PgBindingRepo::new(&database.with_app(AppNumber::FIRST)), PgRateLimiter::new(database));
    let org = format!("org_{round}");
    let (org, text, id) = (organization(&org), format!("state {round}"), installation(round));
    let record = key(&format!("{round:016}"), org.as_str());
    let issued = state(org.as_str(), &text);
    let asked = PendingConfirmation {
        ticket: digest("ticket"),
        browser: digest("browser"),
        claim: claim(round),
        setup_action: SetupAction::Install,
    };
    let new = binding(org.as_str(), round, &text);
    let request = |permits| RateLimitRequest {
        key: (&record.id).into(),
        class: BudgetClass::Write,
        tier: Tier::standard(),
        permits,
        now: NOON,
    };
    let present = || Observation::Present {
        status: Status::Suspended,
        account: account(round),
        asked_at: NOON,
        next_look_at: NOON,
    };
    let admission = PgAdmission::new(&database.with_app(AppNumber::FIRST));
    let admitted = AdmissionRequest {
        key: record.id.clone(),
        secret_hash: record.secret_hash,
        environment: record.environment,
        needed: None,
        class: BudgetClass::Read,
        charge: true,
        now: NOON,
    };
    let (person, cursor) = (installer(77), ReconcileCursor { next_look_at: NOON, installation: id });
    let mut counts = Vec::new();
    macro_rules! count {
        ($($name:literal: $call:expr),* $(,)?) => {$(
            $call.await.unwrap();
            counts.push(($name, proxy.round_trips()));
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
        "ask for a confirmation": states.save_pending(&issued.digest, asked),
        "reserve a code": states.reserve_code(&issued.digest, &digest("code")),
        "settle a code": states.settle_code(&issued.digest, &digest("code"), CodeFate::Used),
        "confirm a claim": states.confirm_claim(&issued.digest, None, claim(round)),
        "admit": admission.admit(admitted.clone()),
        "admit again": admission.admit(admitted.clone()),
        "check with a charge": limiter.check(request(1)),
        "check with a charge again": limiter.check(request(1)),
        "check without a charge": limiter.check(request(0)),
        "find no binding": bindings.find(&org),
        "insert": bindings.insert(new.clone()),
        "find a binding": bindings.find(&org),
        "observe": bindings.observe(id, present()),
        "observe changed permissions": bindings.observe(id, Observation::PermissionsChanged { at: NOON }),
        "observe a 404": bindings.observe(id, Observation::Missing { asked_at: NOON }),
        "postpone": bindings.postpone(id, NOON),
        "observe an accepted uninstall": bindings.observe(id, Observation::Ending { at: NOON }),
        "observe an uninstall": bindings.observe(id, Observation::UninstalledByUs { at: NOON }),
        "observe a deletion": bindings.observe(id, Observation::Deleted { at: NOON }),
        "observe an uninstalled one": bindings.observe(id, present()),
        "find an installation": bindings.installation(id),
        "record an installer": bindings.record_installer(id, person, NOON),
        "record an installer again": bindings.record_installer(id, person, NOON),
        "find an installer": bindings.installer(id),
        "first due batch": bindings.due(ReconcileScope::Due(NOON), None, 10),
        "next due batch": bindings.due(ReconcileScope::Due(NOON), Some(cursor), 10),
        "batch by number": bindings.due(ReconcileScope::ObservedBefore(NOON), Some(cursor), 10),
        "release": bindings.release(&org, id, &actor(), NOON),
        "revoke a state": states.revoke(&issued.digest, None),
    }
    counts
}

#[tokio::test]
async fn every_call_is_one_round_trip() {
    let (_guard, database) = test_database::database().await;
    for mode in [StatementMode::Prepared, StatementMode::Unnamed] {
        let (proxy, proxied) = Proxy::to(&database, 1).await;
        let proxied = proxied.with_statement_mode(mode);
        let round = if mode == StatementMode::Prepared { 1 } else { 11 };
        // The first round connects and prepares statements.
        all_calls(&proxy, &proxied, round).await;
        for (call, round_trips) in all_calls(&proxy, &proxied, round + 1).await {
            assert_eq!(round_trips, 1, "{mode:?}: {call}");
        }
    }
}

#[tokio::test]
async fn a_refused_insert_is_two_round_trips() {
    let (_guard, database) = test_database::database().await;
    let (proxy, proxied) = Proxy::to(&database, 1).await;
    let bindings = PgBindingRepo::new(&proxied.with_app(AppNumber::FIRST));
    for _ in 0..2 {
        bindings.insert(binding("org_a", 1, "first")).await.unwrap();
    }
    proxy.round_trips();
    for conflicting in [binding("org_a", 1, "first"), binding("org_a", 2, "other"), binding("org_b", 1, "s")]
    {
        let refused = bindings.insert(conflicting).await.unwrap();
        assert!(matches!(refused, InsertOutcome::Occupied(_) | InsertOutcome::Taken), "{refused:?}");
        assert_eq!(proxy.round_trips(), 2, "{refused:?}");
    }
}

/// Returns a proxied repository that is connected and has prepared its insert, so that a cut hits the insert itself.
async fn connected() -> (test_schema::SchemaGuard, Proxy, PgBindingRepo, NewBinding) {
    let (guard, database) = test_database::database().await;
    let (proxy, proxied) = Proxy::to(&database, 1).await;
    let bindings = PgBindingRepo::new(&proxied.with_app(AppNumber::FIRST));
    bindings.insert(binding("org_first", 9, "first")).await.unwrap();
    (guard, proxy, bindings, binding("org_a", 1, "ours"))
}

/// I4, I6: the response is lost, but the row is stored, and the repeated call returns that row.
#[tokio::test]
async fn after_a_response_is_lost_the_repeated_insert_returns_the_stored_row() {
    let (_guard, proxy, bindings, new) = connected().await;
    proxy.cut_next_response();
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
async fn after_a_request_is_lost_the_repeated_insert_writes_the_row() {
    let (_guard, proxy, bindings, new) = connected().await;
    proxy.cut_next_request();
    let lost = bindings.insert(new.clone()).await.unwrap_err();
    assert_eq!(lost.kind(), PortErrorKind::Unavailable);
    assert!(matches!(bindings.insert(new).await.unwrap(), InsertOutcome::Inserted(_)));
}

#[tokio::test]
async fn an_observation_can_be_repeated_after_its_response_is_lost() {
    let (_guard, proxy, bindings, _) = connected().await;
    let id = installation(9);
    let suspended = || Observation::Present {
        status: Status::Suspended,
        account: account(9),
        asked_at: NOON,
        next_look_at: NOON,
    };
    bindings.observe(installation(8), suspended()).await.unwrap();
    proxy.cut_next_response();
    assert_eq!(bindings.observe(id, suspended()).await.unwrap_err().kind(), PortErrorKind::Unavailable);
    let before = bindings.installation(id).await.unwrap().unwrap();
    assert_eq!(before.status, Status::Suspended);
    assert_eq!(bindings.observe(id, suspended()).await.unwrap().outcome, ObserveOutcome::Recorded);
    assert_eq!(bindings.installation(id).await.unwrap(), Some(before));
}

#[tokio::test]
async fn a_confirmation_can_be_repeated_after_its_response_is_lost() {
    let (_guard, database) = test_database::database().await;
    let (proxy, proxied) = Proxy::to(&database, 1).await;
    let states = PgStateStore::new(&proxied.with_app(AppNumber::FIRST));
    states.put(state("org_a", "text")).await.unwrap();
    states.confirm_claim(&digest("other"), None, claim(1)).await.unwrap();
    proxy.cut_next_response();
    assert!(states.confirm_claim(&digest("text"), None, claim(1)).await.is_err());
    let again = states.confirm_claim(&digest("text"), None, claim(1)).await.unwrap();
    assert_eq!(again, dockline::ports::ConfirmOutcome::AlreadyTied);
}

#[tokio::test]
async fn a_purge_is_seven_round_trips() {
    let (_guard, database) = test_database::database().await;
    let (proxy, proxied) = Proxy::to(&database, 1).await;
    let housekeeping = PgHousekeeping::new(&proxied);
    housekeeping.purge(NOON, 100).await.unwrap();
    proxy.round_trips();
    housekeeping.purge(NOON, 100).await.unwrap();
    assert_eq!(proxy.round_trips(), 7);
}
