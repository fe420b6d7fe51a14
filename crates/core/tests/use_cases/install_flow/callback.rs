//! `handle_callback`: the visitor returns from GitHub.

use std::sync::Arc;

use dockline::ports::{Event, StateStore};
use dockline::{
    Callback, CallbackError, CallbackRefusal, ClaimMembership, ClaimPolicy, InstallResult, PortErrorKind,
    PortName, Proof, SetupAction, StartInstallRequest, State, VerifiedClaim,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::{account_id, installation};
use time::Duration;

use crate::install_flow::start_install::NoEntropy;
use crate::support::{
    Held, RETURN_URL, VISITOR, World, account_of, acme, authorization, claim_of, redirect, refusal,
};

/// The parameters of a visitor with a code.
fn with_code<'a>(state: &'a State, id: &'a str) -> Callback<'a> {
    Callback {
        state: Some(state.expose()),
        installation_id: Some(id),
        code: Some("code"),
        ..Callback::default()
    }
}

#[tokio::test]
async fn an_administrator_is_asked_to_confirm_and_nothing_is_tied_yet() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    world.clock.advance(Duration::minutes(5));
    let (prompt, events) = world.observed(world.asked(&state, id)).await;
    assert_eq!(prompt.account, account_of(1, "acme-coffee"));
    assert_eq!(prompt.organization, acme().organization);
    assert_eq!(prompt.organization_name, acme().organization_name);
    assert_eq!(prompt.actor, acme().actor);
    assert_eq!(prompt.state.expose(), state.expose());
    assert_eq!((&*prompt.return_url, &*prompt.return_host), (RETURN_URL, "app.acme.example"));
    assert_eq!(prompt.expires_in, Duration::minutes(10));
    assert_eq!((prompt.ticket.expose().len(), prompt.browser.expose().len()), (32, 32));
    assert_ne!(prompt.ticket.expose(), prompt.browser.expose());
    assert_eq!(events, []);
    let issued = world.issued(&state).await.unwrap();
    assert_eq!(issued.claim, None);
    let [pending] = issued.pending[..] else { panic!("{issued:?}") };
    assert_eq!((pending.ticket, pending.browser), (prompt.ticket.digest(), prompt.browser.digest()));
    let claim = VerifiedClaim {
        installation: id,
        account: account_id(1_001),
        proof: Proof::Administered,
        visitor: account_id(VISITOR),
        membership: ClaimMembership::Administrator,
    };
    assert_eq!((pending.claim, pending.setup_action), (claim, SetupAction::Install));
}

#[tokio::test]
async fn a_state_that_is_malformed_unknown_or_expired_is_refused_without_a_call_to_github() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee").to_string();
    let state = world.state().await;
    let refused = async |state| {
        let callback =
            Callback { state, installation_id: Some(&id), code: Some("code"), ..Callback::default() };
        let (outcome, events) = world.observed(world.dockline.handle_callback(callback)).await;
        let reason = refusal(outcome);
        assert!(
            matches!(events[..], [Event::CallbackRefused { reason: recorded, .. }] if recorded == reason)
        );
        reason
    };
    for malformed in [None, Some(""), Some("a b")] {
        assert_eq!(refused(malformed).await, CallbackRefusal::MalformedState, "{malformed:?}");
    }
    assert_eq!(refused(Some("never-issued-at-all")).await, CallbackRefusal::UnknownState);
    world.clock.advance(Duration::minutes(15));
    assert_eq!(refused(Some(state.expose())).await, CallbackRefusal::ExpiredState);
    assert_eq!(world.gateway.count("check_visitor"), 0);
}

