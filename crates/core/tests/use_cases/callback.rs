//! `handle_callback`: the visitor returns from GitHub.

use std::sync::Arc;

use dockline::ports::{Event, StateStore};
use dockline::{
    AccountId, Callback, CallbackError, CallbackOutcome, CallbackRefusal, ClaimMembership, ClaimPolicy,
    ErrorCode, InstallResult, InstallationId, InstalledOn, PortErrorKind, PortName, Proof, SetupAction,
    StartInstallRequest, State, VerifiedClaim,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::{account_id, installation};
use time::Duration;

use crate::start_install::NoEntropy;
use crate::support::{
    Held, RETURN_URL, VISITOR, World, account_of, acme, claim_of, prompt, redirect, refusal, refused_event,
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
    assert_eq!(prompt.return_url, RETURN_URL);
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
        let event = Event::CallbackRefused { organization: None, installation: None, reason };
        assert_eq!(events, [event]);
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

/// A visitor who is refused: the parameters, the reason, and the installation in the event.
async fn assert_refused(
    world: &World,
    callback: Callback<'_>,
    reason: CallbackRefusal,
    id: Option<InstallationId>,
) {
    let (outcome, events) = world.observed(world.dockline.handle_callback(callback)).await;
    assert_eq!(refusal(outcome), reason, "{callback:?}");
    assert_eq!(events, refused_event(id, reason), "{callback:?}");
}

#[tokio::test]
async fn every_refusal_names_its_reason_in_an_event_and_leaves_the_state_usable_l_19() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let text = id.to_string();
    let state = world.state().await;
    let valid = with_code(&state, &text);
    for bad in [None, Some(""), Some("0"), Some("-1"), Some("+1"), Some("1.0"), Some("9007199254740992")] {
        let callback = Callback { installation_id: bad, setup_action: Some("install"), ..valid };
        assert_refused(&world, callback, CallbackRefusal::MalformedInstallation, None).await;
    }
    assert_refused(&world, valid, CallbackRefusal::CodeRefused, Some(id)).await;
    let denied = Callback { code: None, error: Some("access_denied"), ..valid };
    assert_refused(&world, denied, CallbackRefusal::AuthorizationDenied, Some(id)).await;
    world.github.visitor_who_sees("code", None, true);
    assert_refused(&world, valid, CallbackRefusal::NotVisible, Some(id)).await;
    // A code works once.
    assert_refused(&world, valid, CallbackRefusal::CodeRefused, Some(id)).await;
    world.github.visitor("code", id, false);
    assert_refused(&world, valid, CallbackRefusal::NotAdministered, Some(id)).await;
    let enterprise = InstalledOn::Enterprise { id: AccountId::new(3).unwrap(), slug: "acme".into() };
    for owner in [enterprise, InstalledOn::Unknown] {
        world.github.visitor_who_sees("code", Some(owner), true);
        assert_refused(&world, valid, CallbackRefusal::UnbindableAccount, Some(id)).await;
    }
    assert_eq!(world.issued(&state).await.unwrap().pending, []);
    let prompt = world.asked(&state, id).await;
    world.answer(&prompt, true).await.unwrap();
}

#[tokio::test]
async fn a_tied_state_is_refused_for_another_installation_and_accepted_for_the_same() {
    let world = World::new();
    let (first, second) = (world.github.install(1, "acme-coffee"), world.github.install(2, "acme-tea"));
    let state = world.confirmed(&acme(), first).await;
    world.github.visitor("code", second, true);
    let text = second.to_string();
    assert_refused(&world, with_code(&state, &text), CallbackRefusal::TiedToAnother, Some(second)).await;
    world.asked(&state, first).await;
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
    assert_eq!(refusal(world.dockline.handle_callback(forged).await), CallbackRefusal::CodeRefused);
}

#[tokio::test]
async fn a_visitor_without_a_code_authorizes_the_app_once_l_07() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let text = id.to_string();
    let state = world.state().await;
    let without_code = Callback { code: None, setup_action: Some("update"), ..with_code(&state, &text) };
    let url = match world.dockline.handle_callback(without_code).await.unwrap() {
        CallbackOutcome::Authorize(authorization) => authorization.url,
        other => panic!("{other:?}"),
    };
    let extended = format!("{}~{id}", state.expose());
    let page = "https://github.com/login/oauth/authorize?client_id=Iv1.dockline";
    assert_eq!(url, format!("{page}&state={extended}"));
    let returned = Callback { state: Some(&extended), ..Callback::default() };
    assert_refused(&world, returned, CallbackRefusal::MissingCode, Some(id)).await;
    let declined = Callback { error: Some("access_denied"), ..returned };
    assert_refused(&world, declined, CallbackRefusal::AuthorizationDenied, Some(id)).await;
    world.github.visitor("code", id, true);
    let authorized = Callback { code: Some("code"), ..returned };
    let prompt = prompt(world.dockline.handle_callback(authorized).await);
    assert_eq!(prompt.state.expose(), state.expose());
    let redirect = world.answer(&prompt, true).await.unwrap();
    assert!(redirect.url.ends_with("&setup_action=update"), "{}", redirect.url);
}

