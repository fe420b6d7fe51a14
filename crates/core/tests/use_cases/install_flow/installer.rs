//! Proof by having installed the App, if the visitor only sees the installation (L-09, L-28).

use dockline::ports::BindingRepo;
use dockline::{
    Callback, CallbackError, CallbackRefusal, ConfirmationPrompt, InstallationId, Proof, RefusalReason,
    RegisterError, Registered, State,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::{NOON, account_id, installer_record};

use crate::support::{VISITOR, World, acme, claim_of, prompt, refusal, refused_event};

const OTHER: u64 = 78;

/// A visitor who sees the installation and does not administer it.
async fn visitor(world: &World) -> (InstallationId, State) {
    let id = world.github.install(1, "acme-coffee");
    world.github.visitor("code", id, false);
    (id, world.state().await)
}

async fn asked(world: &World) -> (InstallationId, State, ConfirmationPrompt) {
    let (id, state) = visitor(world).await;
    let prompt = prompt(world.visit(&state, id, "code").await);
    (id, state, prompt)
}

async fn record(world: &World, id: InstallationId, installer: u64) {
    world.stored.record_installer(id, installer_record(installer), NOON).await.unwrap();
}

async fn proof(world: &World, state: &State) -> Proof {
    claim_of(world, state).await.unwrap().proof
}

#[tokio::test]
async fn a_recorded_installer_is_asked_and_registers() {
    let world = World::new();
    let (id, state) = visitor(&world).await;
    record(&world, id, VISITOR).await;
    let prompt = prompt(world.visit(&state, id, "code").await);
    world.answer(&prompt, true).await.unwrap();
    assert_eq!(proof(&world, &state).await, Proof::Installed);
    let registered = world.register(&acme(), id, &state).await.unwrap();
    assert_eq!(registered.binding().proof, Proof::Installed);
    assert_eq!(registered.binding().proven_by, Some(account_id(VISITOR)));
    assert_eq!(world.gateway.count("installer"), 0);
}

#[tokio::test]
async fn a_visitor_is_refused_if_another_account_installed_the_app() {
    let world = World::new();
    let (id, state) = visitor(&world).await;
    record(&world, id, OTHER).await;
    assert_eq!(refusal(world.visit(&state, id, "code").await), CallbackRefusal::NotAdministered);
}

#[tokio::test]
async fn only_a_visitor_who_has_just_installed_the_app_is_asked_before_the_webhook() {
    for action in [None, Some("update"), Some("anything")] {
        let world = World::new();
        let (id, state) = visitor(&world).await;
        let id = id.to_string();
        let callback = Callback {
            state: Some(state.expose()),
            installation_id: Some(&id),
            code: Some("code"),
            setup_action: action,
            ..Callback::default()
        };
        let outcome = world.dockline.handle_callback(callback).await;
        assert_eq!(refusal(outcome), CallbackRefusal::NotAdministered, "{action:?}");
    }
}

#[tokio::test]
async fn at_the_confirmation_the_recorded_installer_decides() {
    let world = World::new();
    let (id, state, prompt) = asked(&world).await;
    record(&world, id, VISITOR).await;
    world.answer(&prompt, true).await.unwrap();
    assert_eq!(proof(&world, &state).await, Proof::Installed);
    let world = World::new();
    let (id, state, prompt) = asked(&world).await;
    record(&world, id, OTHER).await;
    let (outcome, events) = world.observed(world.answer(&prompt, true)).await;
    assert_eq!(refusal(outcome), CallbackRefusal::NotAdministered);
    assert_eq!(events, refused_event(Some(id), CallbackRefusal::NotAdministered));
    assert_eq!(claim_of(&world, &state).await, None);
    // The visitor may still cancel.
    world.answer(&prompt, false).await.unwrap();
}

#[tokio::test]
async fn at_the_confirmation_githubs_log_is_read_once_if_the_webhook_is_missing() {
    let world = World::new();
    let (id, state, prompt) = asked(&world).await;
    world.github.log_installer(id, VISITOR);
    world.answer(&prompt, true).await.unwrap();
    assert_eq!(proof(&world, &state).await, Proof::Installed);
    assert_eq!(world.gateway.count("installer"), 1);
    assert_eq!(world.stored.installer(id).await.unwrap(), Some(installer_record(VISITOR)));
    let world = World::new();
    let (id, state, prompt) = asked(&world).await;
    world.github.log_installer(id, OTHER);
    assert_eq!(refusal(world.answer(&prompt, true).await), CallbackRefusal::NotAdministered);
    assert_eq!(claim_of(&world, &state).await, None);
    assert_eq!(world.stored.installer(id).await.unwrap(), Some(installer_record(OTHER)));
}

#[tokio::test]
async fn a_claim_of_an_unknown_installer_registers_only_after_the_webhook() {
    let world = World::new();
    let (id, state, prompt) = asked(&world).await;
    world.answer(&prompt, true).await.unwrap();
    assert_eq!(proof(&world, &state).await, Proof::Visible);
    let early = world.register(&acme(), id, &state).await;
    assert!(matches!(early, Err(RegisterError::Refused(RefusalReason::Unproven))), "{early:?}");
    record(&world, id, VISITOR).await;
    match world.register(&acme(), id, &state).await.unwrap() {
        Registered::Created(binding) => assert_eq!(binding.proof, Proof::Installed),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_failure_to_read_the_installer_is_no_refusal() {
    let world = World::new();
    let (_, state, prompt) = asked(&world).await;
    world.gateway.set(Fault::FailsBefore.once().of("installer"));
    assert!(matches!(world.answer(&prompt, true).await, Err(CallbackError::Port { .. })));
    world.bindings.set(Fault::FailsBefore.once().of("installer"));
    assert!(matches!(world.answer(&prompt, true).await, Err(CallbackError::Port { .. })));
    assert_eq!(claim_of(&world, &state).await, None);
    world.answer(&prompt, true).await.unwrap();
}

#[tokio::test]
async fn an_administrator_needs_no_installer() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.confirmed(&acme(), id).await;
    world.register(&acme(), id, &state).await.unwrap();
    assert_eq!((world.bindings.count("installer"), world.gateway.count("installer")), (0, 0));
}
