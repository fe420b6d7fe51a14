//! Outcomes of calls on a state that wait for a concurrent transaction.

use dockline::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};
use dockline::{CodeFate, PendingConfirmation, SetupAction};
use dockline_postgres::{AppNumber, Database, PgStateStore};
use tokio::task::JoinSet;

use crate::fixtures::{claim, digest, organization, state};
use crate::test_database;
use crate::test_database::until_blocked;
use crate::test_schema::{self, session_in};

/// Confirms installation 1 while `update` is uncommitted, then commits it.
async fn confirm_during(update: &str) -> (Database, test_schema::SchemaGuard, ConfirmOutcome) {
    let (guard, database) = test_database::database().await;
    let states = PgStateStore::new(&database.with_app(AppNumber::FIRST));
    assert_eq!(states.put(state("org_a", "text")).await.unwrap(), PutOutcome::Stored);
    let session = session_in(database.schema()).await;
    session.batch_execute(&format!("BEGIN; UPDATE install_states SET {update}")).await.unwrap();
    let waiting = tokio::spawn(async move { states.confirm_claim(&digest("text"), None, claim(1)).await });
    until_blocked(database.schema(), 1).await;
    session.batch_execute("COMMIT").await.unwrap();
    let outcome = waiting.await.unwrap().unwrap();
    (database, guard, outcome)
}

#[tokio::test]
async fn the_first_claim_is_kept() {
    for (number, expected) in [(1, ConfirmOutcome::AlreadyTied), (2, ConfirmOutcome::TiedToOther)] {
        let (database, _guard, outcome) = confirm_during(&format!(
            "tie_installation = {number}, tie_account = 5, tie_proof = 'visible', tie_visitor = 6"
        ))
        .await;
        assert_eq!(outcome, expected);
        let kept = PgStateStore::new(&database.with_app(AppNumber::FIRST))
            .find_by_digest(&digest("text"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(kept.claim.unwrap().account.get(), 5);
    }
}

#[tokio::test]
async fn a_state_that_was_revoked_meanwhile_is_unknown() {
    let (_database, _guard, outcome) = confirm_during("discarded = true").await;
    assert_eq!(outcome, ConfirmOutcome::Unknown);
}

#[tokio::test]
async fn a_digest_that_another_organization_stored_meanwhile_is_in_use() {
    let (_guard, database) = test_database::database().await;
    let rival = session_in(database.schema()).await;
    rival
        .batch_execute(
            "BEGIN; INSERT INTO install_states (digest, organization, organization_name, return_url, issued_at, \
             expires_at, discarded) VALUES (sha256('text'), 'org_b', 'B', '', '2026-06-01 12:00Z', \
             '2026-06-01 12:15Z', false)",
        )
        .await
        .unwrap();
    let states = PgStateStore::new(&database.with_app(AppNumber::FIRST));
    let waiting = tokio::spawn(async move { states.put(state("org_a", "text")).await });
    until_blocked(database.schema(), 1).await;
    rival.batch_execute("COMMIT").await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), PutOutcome::InUse);
}

/// L-67: the ticket is compared when the state is written. A question that later visits replaced meanwhile cannot be
/// answered by its ticket.
#[tokio::test]
async fn a_ticket_whose_question_was_replaced_meanwhile_neither_confirms_nor_revokes() {
    for revoke in [false, true] {
        let (_guard, database) = test_database::database().await;
        let states = PgStateStore::new(&database.with_app(AppNumber::FIRST));
        let asked = |ticket| PendingConfirmation {
            ticket: digest(ticket),
            browser: digest("browser"),
            claim: claim(1),
            setup_action: SetupAction::Install,
        };
        states.put(state("org_a", "text")).await.unwrap();
        assert!(states.save_pending(&digest("text"), asked("first")).await.unwrap());
        let session = session_in(database.schema()).await;
        session
            .batch_execute(
                "BEGIN; UPDATE install_states SET pending = jsonb_set(pending, '{0,ticket}', \
                 to_jsonb(encode(sha256('second'), 'hex')))",
            )
            .await
            .unwrap();
        let waiting = {
            let states = states.clone();
            tokio::spawn(async move {
                let (text, ticket) = (digest("text"), digest("first"));
                if revoke {
                    !states.revoke(&text, Some(ticket)).await.unwrap()
                } else {
                    let outcome = states.confirm_claim(&text, Some(ticket), claim(1)).await.unwrap();
                    outcome == ConfirmOutcome::Unknown
                }
            })
        };
        until_blocked(database.schema(), 1).await;
        session.batch_execute("COMMIT").await.unwrap();
        assert!(waiting.await.unwrap(), "the replaced ticket was accepted");
        let kept = states.find_by_digest(&digest("text")).await.unwrap().unwrap();
        assert_eq!((kept.claim, kept.pending), (None, vec![asked("second")]));
    }
}