#[tokio::test]
async fn a_tied_state_leads_on_and_takes_no_other_installation_c_18() {
    let world = World::new();
    let (first, second) = (world.github.install(1, "acme-coffee"), world.github.install(2, "acme-tea"));
    let state = world.confirmed(&acme(), first).await;
    let visits = world.gateway.count("check_visitor");
    let text = second.to_string();
    let other = world.dockline.handle_callback(with_code(&state, &text)).await;
    assert_eq!(refusal(other), CallbackRefusal::TiedToAnother);
    let text = first.to_string();
    let state_text = state.expose();
    // A reload of the page, also a late one.
    for later in [Duration::ZERO, Duration::HOUR] {
        world.clock.advance(later);
        for installation_id in [Some(&*text), None] {
            let callback = Callback { installation_id, ..with_code(&state, &text) };
            let (outcome, events) = world.observed(world.dockline.handle_callback(callback)).await;
            let redirect = redirect(outcome);
            let url = format!("{RETURN_URL}?installation_id={first}&state={state_text}&setup_action=install");
            assert_eq!((redirect.url, redirect.result), (url, InstallResult::Connected(first)));
            assert_eq!(events, []);
        }
    }
    assert_eq!(world.gateway.count("check_visitor"), visits);
}

#[tokio::test]
async fn a_request_to_the_owners_redirects_without_an_installation_l_62() {
    let world = World::new();
    let state = world.state().await;
    let callback = Callback {
        state: Some(state.expose()),
        setup_action: Some("request"),
        code: Some("code"),
        ..Callback::default()
    };
    let requested = redirect(world.dockline.handle_callback(callback).await);
    assert_eq!(requested.url, format!("{RETURN_URL}?state={}&setup_action=request", state.expose()));
    assert_eq!(requested.result, InstallResult::Requested);
    assert_eq!(world.gateway.count("check_visitor"), 0);
    // A number that was added by hand is checked like any other.
    let forged = Callback { installation_id: Some("1"), ..callback };
    assert!(authorization(world.dockline.handle_callback(forged).await).code_was_refused);
}

#[tokio::test]
async fn under_policy_state_a_visitor_without_a_code_goes_on_and_nothing_is_tied() {
    for oauth_client in [true, false] {
        let prepare = |github: &crate::support::FakeGithub| {
            if !oauth_client {
                github.without_oauth_client();
            }
        };
        let world = World::over(prepare, |builder| builder.with_policy(ClaimPolicy::State));
        assert_eq!(world.dockline.policy(), ClaimPolicy::State);
        let id = world.github.install(1, "acme-coffee");
        let state = world.state().await;
        let text = id.to_string();
        for (action, named) in [(None, "install"), (Some("update"), "update"), (Some("new"), "install")] {
            let callback = Callback { code: None, setup_action: action, ..with_code(&state, &text) };
            let (outcome, events) = world.observed(world.dockline.handle_callback(callback)).await;
            let connected = redirect(outcome);
            let state = state.expose();
            let url = format!("{RETURN_URL}?installation_id={id}&state={state}&setup_action={named}");
            assert_eq!((connected.url, connected.result), (url, InstallResult::Connected(id)));
            assert_eq!(events, []);
        }
        assert_eq!(claim_of(&world, &state).await, None);
    }
}

#[tokio::test]
async fn without_confirmation_the_claim_is_tied_at_once() {
    let world = World::with(|builder| builder.with_confirmation(false));
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    for first in [true, false] {
        world.github.visitor("code", id, true);
        let (outcome, events) = world.observed(world.visit(&state, id, "code")).await;
        assert_eq!(redirect(outcome).result, InstallResult::Connected(id));
        let organization = acme().organization;
        let proof = Proof::Administered;
        let confirmed = Event::ClaimConfirmed { organization, installation: id, proof };
        // The second visit is led on.
        assert_eq!(events, if first { vec![confirmed] } else { vec![] });
        assert_eq!(claim_of(&world, &state).await.unwrap().installation, id);
    }
}

