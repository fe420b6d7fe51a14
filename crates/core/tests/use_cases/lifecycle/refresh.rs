//! `refresh`: one lookup at GitHub, and what it stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dockline::ports::{BindingRepo, Event, Observation};
use dockline::{
    Account, AccountId, AppId, Binding, ErrorCode, InstallationId, InstallationRecord, InstalledOn, Life,
    PortErrorKind, RefreshOutcome, Registered, Status,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::{NOON, account_id, installation};
use time::Duration;

use crate::support::{Held, World, account_of, acme, shown};

async fn record(world: &World, id: InstallationId) -> InstallationRecord {
    world.stored.installation(id).await.unwrap().unwrap()
}

/// The outcome of a refresh, with its events.
async fn refresh(world: &World, id: InstallationId) -> (RefreshOutcome, Vec<Event>) {
    let (outcome, events) = world.observed(world.dockline.refresh(id)).await;
    (outcome.unwrap(), events)
}

fn bound_to(binding: &Binding) -> Option<dockline::OrganizationId> {
    Some(binding.organization.clone())
}

#[tokio::test]
async fn a_new_installation_that_github_does_not_show_yet_stays_unknown_and_registers_later() {
    let world = World::new();
    let id = installation(1);
    assert_eq!(refresh(&world, id).await, (RefreshOutcome::Unknown, vec![]));
    assert_eq!(world.stored.installation(id).await.unwrap(), None);
    world.github.install(1, "acme-coffee");
    let state = world.confirmed(&acme(), id).await;
    assert!(matches!(world.register(&acme(), id, &state).await, Ok(Registered::Created(_))));
}

#[tokio::test]
async fn an_installation_is_stored_also_without_a_binding() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    assert_eq!(refresh(&world, id).await, (RefreshOutcome::Present(Status::Active), vec![]));
    let expected = InstallationRecord {
        organization: None,
        account: Some(account_of(1, "acme-coffee")),
        status: Status::Active,
        life: shown(NOON),
        verified_at: NOON,
        generation: 1,
    };
    assert_eq!(record(&world, id).await, expected);
}

#[tokio::test]
async fn only_an_installation_of_our_app_on_an_account_is_stored() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let enterprise = InstalledOn::Enterprise { id: AccountId::new(3).unwrap(), slug: "acme".into() };
    for owner in [enterprise, InstalledOn::Unknown] {
        world.github.change(id, |installation| installation.installed_on = owner);
        assert_eq!(refresh(&world, id).await, (RefreshOutcome::Unknown, vec![]));
    }
    world.github.install(1, "acme-coffee");
    world.github.change(id, |installation| installation.app = AppId::new(8).unwrap());
    assert_eq!(refresh(&world, id).await, (RefreshOutcome::Unknown, vec![]));
    assert_eq!(world.stored.installation(id).await.unwrap(), None);
}

#[tokio::test]
async fn a_status_that_changed_is_stored_with_an_event_and_evicts_the_tokens() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    let token =
        async || world.dockline.token(&acme().organization, &dockline::TokenScope::everything()).await;
    token().await.unwrap();
    // Nothing changed: no event, and the token is still served.
    assert_eq!(refresh(&world, id).await, (RefreshOutcome::Present(Status::Active), vec![]));
    token().await.unwrap();
    assert_eq!(world.github.minted(), 1);
    world.github.suspend(id, true);
    let suspended = Event::Suspended { organization: bound_to(&bound), installation: id };
    assert_eq!(refresh(&world, id).await, (RefreshOutcome::Present(Status::Suspended), vec![suspended]));
    assert_eq!(refresh(&world, id).await, (RefreshOutcome::Present(Status::Suspended), vec![]));
    world.github.suspend(id, false);
    let reinstated = Event::Reinstated { organization: bound_to(&bound), installation: id };
    assert_eq!(refresh(&world, id).await, (RefreshOutcome::Present(Status::Active), vec![reinstated]));
    assert_eq!(world.dockline.revoke_tokens().await, 0);
    assert_eq!(world.gateway.count("revoke"), 0, "the token was evicted");
}