/// A question that is stored, and a code that is reserved, while another transaction does the same.
#[tokio::test]
async fn what_another_transaction_added_meanwhile_is_kept() {
    let (_guard, database) = test_database::database().await;
    let states = PgStateStore::new(&database.with_app(AppNumber::FIRST));
    states.put(state("org_a", "text")).await.unwrap();
    let asked = |ticket| PendingConfirmation {
        ticket: digest(ticket),
        browser: digest("browser"),
        claim: claim(1),
        setup_action: SetupAction::Install,
    };
    for ticket in ["first", "second", "third"] {
        assert!(states.save_pending(&digest("text"), asked(ticket)).await.unwrap());
    }
    let session = session_in(database.schema()).await;
    session
        .batch_execute(
            "BEGIN; UPDATE install_states SET pending = pending || jsonb_build_array(jsonb_set(pending -> 0, '{ticket}', \
             to_jsonb(encode(sha256('fourth'), 'hex')))), \
             codes = jsonb_build_object(encode(sha256('code'), 'hex'), 'refused')",
        )
        .await
        .unwrap();
    let (saving, reserving) = (states.clone(), states.clone());
    let saved = tokio::spawn(async move { saving.save_pending(&digest("text"), asked("fifth")).await });
    until_blocked(database.schema(), 1).await;
    let reserved =
        tokio::spawn(async move { reserving.reserve_code(&digest("text"), &digest("code")).await });
    until_blocked(database.schema(), 2).await;
    session.batch_execute("COMMIT").await.unwrap();
    assert!(saved.await.unwrap().unwrap());
    assert_eq!(reserved.await.unwrap().unwrap(), ReserveOutcome::Known(CodeFate::Refused));
    let kept = states.find_by_digest(&digest("text")).await.unwrap().unwrap();
    assert_eq!(kept.pending, ["second", "third", "fourth", "fifth"].map(asked));
}

/// I39: concurrent lookups, some of them by another organization or of an unknown state, each get their own answer.
#[tokio::test]
async fn lookups_that_wait_at_the_same_time_share_statements_and_get_their_own_states_i_39() {
    let (_guard, database) = test_database::database().await;
    let states = PgStateStore::new(&database.with_app(AppNumber::FIRST));
    let owner = |number: u32| format!("org_{}", number % 5);
    for number in 0..100 {
        states.put(state(&owner(number), &format!("state {number}"))).await.unwrap();
    }
    let mut lookups = JoinSet::new();
    for number in 0..300 {
        let states = states.clone();
        let asker = organization(&owner(if number % 7 == 0 { number + 1 } else { number }));
        lookups.spawn(async move {
            let looked = digest(&format!("state {number}"));
            let found = states.find(&asker, &looked).await.unwrap();
            let expected = (number < 100 && number % 7 != 0).then_some((looked, asker));
            assert_eq!(found.map(|found| (found.digest, found.organization)), expected);
        });
    }
    lookups.join_all().await;
    let counts = states.counts();
    assert_eq!(counts.calls, 300);
    assert!(counts.statements < 100, "{counts:?}");
}
