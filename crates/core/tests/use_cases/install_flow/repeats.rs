//! Every step of the flow ends the same way when it comes twice (L-75 to L-77, I34).

use std::sync::Arc;

use dockline::ports::Event;
use dockline::{BrowserSecret, CallbackRefusal, IssuedState};
use dockline_testkit::faults::Fault;
use time::Duration;

use crate::support::{
    Held, RETURN_URL, World, acme, authorization, claim_of, parameter, prompt, refusal, refused_event,
};

#[tokio::test]
async fn a_second_answer_gets_the_redirect_of_the_first_whichever_button_it_was_c_19() {
    for first in [true, false] {
        for second in [true, false] {
            let world = World::new();
            let id = world.github.install(1, "acme-coffee");
            let state = world.state().await;
            let prompt = world.asked(&state, id).await;
            let redirect = world.answer(&prompt, first).await.unwrap();
            // Also after the state has expired.
            for later in [Duration::ZERO, IssuedState::LIFETIME] {
                world.clock.advance(later);
                let (again, events) = world.observed(world.answer(&prompt, second)).await;
                assert_eq!(again.unwrap(), redirect, "{first}, then {second}");
                assert_eq!(events, []);
            }
            let other = BrowserSecret::presented("another browser's cookie");
            for browser in [None, Some(&other)] {
                let answer = world.answer_as(&prompt, &prompt.ticket, browser, second);
                assert_eq!(refusal(answer.await), CallbackRefusal::OtherBrowser);
            }
            assert_eq!(claim_of(&world, &state).await.is_some(), first);
        }
    }
}

/// Two clicks whose requests arrive at once: the second one has read the state before the first one changes it.
#[tokio::test]
async fn an_answer_that_loses_a_race_repeats_the_winners_redirect_c_19() {
    for (confirmed, method) in [(true, "confirm_claim"), (false, "revoke")] {
        for winner in [true, false] {
            let world = Arc::new(World::new());
            let id = world.github.install(1, "acme-coffee");
            let state = world.state().await;
            let prompt = Arc::new(world.asked(&state, id).await);
            let (held_world, held_prompt) = (Arc::clone(&world), Arc::clone(&prompt));
            let held = Held::before(&world.states, method, async move {
                held_world.answer(&held_prompt, confirmed).await
            })
            .await;
            let redirect = world.answer(&prompt, winner).await.unwrap();
            let (late, events) = world.observed(held.finish()).await;
            assert_eq!(late.unwrap(), redirect);
            assert_eq!(events, []);
        }
    }
}

#[tokio::test]
async fn questions_in_several_tabs_are_open_at_once_c_20() {
    let world = World::new();
    let (first, second) = (world.github.install(1, "acme-coffee"), world.github.install(2, "acme-tea"));
    let state = world.state().await;
    let prompts = [
        world.asked(&state, first).await,
        world.asked(&state, first).await,
        world.asked(&state, second).await,
    ];
    world.answer(&prompts[0], true).await.unwrap();
    world.answer(&prompts[1], true).await.unwrap();
    let (other, events) = world.observed(world.answer(&prompts[2], true)).await;
    assert_eq!(refusal(other), CallbackRefusal::TiedToAnother);
    assert_eq!(events, refused_event(Some(second), CallbackRefusal::TiedToAnother));
    assert_eq!(claim_of(&world, &state).await.unwrap().installation, first);
}

#[tokio::test]
async fn after_cancel_other_tabs_are_refused_and_lead_back() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    let (cancelled, other) = (world.asked(&state, id).await, world.asked(&state, id).await);
    world.answer(&cancelled, false).await.unwrap();
    let refused = world.answer(&other, true).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(CallbackRefusal::RevokedState));
    let back = format!("{RETURN_URL}?error=access_denied&state={}", state.expose());
    assert_eq!(refused.ways_out().return_url, Some(back));
    assert_eq!(refused.ways_out().again, None);
    assert_eq!(refusal(world.visit(&state, id, "code").await), CallbackRefusal::RevokedState);
}

/// The page is reloaded, or was loaded before the visitor came: GitHub would reject the code.
#[tokio::test]
async fn a_code_is_sent_once_and_a_reload_goes_through_the_web_flow_c_18() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    world.github.visitor("code", id, true);
    prompt(world.visit(&state, id, "code").await);
    for _ in 0..3 {
        let to = authorization(world.visit(&state, id, "code").await);
        let flow = parameter(&to.url, "state").unwrap();
        assert_eq!(flow, format!("{}~{}~{id}~i", state.expose(), to.nonce));
        assert!(!to.code_was_refused);
    }
    assert_eq!(world.github.grants().len(), 1);
}

#[tokio::test]
async fn a_reload_while_the_code_is_exchanged_does_not_send_it_again() {
    let world = Arc::new(World::new());
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    world.github.visitor("code", id, true);
    let (held_world, held_state) = (Arc::clone(&world), state.clone());
    let held = Held::before(&world.gateway, "check_visitor", async move {
        held_world.visit(&held_state, id, "code").await
    })
    .await;
    authorization(world.visit(&state, id, "code").await);
    prompt(held.finish().await);
    assert_eq!(world.github.grants().len(), 1);
}

#[tokio::test]
async fn after_a_failure_of_github_a_reload_goes_through_the_web_flow() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    for number in 0..2 * IssuedState::MOST_REFUSED_CODES {
        world.gateway.set(Fault::FailsBefore.once().of("check_visitor"));
        let code = format!("code-{number}");
        assert_eq!(world.visit(&state, id, &code).await.unwrap_err().refusal(), None);
        authorization(world.visit(&state, id, &code).await);
    }
    // Failures of GitHub do not use the state up.
    world.asked(&state, id).await;
}

#[tokio::test]
async fn the_sixth_refused_code_revokes_the_state_c_14() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    for round in 0..2 {
        for number in 0..IssuedState::MOST_REFUSED_CODES {
            let code = format!("made-up-{number}");
            let (outcome, events) = world.observed(world.visit(&state, id, &code)).await;
            assert!(authorization(outcome).code_was_refused, "{round}");
            assert_eq!(events, []);
        }
    }
    assert_eq!(world.github.grants().len(), IssuedState::MOST_REFUSED_CODES);
    let (outcome, events) = world.observed(world.visit(&state, id, "made-up-6")).await;
    assert_eq!(refusal(outcome), CallbackRefusal::TooManyCodes);
    let organization = Some(acme().organization);
    let (installation, reason) = (Some(id), CallbackRefusal::TooManyCodes);
    assert_eq!(events, [Event::CallbackRefused { organization, installation, reason }]);
    world.github.visitor("valid", id, true);
    let refused = world.visit(&state, id, "valid").await.unwrap_err();
    assert_eq!(refused.refusal(), Some(CallbackRefusal::RevokedState));
    let back = format!("{RETURN_URL}?error=not_permitted&state={}", state.expose());
    assert_eq!(refused.ways_out().return_url, Some(back));
    assert_eq!(world.github.grants().len(), IssuedState::MOST_REFUSED_CODES);
}