#[tokio::test]
async fn a_renamed_account_is_stored_with_an_event_l_53() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    world.dockline.token(&bound.organization, &dockline::TokenScope::everything()).await.unwrap();
    world.github.install(1, "acme-roasters");
    let (from, to) = ("acme-coffee".to_owned(), "acme-roasters".to_owned());
    let renamed = Event::Renamed { organization: bound_to(&bound), installation: id, from, to };
    assert_eq!(refresh(&world, id).await, (RefreshOutcome::Present(Status::Active), vec![renamed]));
    assert_eq!(world.stored_binding().await.unwrap().account.login, "acme-roasters");
    world.dockline.revoke_tokens().await;
    assert_eq!(world.gateway.count("revoke"), 0, "the token was evicted");
}

#[tokio::test]
async fn another_account_or_app_under_a_known_id_changes_nothing_and_evicts_the_tokens_l_13() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    let known = account_id(1_001);
    let other: Account = account_of(2, "acme-coffee");
    let enterprise = InstalledOn::Enterprise { id: AccountId::new(3).unwrap(), slug: "acme".into() };
    for (owner, app, named) in [
        (InstalledOn::Account(other.clone()), 7, Some(other.id)),
        (enterprise, 7, None),
        (InstalledOn::Unknown, 7, None),
        (InstalledOn::Account(account_of(1, "acme-coffee")), 8, None),
    ] {
        world.github.install(1, "acme-coffee");
        world.dockline.token(&bound.organization, &dockline::TokenScope::everything()).await.unwrap();
        let before = record(&world, id).await;
        world.github.change(id, |installation| {
            installation.installed_on = owner;
            installation.app = AppId::new(app).unwrap();
            installation.suspended = true;
        });
        let organization = bound_to(&bound);
        let changed = Event::AccountChanged { organization, installation: id, known, named };
        assert_eq!(refresh(&world, id).await, (RefreshOutcome::AccountChanged, vec![changed]));
        // The next look is put forward, and not to the head of the queue.
        assert!(record(&world, id).await.life.next_look_at >= before.life.next_look_at);
        assert_eq!(InstallationRecord { life: before.life, ..record(&world, id).await }, before);
        world.dockline.revoke_tokens().await;
        assert_eq!(world.gateway.count("revoke"), 0, "the token was evicted");
    }
}

#[tokio::test]
async fn an_observation_has_the_time_of_the_request() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    world.clock.advance(Duration::MINUTE);
    let dockline = world.dockline.clone();
    let held = Held::before(&world.gateway, "installation", async move { dockline.refresh(id).await }).await;
    world.clock.advance(Duration::MINUTE);
    held.finish().await.unwrap();
    assert_eq!(record(&world, id).await.verified_at, NOON + Duration::MINUTE);
}

#[tokio::test]
async fn an_observation_of_a_clock_that_is_behind_counts_as_the_next_one_i_27() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    world.clock.advance(-Duration::HOUR);
    world.github.suspend(id, true);
    assert_eq!(refresh(&world, id).await.0, RefreshOutcome::Present(Status::Suspended));
    let stored = record(&world, id).await;
    assert_eq!((stored.status, stored.verified_at), (Status::Suspended, NOON + Duration::MICROSECOND));
    world.github.remove(id);
    assert_eq!(refresh(&world, id).await.0, RefreshOutcome::Missing);
    let stored = record(&world, id).await;
    assert_eq!(stored.life.observed_at, NOON + 2 * Duration::MICROSECOND);
    assert_eq!(stored.verified_at, NOON + Duration::MICROSECOND);
}

/// An observation of another node, so many minutes after noon.
fn observe(world: &World, id: InstallationId, status: Status, minutes: i64) {
    let at = NOON + Duration::minutes(minutes);
    let observation = match status {
        Status::Uninstalled => Observation::Deleted { at },
        Status::Active | Status::Suspended => Observation::Present {
            status,
            account: account_of(1, "acme-coffee"),
            asked_at: at,
            next_look_at: at + Duration::HOUR,
        },
    };
    pollster::block_on(world.stored.observe(id, observation)).unwrap();
}

