//! `detach`: ending a binding, with and without uninstalling the App.

use std::sync::Arc;

use dockline::ports::{BindingRepo, Event, Observation};
use dockline::{
    Binding, DetachError, ErrorCode, PortErrorKind, Presence, RefreshOutcome, RefusalReason, RegisterError,
    Registered, Status, TokenError, TokenScope, Uninstall,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::NOON;
use time::Duration;

use crate::support::{Held, World, acme};

#[tokio::test]
async fn a_detach_ends_the_binding_without_github_and_keeps_its_state_used_l_60() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.confirmed(&acme(), id).await;
    let bound = world.register(&acme(), id, &state).await.unwrap().binding().clone();
    world.gateway.set(Fault::FailsBefore.always());
    let (detached, events) = world.observed(world.dockline.detach(&acme(), Uninstall::No)).await;
    assert_eq!(detached.unwrap(), bound);
    let Binding { organization, actor, installation, .. } = bound;
    assert_eq!(events, [Event::Detached { organization, actor, installation, uninstalled: false }]);
    assert_eq!(world.dockline.binding(&acme()).await.unwrap(), None);
    assert!(world.github.minted() == 0 && world.gateway.count("uninstall") == 0);
    world.gateway.clear();
    let again = world.register(&acme(), id, &state).await;
    assert!(matches!(again, Err(RegisterError::Refused(RefusalReason::SpentState))), "{again:?}");
    let state = world.confirmed(&acme(), id).await;
    assert!(matches!(world.register(&acme(), id, &state).await, Ok(Registered::Created(_))));
}

#[tokio::test]
async fn without_a_binding_there_is_nothing_to_detach() {
    let world = World::new();
    for uninstall in [Uninstall::No, Uninstall::Yes] {
        let refused = world.dockline.detach(&acme(), uninstall).await.unwrap_err();
        assert!(matches!(refused, DetachError::NotBound), "{refused:?}");
        assert_eq!(refused.code(), ErrorCode::NotFound);
    }
    world.bindings.set(Fault::FailsBefore.once());
    let failed = world.dockline.detach(&acme(), Uninstall::No).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::Unavailable);
}

#[tokio::test]
async fn with_uninstall_the_app_is_uninstalled_and_the_end_is_stored() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    let (detached, events) = world.observed(world.dockline.detach(&acme(), Uninstall::Yes)).await;
    assert_eq!(detached.unwrap().status, Status::Uninstalled);
    let Binding { organization, actor, .. } = bound;
    assert_eq!(
        events,
        [
            Event::Uninstalled { organization: Some(organization.clone()), installation: id },
            Event::Detached { organization, actor, installation: id, uninstalled: true },
        ]
    );
    let record = world.stored.installation(id).await.unwrap().unwrap();
    assert_eq!((record.status, record.organization), (Status::Uninstalled, None));
    assert_eq!(world.gateway.count("uninstall"), 1);
}

