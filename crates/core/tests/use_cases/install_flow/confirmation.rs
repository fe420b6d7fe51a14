//! `confirm`: the visitor answers the confirmation page.

use std::sync::Arc;

use dockline::ports::{Event, StateStore};
use dockline::{
    BrowserSecret, CallbackError, CallbackRefusal, ClaimMembership, ConfirmationAnswer, InstallResult,
    PendingConfirmation, Proof, SetupAction, Ticket, VerifiedClaim,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::account_id;
use time::Duration;

use crate::support::{Held, RETURN_URL, VISITOR, World, acme, claim_of, refusal, refused_event};

#[tokio::test]
async fn confirm_ties_the_state_and_redirects_to_the_stored_return_url() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    let prompt = world.asked(&state, id).await;
    let (redirect, events) = world.observed(world.answer(&prompt, true)).await;
    let redirect = redirect.unwrap();
    let state_text = state.expose();
    assert_eq!(
        redirect.url,
        format!("{RETURN_URL}?installation_id={id}&state={state_text}&setup_action=install")
    );
    assert_eq!(redirect.result, InstallResult::Connected(id));
    let organization = acme().organization;
    assert_eq!(
        events,
        [Event::ClaimConfirmed { organization, installation: id, proof: Proof::Administered }]
    );
    let issued = world.issued(&state).await.unwrap();
    let claim = VerifiedClaim {
        installation: id,
        account: account_id(1_001),
        proof: Proof::Administered,
        visitor: account_id(VISITOR),
        membership: ClaimMembership::Administrator,
    };
    assert_eq!((issued.claim, issued.pending), (Some(claim), vec![]));
    assert_eq!(issued.answered.map(|answered| answered.confirmed), Some(true));
}

#[tokio::test]
async fn an_answer_from_another_browser_is_refused_and_changes_nothing_l_67() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    let prompt = world.asked(&state, id).await;
    let other = BrowserSecret::presented("another browser's cookie");
    let ticket_as_cookie = BrowserSecret::presented(prompt.ticket.expose());
    for browser in [None, Some(&other), Some(&ticket_as_cookie)] {
        for confirmed in [true, false] {
            let answer = world.answer_as(&prompt, &prompt.ticket, browser, confirmed);
            let (outcome, events) = world.observed(answer).await;
            assert_eq!(refusal(outcome), CallbackRefusal::OtherBrowser);
            assert_eq!(events, refused_event(Some(id), CallbackRefusal::OtherBrowser));
        }
    }
    assert_eq!(claim_of(&world, &state).await, None);
    world.answer(&prompt, true).await.unwrap();
}

#[tokio::test]
async fn only_the_tickets_of_pending_confirmations_are_accepted() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    let replaced = world.asked(&state, id).await;
    for _ in 0..3 {
        world.asked(&state, id).await;
    }
    let prompt = world.asked(&state, id).await;
    let forged = Ticket::presented("forged");
    let cookie_as_ticket = Ticket::presented(prompt.browser.expose());
    for ticket in [&replaced.ticket, &forged, &cookie_as_ticket] {
        for confirmed in [true, false] {
            let answer = world.answer_as(&prompt, ticket, Some(&prompt.browser), confirmed);
            let (outcome, events) = world.observed(answer).await;
            assert_eq!(refusal(outcome), CallbackRefusal::TicketRefused);
            assert_eq!(events, refused_event(None, CallbackRefusal::TicketRefused));
        }
    }
    assert_eq!(claim_of(&world, &state).await, None);
    world.answer(&prompt, true).await.unwrap();
}

#[tokio::test]
async fn a_state_without_a_pending_confirmation_or_an_expired_one_takes_no_answer() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let unasked = world.state().await;
    let prompt = world.asked(&world.state().await, id).await;
    let answer = async |state: Option<&str>| {
        let (ticket, browser) = (&prompt.ticket, Some(&prompt.browser));
        refusal(world.dockline.confirm(ConfirmationAnswer { state, ticket, browser, confirmed: true }).await)
    };
    assert_eq!(answer(None).await, CallbackRefusal::MalformedState);
    assert_eq!(answer(Some("never-issued-at-all")).await, CallbackRefusal::UnknownState);
    assert_eq!(answer(Some(unasked.expose())).await, CallbackRefusal::TicketRefused);
    world.clock.advance(Duration::minutes(15));
    assert_eq!(answer(Some(prompt.state.expose())).await, CallbackRefusal::ExpiredState);
}