#[tokio::test]
async fn a_state_with_a_tilde_is_split_only_on_the_way_back_from_the_authorization() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let own = "own-state-of-acme~1";
    let request = StartInstallRequest { return_url: Some(RETURN_URL), state: Some(own) };
    let state = world.dockline.start_install(&acme(), request).await.unwrap().state;
    world.asked(&state, id).await;
    world.github.visitor("code", id, true);
    let with_action = Callback {
        state: Some(own),
        setup_action: Some("install"),
        code: Some("code"),
        ..Callback::default()
    };
    assert_refused(&world, with_action, CallbackRefusal::MalformedInstallation, None).await;
    // The last part is not an installation id: the whole text is the state.
    let other = Callback { state: Some("own-state-of-acme~x"), ..Callback::default() };
    assert_eq!(refusal(world.dockline.handle_callback(other).await), CallbackRefusal::UnknownState);
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
    for _ in 0..2 {
        world.github.visitor("code", id, true);
        let (outcome, events) = world.observed(world.visit(&state, id, "code")).await;
        assert_eq!(redirect(outcome).result, InstallResult::Connected(id));
        let organization = acme().organization;
        let proof = Proof::Administered;
        assert_eq!(events, [Event::ClaimConfirmed { organization, installation: id, proof }]);
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
    // A state that is revoked meanwhile is unknown.
    let state = world.state().await;
    world.github.visitor("first", first, true);
    let (held_world, held_state) = (Arc::clone(&world), state.clone());
    let held = Held::before(&world.states, "confirm_claim", async move {
        held_world.visit(&held_state, first, "first").await
    })
    .await;
    assert!(world.stored_states.revoke(&state.digest(), None).await.unwrap());
    assert_eq!(refusal(held.finish().await), CallbackRefusal::UnknownState);
}

#[tokio::test]
async fn a_state_that_is_revoked_during_the_visit_is_unknown() {
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
    assert_eq!(refusal(held.finish().await), CallbackRefusal::UnknownState);
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
        let (outcome, events) = world.observed(world.visit(&state, id, "code")).await;
        match outcome {
            Err(CallbackError::Port(error)) => {
                assert_eq!((error.port(), error.kind()), (port, kind));
                assert_eq!(CallbackError::from(error.clone()).code(), error.code());
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(events, []);
    }
    world.asked(&state, id).await;
    assert_eq!(CallbackError::from(CallbackRefusal::NotVisible).code(), ErrorCode::Validation);
    // Without randomness there is neither a ticket nor a cookie.
    let world = World::with(|builder| builder.with_entropy(Arc::new(NoEntropy)));
    let id = installation(1);
    world.github.install(1, "acme-coffee");
    let own = StartInstallRequest { return_url: Some(RETURN_URL), state: Some("own-state-of-acme") };
    let state = world.dockline.start_install(&acme(), own).await.unwrap().state;
    world.github.visitor("code", id, true);
    let failed = world.visit(&state, id, "code").await;
    assert!(matches!(failed, Err(CallbackError::Port(error)) if error.port() == PortName::Entropy));
}