#[tokio::test]
async fn a_registration_in_flight_during_an_uninstall_is_refused_i_7() {
    let world = Arc::new(World::new());
    let bound = world.bound().await;
    let id = bound.installation;
    let rival = crate::support::rival();
    let state = world.confirmed(&rival, id).await;
    let held_world = Arc::clone(&world);
    let held =
        Held::before(&world.bindings, "insert", async move { held_world.register(&rival, id, &state).await })
            .await;
    world.dockline.detach(&acme(), Uninstall::Yes).await.unwrap();
    match held.finish().await {
        Err(RegisterError::Refused(reason)) => assert_eq!(reason, RefusalReason::Gone),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_installation_that_github_denies_twice_counts_as_uninstalled() {
    let world = World::new();
    let bound = world.bound().await;
    world.github.remove(bound.installation);
    let (detached, events) = world.observed(world.dockline.detach(&acme(), Uninstall::Yes)).await;
    detached.unwrap();
    let Binding { organization, actor, installation, .. } = bound;
    assert_eq!(
        events,
        [
            Event::Missing { organization: Some(organization.clone()), installation },
            Event::Detached { organization, actor, installation, uninstalled: true },
        ]
    );
    assert_eq!(world.gateway.count("uninstall"), 1);
    // If the end is stored already, GitHub is not called.
    let id = world.github.install(2, "acme-tea");
    world.bind(&acme(), id).await;
    world.stored.observe(id, Observation::Deleted { at: NOON }).await.unwrap();
    world.dockline.detach(&acme(), Uninstall::Yes).await.unwrap();
    assert_eq!(world.gateway.count("uninstall"), 1);
}

#[tokio::test]
async fn a_404_to_the_uninstall_is_not_believed_if_github_shows_the_installation_c03() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    world.github.deny_uninstalls();
    let (failed, events) = world.observed(world.dockline.detach(&acme(), Uninstall::Yes)).await;
    let failed = failed.unwrap_err();
    assert!(matches!(failed, DetachError::Port(_)), "{failed:?}");
    assert_eq!((failed.code(), events), (ErrorCode::PlatformError, vec![]));
    assert_eq!(world.stored_binding().await.unwrap().status, Status::Active);
    world.github.remove(id);
    world.dockline.detach(&acme(), Uninstall::Yes).await.unwrap();
    assert_eq!(world.stored_binding().await, None);
}

#[tokio::test]
async fn a_lost_answer_to_the_uninstall_is_reported_as_unknown_and_a_repetition_ends_well_c04() {
    for kind in [PortErrorKind::Unavailable, PortErrorKind::Corrupt, PortErrorKind::Unexpected] {
        let world = World::new();
        let bound = world.bound().await;
        world.github.remove(bound.installation);
        world.gateway.set(Fault::FailsAs(kind).once().of("uninstall"));
        let lost = world.dockline.detach(&acme(), Uninstall::Yes).await.unwrap_err();
        assert!(matches!(lost, DetachError::UninstallUnknown(_)), "{lost:?}");
        assert_eq!(lost.code(), ErrorCode::PlatformError);
        assert_eq!(world.stored_binding().await, Some(bound));
        world.dockline.detach(&acme(), Uninstall::Yes).await.unwrap();
        assert_eq!(world.stored_binding().await, None);
    }
    // A refusal is known not to have uninstalled anything.
    let limited = PortErrorKind::RateLimited { retry_after: std::time::Duration::from_secs(9) };
    for kind in [PortErrorKind::Rejected, limited] {
        let world = World::new();
        world.bound().await;
        world.gateway.set(Fault::FailsAs(kind).once().of("uninstall"));
        let refused = world.dockline.detach(&acme(), Uninstall::Yes).await.unwrap_err();
        assert!(matches!(refused, DetachError::Port(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn an_accepted_uninstall_is_ending_gives_no_token_and_is_not_revived_c77() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    world.github.only_accept_uninstalls();
    // The release fails, so that the binding stays.
    world.bindings.set(Fault::FailsBefore.once().of("release"));
    world.dockline.detach(&acme(), Uninstall::Yes).await.unwrap_err();
    let stored = world.stored_binding().await.unwrap();
    assert_eq!((stored.status, stored.last_verified_at), (bound.status, bound.last_verified_at));
    assert_eq!(stored.life.presence, Presence::Ending { since: NOON });
    let everything = TokenScope::everything();
    // GitHub shows the installation for a while.
    for minutes in [0, 1, 14] {
        world.set_time(NOON + Duration::minutes(minutes));
        assert_eq!(world.dockline.refresh(id).await.unwrap(), RefreshOutcome::Ending);
        let minted = world.dockline.token(&acme().organization, &everything).await;
        let next = NOON + Duration::minutes(15);
        assert!(matches!(minted, Err(TokenError::Missing { next_look }) if next_look == next), "{minted:?}");
    }
    world.set_time(NOON + Duration::minutes(14));
    let rival = crate::support::rival();
    let state = world.confirmed(&rival, id).await;
    // GitHub is not asked to uninstall again.
    world.dockline.detach(&acme(), Uninstall::Yes).await.unwrap();
    assert_eq!(world.gateway.count("uninstall"), 1);
    let refused = world.register(&rival, id, &state).await;
    assert!(matches!(refused, Err(RegisterError::Refused(RefusalReason::Gone))), "{refused:?}");
    // GitHub did not do what it accepted: 15 minutes after the request, the installation counts again.
    world.set_time(NOON + Duration::minutes(15));
    let state = world.confirmed(&rival, id).await;
    assert!(matches!(world.register(&rival, id, &state).await, Ok(Registered::Created(_))));
}

#[tokio::test]
async fn if_github_fails_the_binding_stays_and_the_call_can_be_repeated_with_uninstall_or_without() {
    let world = World::new();
    let bound = world.bound().await;
    world.gateway.set(Fault::FailsBefore.times(2).of("uninstall"));
    for _ in 0..2 {
        let (failed, events) = world.observed(world.dockline.detach(&acme(), Uninstall::Yes)).await;
        assert!(matches!(failed, Err(DetachError::UninstallUnknown(_))), "{failed:?}");
        assert_eq!(events, []);
        assert_eq!(world.stored_binding().await.as_ref(), Some(&bound));
    }
    // The release fails after the uninstallation: the repeated call releases.
    world.bindings.set(Fault::FailsBefore.once().of("release"));
    let failed = world.dockline.detach(&acme(), Uninstall::Yes).await;
    assert!(matches!(failed, Err(DetachError::Port(_))), "{failed:?}");
    assert_eq!(world.stored_binding().await.unwrap().status, Status::Uninstalled);
    world.dockline.detach(&acme(), Uninstall::No).await.unwrap();
}

#[tokio::test]
async fn of_two_concurrent_detaches_one_succeeds() {
    let world = Arc::new(World::new());
    world.bound().await;
    let dockline = world.dockline.clone();
    let detach = async move { dockline.detach(&acme(), Uninstall::No).await };
    let held = Held::before(&world.bindings, "release", detach).await;
    world.dockline.detach(&acme(), Uninstall::No).await.unwrap();
    let (second, events) = world.observed(held.finish()).await;
    assert!(matches!(second, Err(DetachError::NotBound)), "{second:?}");
    assert_eq!(events, []);
}

#[tokio::test]
async fn cached_tokens_are_revoked_only_if_the_option_says_so_and_the_app_stays_installed() {
    let everything = TokenScope::everything();
    for (option, uninstall, revoked) in [
        (false, Uninstall::No, 0),
        (true, Uninstall::No, 1),
        (true, Uninstall::Yes, 0),
        (false, Uninstall::Yes, 0),
    ] {
        let world = World::with(|builder| builder.with_token_revocation(option));
        world.bound().await;
        let organization = acme().organization;
        let token = world.dockline.token(&organization, &everything).await.unwrap();
        world.dockline.detach(&acme(), uninstall).await.unwrap();
        assert_eq!(world.gateway.count("revoke"), revoked, "{option} {uninstall:?}");
        assert_eq!(world.github.is_live(&token), revoked == 0);
        // L-59: in any case, no token is served after a detach.
        let after = world.dockline.token(&organization, &everything).await;
        assert!(matches!(after, Err(TokenError::NotBound)), "{after:?}");
        assert_eq!(world.dockline.revoke_tokens().await, 0);
        assert_eq!(world.gateway.count("revoke"), revoked, "no token stays cached");
    }
    // A failed revocation does not fail the detach.
    let world = World::with(|builder| builder.with_token_revocation(true));
    world.bound().await;
    world.dockline.token(&acme().organization, &everything).await.unwrap();
    world.gateway.set(Fault::FailsBefore.always().of("revoke"));
    world.dockline.detach(&acme(), Uninstall::No).await.unwrap();
}

#[tokio::test]
async fn the_release_has_the_time_of_the_detach() {
    let world = World::new();
    let bound = world.bound().await;
    world.clock.advance(Duration::HOUR);
    world.dockline.detach(&acme(), Uninstall::No).await.unwrap();
    let history = world.stored.history(&acme().organization);
    assert_eq!(history[0].released_at, Some(bound.registered_at + Duration::HOUR));
}