#[tokio::test]
async fn a_later_observation_of_another_node_leads_to_another_lookup_i_22() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    let dockline = world.dockline.clone();
    let held = Held::before(&world.gateway, "installation", async move { dockline.refresh(id).await }).await;
    observe(&world, id, Status::Suspended, 5);
    let lookups = world.lookups();
    // GitHub says "active" in both lookups; the second one was requested after the other node's.
    assert_eq!(held.finish().await.unwrap(), RefreshOutcome::Present(Status::Active));
    assert_eq!(world.lookups(), lookups + 1);
    assert_eq!(record(&world, id).await.status, Status::Active);
}

#[tokio::test]
async fn if_other_nodes_are_later_each_time_their_observation_is_the_outcome() {
    let world = Arc::new(World::new());
    let bound = world.bound().await;
    let id = bound.installation;
    let minutes = AtomicI64::new(0);
    let hooked = Arc::clone(&world);
    world.github.on_lookup(move || {
        observe(&hooked, id, Status::Suspended, minutes.fetch_add(1, Ordering::Relaxed) + 1);
    });
    let lookups = world.lookups();
    assert_eq!(refresh(&world, id).await.0, RefreshOutcome::Present(Status::Suspended));
    assert_eq!(world.lookups() - lookups, 3);
}

#[tokio::test]
async fn an_end_that_is_stored_after_the_last_lookup_is_the_outcome() {
    let world = Arc::new(World::new());
    let bound = world.bound().await;
    let id = bound.installation;
    let minutes = AtomicI64::new(0);
    let hooked = Arc::clone(&world);
    world.github.on_lookup(move || {
        observe(&hooked, id, Status::Suspended, minutes.fetch_add(1, Ordering::Relaxed) + 1);
    });
    let dockline = world.dockline.clone();
    let refresh = async move { dockline.refresh(id).await };
    // The reads before each of the three lookups, and the one after them.
    let mut held = Held::before(&world.bindings, "installation", refresh).await;
    for _ in 0..3 {
        held = world.hold_next("installation", held).await;
    }
    observe(&world, id, Status::Uninstalled, 9);
    assert_eq!(held.finish().await.unwrap(), RefreshOutcome::Gone);
}

#[tokio::test]
async fn an_end_that_is_stored_during_the_lookup_is_final() {
    let world = Arc::new(World::new());
    let bound = world.bound().await;
    let id = bound.installation;
    world.dockline.token(&bound.organization, &dockline::TokenScope::everything()).await.unwrap();
    let hooked = Arc::clone(&world);
    world.github.on_lookup(move || observe(&hooked, id, Status::Uninstalled, 1));
    assert_eq!(refresh(&world, id).await, (RefreshOutcome::Gone, vec![]));
    world.dockline.revoke_tokens().await;
    assert_eq!(world.gateway.count("revoke"), 0, "the token was evicted");
}

#[tokio::test]
async fn a_failed_lookup_stores_nothing_and_keeps_its_kind() {
    let world = World::new();
    let bound = world.bound().await;
    let before = record(&world, bound.installation).await;
    world.clock.advance(Duration::MINUTE);
    world.gateway.set(Fault::FailsAs(PortErrorKind::Rejected).once());
    let failed = world.dockline.refresh(bound.installation).await.unwrap_err();
    assert_eq!((failed.kind(), failed.code()), (PortErrorKind::Rejected, ErrorCode::Internal));
    for method in ["installation", "observe"] {
        world.bindings.set(Fault::FailsBefore.once().of(method));
        let failed = world.dockline.refresh(bound.installation).await.unwrap_err();
        assert_eq!(failed.code(), ErrorCode::Unavailable);
    }
    // Only the next look was put forward.
    let after = record(&world, bound.installation).await;
    let life = Life { next_look_at: before.life.next_look_at, ..after.life };
    assert_eq!(InstallationRecord { life, ..after }, before);
}