/// Two visits of one state, of which the first is held before its claim is stored.
#[tokio::test]
async fn without_confirmation_the_first_stored_claim_wins() {
    let world = Arc::new(World::with(|builder| builder.with_confirmation(false)));
    let (first, second) = (world.github.install(1, "acme-coffee"), world.github.install(2, "acme-tea"));
    let state = world.state().await;
    world.github.visitor("first", first, true);
    let (held_world, held_state) = (Arc::clone(&world), state.clone());
    let held = Held::before(&world.states, "confirm_claim", async move {
        held_world.visit(&held_state, first, "first").await
    })
    .await;
    world.github.visitor("second", second, true);
    redirect(world.visit(&state, second, "second").await);
    assert_eq!(refusal(held.finish().await), CallbackRefusal::TiedToAnother);
    assert_eq!(claim_of(&world, &state).await.unwrap().installation, second);
    // A state that is revoked meanwhile takes no claim.
    let state = world.state().await;
    world.github.visitor("first", first, true);
    let (held_world, held_state) = (Arc::clone(&world), state.clone());
    let held = Held::before(&world.states, "confirm_claim", async move {
        held_world.visit(&held_state, first, "first").await
    })
    .await;
    assert!(world.stored_states.revoke(&state.digest(), None).await.unwrap());
    assert_eq!(refusal(held.finish().await), CallbackRefusal::RevokedState);
}

#[tokio::test]
async fn a_state_that_is_revoked_during_the_visit_is_refused() {
    let world = Arc::new(World::new());
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    world.github.visitor("code", id, true);
    let (held_world, held_state) = (Arc::clone(&world), state.clone());
    let held = Held::before(&world.states, "save_pending", async move {
        held_world.visit(&held_state, id, "code").await
    })
    .await;
    assert!(world.stored_states.revoke(&state.digest(), None).await.unwrap());
    assert_eq!(refusal(held.finish().await), CallbackRefusal::RevokedState);
}

#[tokio::test]
async fn infrastructure_failures_keep_their_kind_and_are_no_refusal() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    let limited = PortErrorKind::RateLimited { retry_after: std::time::Duration::from_secs(9) };
    world.github.visitor("code", id, true);
    for (port, kind) in [
        (PortName::StateStore, PortErrorKind::Unavailable),
        (PortName::GithubGateway, limited),
        (PortName::StateStore, PortErrorKind::Corrupt),
    ] {
        match (port, kind) {
            (PortName::GithubGateway, _) => world.gateway.set(Fault::FailsAs(kind).once()),
            (_, PortErrorKind::Corrupt) => {
                world.states.set(Fault::FailsAs(kind).once().of("save_pending"));
            }
            _ => world.states.set(Fault::FailsAs(kind).once().of("find_by_digest")),
        }
        let code = format!("code-{kind:?}").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        world.github.visitor(&code, id, true);
        let (outcome, events) = world.observed(world.visit(&state, id, &code)).await;
        match outcome {
            Err(error) if error.refusal().is_none() => {
                // The product learns of it once the state is known.
                let back = format!("{RETURN_URL}?error=server_error&state={}", state.expose());
                let known = port == PortName::GithubGateway || kind == PortErrorKind::Corrupt;
                assert_eq!(error.ways_out().return_url, known.then_some(back));
                let CallbackError::Port { error, .. } = error else { panic!("{error:?}") };
                assert_eq!((error.port(), error.kind()), (port, kind));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(events, []);
    }
    world.asked(&state, id).await;
    // Without randomness there is neither a ticket nor a cookie.
    let world = World::with(|builder| builder.with_entropy(Arc::new(NoEntropy)));
    let id = installation(1);
    world.github.install(1, "acme-coffee");
    let own = StartInstallRequest { return_url: Some(RETURN_URL), state: Some("own-state-of-acme") };
    let state = world.dockline.start_install(&acme(), own).await.unwrap().state;
    world.github.visitor("code", id, true);
    let failed = world.visit(&state, id, "code").await;
    assert!(matches!(failed, Err(CallbackError::Port { error, .. }) if error.port() == PortName::Entropy));
}
