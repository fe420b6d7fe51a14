//! Refusals: each has a reason, a way back to the product, and the links that can help.

use dockline::{
    AccountId, Callback, CallbackError, CallbackOutcome, CallbackRefusal, InstallationId, InstalledOn, State,
    WaysOut,
};
use time::Duration;

use crate::support::{RETURN_URL, World, acme, refused_event};

fn visit<'a>(state: &'a State, id: &'a str, code: &'a str) -> Callback<'a> {
    Callback {
        state: Some(state.expose()),
        installation_id: Some(id),
        code: Some(code),
        ..Callback::default()
    }
}

/// A visitor who is refused: the parameters, the reason, and the installation in the event.
async fn refused(
    world: &World,
    callback: Callback<'_>,
    reason: CallbackRefusal,
    id: Option<InstallationId>,
) -> WaysOut {
    let (outcome, events) = world.observed(world.dockline.handle_callback(callback)).await;
    assert_eq!(events, refused_event(id, reason), "{callback:?}");
    match outcome {
        Err(CallbackError::Refused { reason: given, ways_out }) if given == reason => *ways_out,
        other => panic!("{callback:?}: {other:?}"),
    }
}

#[tokio::test]
async fn every_refusal_names_its_reason_and_leaves_the_state_usable_l_19() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let text = id.to_string();
    let state = world.state().await;
    let back = |error| Some(format!("{RETURN_URL}?error={error}&state={}", state.expose()));
    let here = format!("state={}&installation_id={id}", state.expose());
    let other_account = || Some(format!("{here}&prompt=select_account"));
    for bad in ["", "0", "-1", "+1", "1.0", "9007199254740992"] {
        let callback = Callback { installation_id: Some(bad), ..visit(&state, &text, "code") };
        let ways = refused(&world, callback, CallbackRefusal::MalformedInstallation, None).await;
        assert_eq!(ways.return_url, back("not_permitted"));
        assert_eq!(ways.again, Some(format!("state={}", state.expose())));
    }
    let ambiguous = Callback { ambiguous: true, ..visit(&state, &text, "code") };
    let ways = refused(&world, ambiguous, CallbackRefusal::DuplicateParameter, None).await;
    assert_eq!(ways.return_url, back("not_permitted"));
    for malformed in ["", " ", "a b", "a~b", &"x".repeat(7_000)] {
        let callback = visit(&state, &text, malformed);
        let ways = refused(&world, callback, CallbackRefusal::MalformedCode, Some(id)).await;
        assert_eq!((ways.return_url, ways.again), (back("not_permitted"), Some(here.clone())));
    }
    assert_eq!(world.github.grants().len(), 0);
    let denied = Callback { code: None, error: Some("access_denied"), ..visit(&state, &text, "") };
    let ways = refused(&world, denied, CallbackRefusal::AuthorizationDenied, Some(id)).await;
    assert_eq!((ways.return_url, ways.again), (back("access_denied"), Some(here.clone())));
    world.github.visitor_who_sees("stranger", None, true);
    let callback = visit(&state, &text, "stranger");
    let ways = refused(&world, callback, CallbackRefusal::NotVisible, Some(id)).await;
    assert_eq!((ways.again, ways.other_account), (None, other_account()));
    world.github.visitor("member", id, false);
    let callback = visit(&state, &text, "member");
    let ways = refused(&world, callback, CallbackRefusal::NotAdministered, Some(id)).await;
    assert_eq!((ways.return_url, ways.other_account), (back("not_permitted"), other_account()));
    let enterprise = InstalledOn::Enterprise { id: AccountId::new(3).unwrap(), slug: "acme".into() };
    for (code, owner) in [("enterprise", enterprise), ("nameless", InstalledOn::Unknown)] {
        world.github.visitor_who_sees(code, Some(owner), true);
        refused(&world, visit(&state, &text, code), CallbackRefusal::UnbindableAccount, Some(id)).await;
    }
    assert_eq!(world.issued(&state).await.unwrap().pending, []);
    let prompt = world.asked(&state, id).await;
    world.answer(&prompt, true).await.unwrap();
}

#[tokio::test]
async fn a_state_that_is_over_leads_back_and_nowhere_else_c_24() {
    let world = World::new();
    let (id, other) = (world.github.install(1, "acme-coffee"), world.github.install(2, "acme-tea"));
    let (text, other_text) = (id.to_string(), other.to_string());
    let tied = world.confirmed(&acme(), id).await;
    let expired = world.state().await;
    world.clock.advance(Duration::minutes(15));
    for (state, installation, text, reason) in [
        (&tied, other, &other_text, CallbackRefusal::TiedToAnother),
        (&expired, id, &text, CallbackRefusal::ExpiredState),
    ] {
        let ways = refused(&world, visit(state, text, "code"), reason, Some(installation)).await;
        let return_url = Some(format!("{RETURN_URL}?error=not_permitted&state={}", state.expose()));
        assert_eq!(ways, WaysOut { return_url, ..WaysOut::default() });
    }
    let unknown = Callback { state: Some("never-issued-at-all"), ..Callback::default() };
    let error = world.dockline.handle_callback(unknown).await.unwrap_err();
    assert_eq!(*error.ways_out(), WaysOut::default());
}

#[tokio::test]
async fn an_installation_without_a_state_goes_to_the_products_page_c_25() {
    let landing = "https://app.acme.example/installed?from=github";
    let world = World::with(|builder| builder.with_unsolicited_install_url(landing));
    let unsolicited = Callback {
        installation_id: Some("7"),
        code: Some("code"),
        setup_action: Some("install"),
        ..Callback::default()
    };
    let (outcome, events) = world.observed(world.dockline.handle_callback(unsolicited)).await;
    match outcome {
        Ok(CallbackOutcome::Unsolicited { url }) => assert_eq!(url, format!("{landing}&installation_id=7")),
        other => panic!("{other:?}"),
    }
    assert_eq!((events, world.github.grants().len()), (vec![], 0));
    // The product sends the browser back with a state of its own.
    let id = world.github.install(7, "acme-coffee");
    let (state, text) = (world.state().await, id.to_string());
    let back = Callback { code: None, ..visit(&state, &text, "") };
    let outcome = world.dockline.handle_callback(back).await;
    assert!(matches!(outcome, Ok(CallbackOutcome::Authorize(_))), "{outcome:?}");
    let bad = [
        Callback { installation_id: Some("x"), ..unsolicited },
        Callback { installation_id: None, ..unsolicited },
        Callback { ambiguous: true, ..unsolicited },
        Callback { state: Some(""), ..unsolicited },
    ];
    for callback in bad {
        let refused = world.dockline.handle_callback(callback).await.unwrap_err();
        assert_eq!(refused.refusal(), Some(CallbackRefusal::MalformedState), "{callback:?}");
    }
    let without_page = World::new().dockline.handle_callback(unsolicited).await.unwrap_err();
    assert_eq!(without_page.refusal(), Some(CallbackRefusal::MalformedState));
}
