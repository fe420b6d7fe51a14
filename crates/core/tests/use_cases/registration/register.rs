//! `register` and `binding`.

use std::sync::Arc;

use dockline::ports::{BindingRepo, Event, Observation};
use dockline::{
    AccountId, AppId, Binding, ClaimPolicy, ErrorCode, Installation, InstallationId, InstalledOn,
    PortErrorKind, Proof, RefusalReason, RegisterError, Registered, State, Status,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::{NOON, account_id, installation};
use time::Duration;

use crate::support::{Held, VISITOR, World, account_of, acme, rival, shown};

fn reason(outcome: Result<Registered, RegisterError>) -> RefusalReason {
    match outcome {
        Err(RegisterError::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_registration_stores_the_claim_with_its_visitor_and_actor_i_2() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.confirmed(&acme(), id).await;
    world.clock.advance(Duration::minutes(1));
    let (registered, events) = world.observed(world.register(&acme(), id, &state)).await;
    let expected = Binding {
        organization: acme().organization,
        installation: id,
        account: account_of(1, "acme-coffee"),
        status: Status::Active,
        life: shown(NOON + Duration::minutes(1)),
        proof: Proof::Administered,
        proven_by: Some(account_id(VISITOR)),
        actor: acme().actor,
        registered_at: NOON + Duration::minutes(1),
        last_verified_at: NOON + Duration::minutes(1),
        generation: 1,
    };
    let registered = registered.unwrap();
    assert_eq!(registered, Registered::Created(expected.clone()));
    assert_eq!(registered.binding(), &expected);
    let Binding { organization, actor, proof, .. } = expected.clone();
    assert_eq!(events, [Event::Registered { organization, actor, installation: id, proof }]);
    assert_eq!(world.dockline.binding(&acme()).await.unwrap(), Some(expected));
    assert_eq!(world.dockline.binding(&rival()).await.unwrap(), None);
    let history = world.stored.history(&acme().organization);
    assert_eq!(history[0].spent, state.digest());
}

#[tokio::test]
async fn a_suspended_installation_is_registered_as_suspended() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.confirmed(&acme(), id).await;
    world.github.suspend(id, true);
    assert_eq!(world.register(&acme(), id, &state).await.unwrap().binding().status, Status::Suspended);
}

#[tokio::test]
async fn times_are_stored_in_whole_microseconds_in_utc() {
    let world = World::with(|builder| builder.with_policy(ClaimPolicy::State));
    world.clock.advance(Duration::nanoseconds(1_999));
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    let registered = world.register(&acme(), id, &state).await.unwrap();
    let binding = registered.binding();
    assert_eq!(binding.registered_at, NOON + Duration::MICROSECOND);
    assert_eq!((binding.proof, binding.proven_by), (Proof::State, None));
    assert!(binding.registered_at.offset().is_utc());
}

#[tokio::test]
async fn a_repeated_registration_returns_the_stored_binding_without_github_or_a_live_state_i_4() {
    let world = World::new();
    let bound = world.bound().await;
    world.clock.advance(Duration::DAY);
    let lookups = world.lookups();
    world.states.set(Fault::FailsBefore.always());
    world.gateway.set(Fault::FailsBefore.always());
    let unknown = State::parse("never-issued-at-all").unwrap();
    let (replayed, events) = world.observed(world.register(&acme(), bound.installation, &unknown)).await;
    assert_eq!(replayed.unwrap(), Registered::Replayed(bound.clone()));
    let Binding { organization, actor, installation, .. } = bound;
    assert_eq!(events, [Event::Replayed { organization, actor, installation }]);
    assert_eq!(world.lookups(), lookups);
}

#[tokio::test]
async fn a_registration_of_another_installation_is_a_conflict_and_changes_nothing_i_5() {
    let world = World::new();
    let bound = world.bound().await;
    let attempted = world.github.install(2, "acme-tea");
    let state = world.state().await;
    let (refused, events) = world.observed(world.register(&acme(), attempted, &state)).await;
    let error = refused.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict);
    assert!(matches!(error, RegisterError::Conflict(binding) if *binding == bound));
    let Binding { organization, actor, .. } = bound.clone();
    let (bound_id, organization) = (bound.installation, organization);
    assert_eq!(events, [Event::Conflicted { organization, actor, bound: bound_id, attempted }]);
    assert_eq!(world.stored_binding().await, Some(bound));
}

/// The refusal, which is recorded as an event with the actor.
async fn refused(world: &World, id: InstallationId, state: &State) -> RefusalReason {
    let (outcome, events) = world.observed(world.register(&acme(), id, state)).await;
    let found = reason(outcome);
    let (organization, actor) = (acme().organization, acme().actor);
    assert_eq!(events, [Event::Refused { organization, actor, installation: id, reason: found }]);
    assert_eq!(world.stored_binding().await, None);
    found
}

#[tokio::test]
async fn a_state_that_is_unknown_foreign_expired_or_tied_to_another_installation_is_refused_i_3() {
    let world = World::new();
    let (id, other) = (world.github.install(1, "acme-coffee"), world.github.install(2, "acme-tea"));
    let unknown = State::parse("never-issued-at-all").unwrap();
    assert_eq!(refused(&world, id, &unknown).await, RefusalReason::UnknownState);
    let foreign = world.confirmed(&rival(), id).await;
    assert_eq!(refused(&world, id, &foreign).await, RefusalReason::UnknownState);
    let tied = world.confirmed(&acme(), other).await;
    assert_eq!(refused(&world, id, &tied).await, RefusalReason::TiedToAnother);
    let unproven = world.state().await;
    assert_eq!(refused(&world, id, &unproven).await, RefusalReason::Unproven);
    let expired = world.confirmed(&acme(), id).await;
    world.clock.advance(Duration::minutes(15));
    assert_eq!(refused(&world, id, &expired).await, RefusalReason::ExpiredState);
    assert_eq!(world.lookups(), 0, "a refused state causes no call to GitHub");
}

#[tokio::test]
async fn an_installation_that_is_not_what_the_visitor_proved_is_refused() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.confirmed(&acme(), id).await;
    let app = AppId::new(8).unwrap();
    let enterprise = InstalledOn::Enterprise { id: AccountId::new(3).unwrap(), slug: "acme".into() };
    let original = InstalledOn::Account(account_of(1, "acme-coffee"));
    let moved = InstalledOn::Account(account_of(2, "acme-coffee"));
    for (installed_on, expected) in [
        (enterprise, RefusalReason::UnbindableAccount),
        (InstalledOn::Unknown, RefusalReason::UnbindableAccount),
        (moved, RefusalReason::AccountChanged),
    ] {
        world.github.change(id, |installation| installation.installed_on = installed_on);
        assert_eq!(refused(&world, id, &state).await, expected);
    }
    world.github.put(Installation {
        id,
        app,
        installed_on: original,
        suspended: false,
        facts: Default::default(),
    });
    assert_eq!(refused(&world, id, &state).await, RefusalReason::ForeignApp);
    world.github.remove(id);
    assert_eq!(refused(&world, id, &state).await, RefusalReason::NoSuchInstallation);
    // L-20: none of it used up the state.
    world.github.install(1, "acme-coffee");
    world.register(&acme(), id, &state).await.unwrap();
}