#[tokio::test]
async fn cancel_revokes_the_state_and_redirects_with_access_denied() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    let prompt = world.asked(&state, id).await;
    let (redirect, events) = world.observed(world.answer(&prompt, false)).await;
    let redirect = redirect.unwrap();
    assert_eq!(redirect.url, format!("{RETURN_URL}?error=access_denied&state={}", state.expose()));
    assert_eq!(redirect.result, InstallResult::Denied);
    assert_eq!(events, [Event::Cancelled { organization: acme().organization, installation: id }]);
    assert!(world.issued(&state).await.unwrap().revoked);
    assert_eq!(claim_of(&world, &state).await, None);
}

/// An answer that is held between reading the state and changing it, while later visits replace the question.
#[tokio::test]
async fn an_answer_to_a_question_that_is_replaced_meanwhile_is_refused() {
    for (confirmed, method) in [(true, "confirm_claim"), (false, "revoke")] {
        let world = Arc::new(World::new());
        let (first, second) = (world.github.install(1, "acme-coffee"), world.github.install(2, "acme-tea"));
        let state = world.state().await;
        let replaced = world.asked(&state, first).await;
        let held_world = Arc::clone(&world);
        let held =
            Held::before(&world.states, method, async move { held_world.answer(&replaced, confirmed).await })
                .await;
        for _ in 0..3 {
            world.asked(&state, second).await;
        }
        let prompt = world.asked(&state, second).await;
        let (outcome, events) = world.observed(held.finish()).await;
        assert_eq!(refusal(outcome), CallbackRefusal::TicketRefused, "{method}");
        assert_eq!(events, refused_event(None, CallbackRefusal::TicketRefused));
        assert_eq!(claim_of(&world, &state).await, None);
        world.answer(&prompt, true).await.unwrap();
        assert_eq!(claim_of(&world, &state).await.unwrap().installation, second);
    }
}

#[tokio::test]
async fn a_question_about_another_installation_than_the_tied_one_cannot_be_confirmed() {
    let world = World::new();
    let (first, second) = (world.github.install(1, "acme-coffee"), world.github.install(2, "acme-tea"));
    let state = world.confirmed(&acme(), first).await;
    let claim = VerifiedClaim { installation: second, ..claim_of(&world, &state).await.unwrap() };
    let (ticket, browser) = (Ticket::presented("ticket"), BrowserSecret::presented("browser"));
    let pending = PendingConfirmation {
        ticket: ticket.digest(),
        browser: browser.digest(),
        claim,
        setup_action: SetupAction::Update,
    };
    assert!(world.stored_states.save_pending(&state.digest(), pending).await.unwrap());
    let state_text = Some(state.expose());
    let answer =
        ConfirmationAnswer { state: state_text, ticket: &ticket, browser: Some(&browser), confirmed: true };
    assert_eq!(refusal(world.dockline.confirm(answer).await), CallbackRefusal::TiedToAnother);
    assert_eq!(claim_of(&world, &state).await.unwrap().installation, first);
}

#[tokio::test]
async fn after_a_failure_of_the_store_the_same_answer_can_be_sent_again() {
    for (confirmed, method) in [(true, "confirm_claim"), (false, "revoke"), (true, "find_by_digest")] {
        let world = World::new();
        let id = world.github.install(1, "acme-coffee");
        let state = world.state().await;
        let prompt = world.asked(&state, id).await;
        world.states.set(Fault::FailsBefore.once().of(method));
        let (failed, events) = world.observed(world.answer(&prompt, confirmed)).await;
        assert!(matches!(failed, Err(CallbackError::Port { .. })), "{method}: {failed:?}");
        assert_eq!(events, []);
        world.answer(&prompt, confirmed).await.unwrap();
    }
}