#[tokio::test]
async fn an_installation_that_is_bound_or_was_uninstalled_is_refused() {
    let world = World::new();
    let taken = world.github.install(1, "acme-coffee");
    let state = world.confirmed(&acme(), taken).await;
    world.bind(&rival(), taken).await;
    assert_eq!(refused(&world, taken, &state).await, RefusalReason::Taken);
    let gone = world.github.install(2, "acme-tea");
    let state = world.confirmed(&acme(), gone).await;
    world.stored.observe(gone, Observation::Deleted { at: NOON }).await.unwrap();
    assert_eq!(refused(&world, gone, &state).await, RefusalReason::Gone);
}

#[tokio::test]
async fn an_uninstallation_during_the_registration_refuses_it() {
    let world = Arc::new(World::new());
    let id = world.github.install(1, "acme-coffee");
    let state = world.confirmed(&acme(), id).await;
    let (held_world, held_state) = (Arc::clone(&world), state.clone());
    let held = Held::before(&world.bindings, "insert", async move {
        held_world.register(&acme(), id, &held_state).await
    })
    .await;
    world.stored.observe(id, Observation::Deleted { at: NOON }).await.unwrap();
    assert_eq!(reason(held.finish().await), RefusalReason::Gone);
    assert_eq!(world.stored_binding().await, None);
}

#[tokio::test]
async fn of_two_concurrent_registrations_of_one_organization_the_second_returns_the_first_l_50() {
    for same in [true, false] {
        let world = Arc::new(World::new());
        let (first, second) = (world.github.install(1, "acme-coffee"), world.github.install(2, "acme-tea"));
        let state = world.confirmed(&acme(), first).await;
        let (held_world, held_state) = (Arc::clone(&world), state.clone());
        let held = Held::before(&world.bindings, "insert", async move {
            held_world.register(&acme(), first, &held_state).await
        })
        .await;
        let bound = if same {
            world.register(&acme(), first, &state).await.unwrap().binding().clone()
        } else {
            world.bind(&acme(), second).await
        };
        match held.finish().await {
            Ok(registered) if same => assert_eq!(registered, Registered::Replayed(bound)),
            Err(RegisterError::Conflict(found)) if !same => assert_eq!(*found, bound),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_registration_whose_response_was_lost_can_be_repeated_l_20() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.confirmed(&acme(), id).await;
    let failed = async || match world.register(&acme(), id, &state).await {
        Err(RegisterError::Port(error)) => error.kind(),
        other => panic!("{other:?}"),
    };
    let limited = PortErrorKind::RateLimited { retry_after: std::time::Duration::from_secs(60) };
    world.gateway.set(Fault::FailsAs(limited).once());
    let (kind, events) = world.observed(failed()).await;
    assert_eq!((kind, events), (limited, vec![]));
    world.states.set(Fault::FailsBefore.once());
    assert_eq!(failed().await, PortErrorKind::Unavailable);
    world.bindings.set(Fault::FailsBefore.once().of("find"));
    assert_eq!(failed().await, PortErrorKind::Unavailable);
    world.bindings.set(Fault::FailsBefore.once().of("insert"));
    assert_eq!(failed().await, PortErrorKind::Unavailable);
    assert_eq!(world.stored_binding().await, None);
    world.bindings.set(Fault::LosesAnswer.once().of("insert"));
    assert_eq!(failed().await, PortErrorKind::Unavailable);
    let stored = world.stored_binding().await.unwrap();
    world.clock.advance(Duration::HOUR);
    assert_eq!(world.register(&acme(), id, &state).await.unwrap(), Registered::Replayed(stored));
}

#[tokio::test]
async fn the_callers_binding_is_read_without_github() {
    let world = World::new();
    let bound = world.bound().await;
    world.gateway.set(Fault::FailsBefore.always());
    assert_eq!(world.dockline.binding(&acme()).await.unwrap(), Some(bound));
    world.bindings.set(Fault::FailsBefore.once());
    assert_eq!(world.dockline.binding(&acme()).await.unwrap_err().kind(), PortErrorKind::Unavailable);
    assert_eq!(world.stored.installation(installation(9)).await.unwrap(), None);
}
