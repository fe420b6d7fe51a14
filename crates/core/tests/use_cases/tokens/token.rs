//! `token`, `token_refused` and `revoke_tokens`.

use std::sync::Arc;

use dockline::ports::{BindingRepo, Event, MintOutcome, Observation};
use dockline::{
    Access, InstallationToken, InstalledOn, PermissionName, Presence, RefusedToken, Status, TokenError,
    TokenScope, Uninstall,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::NOON;
use time::Duration;
use tokio::task::JoinSet;

use crate::support::{Held, World, account_of, acme, rival};

fn everything() -> TokenScope {
    TokenScope::everything()
}

fn narrowed() -> TokenScope {
    let contents = PermissionName::new("contents").unwrap();
    everything().with_permissions([(contents, Access::Read)]).unwrap()
}

async fn token(world: &World) -> Result<InstallationToken, TokenError> {
    world.dockline.token(&acme().organization, &everything()).await
}

/// A call for a token that is held before one call to GitHub.
async fn held(world: &World, method: &'static str) -> Held<Result<InstallationToken, TokenError>> {
    let dockline = world.dockline.clone();
    Held::before(
        &world.gateway,
        method,
        async move { dockline.token(&acme().organization, &everything()).await },
    )
    .await
}

#[tokio::test]
async fn a_token_is_minted_once_per_scope_and_then_served_from_the_cache() {
    let world = World::new();
    let bound = world.bound().await;
    let lookups = world.lookups();
    for (scope, is_narrowed) in [(everything(), false), (narrowed(), true)] {
        let (first, events) = world.observed(world.dockline.token(&bound.organization, &scope)).await;
        let first = first.unwrap();
        assert_eq!(first.installation(), bound.installation);
        let (organization, installation) = (bound.organization.clone(), bound.installation);
        assert_eq!(events, [Event::TokenMinted { organization, installation, narrowed: is_narrowed }]);
        let hits = world.dockline.token_cache_hits();
        let (second, events) = world.observed(world.dockline.token(&bound.organization, &scope)).await;
        assert_eq!((second.unwrap().expose(), events), (first.expose(), vec![]));
        assert_eq!(world.dockline.token_cache_hits(), hits + 1);
    }
    assert_eq!((world.github.minted(), world.lookups() - lookups), (2, 2));
    assert_eq!(world.dockline.token_cache_hits(), 2);
}

#[tokio::test]
async fn a_token_is_served_until_five_minutes_before_it_expires_l_40() {
    let world = World::new();
    world.bound().await;
    let first = token(&world).await.unwrap();
    world.clock.advance(Duration::minutes(55) - Duration::MICROSECOND);
    assert_eq!(token(&world).await.unwrap().expose(), first.expose());
    world.clock.advance(Duration::MICROSECOND);
    assert_ne!(token(&world).await.unwrap().expose(), first.expose());
}

#[tokio::test]
async fn concurrent_callers_share_one_mint_l_38() {
    let world = World::new();
    world.bound().await;
    let first = held(&world, "mint").await;
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let dockline = world.dockline.clone();
        callers.spawn(async move { dockline.token(&acme().organization, &everything()).await });
    }
    let token = first.finish().await.unwrap();
    for other in callers.join_all().await {
        assert_eq!(other.unwrap().expose(), token.expose());
    }
    assert_eq!(world.github.minted(), 1);
}

#[tokio::test]
async fn without_an_active_binding_no_token_is_served_and_github_is_not_called_i_8() {
    let world = World::new();
    let unbound = token(&world).await;
    assert!(matches!(unbound, Err(TokenError::NotBound)), "{unbound:?}");
    let bound = world.bound().await;
    token(&world).await.unwrap();
    let (lookups, id) = (world.lookups(), bound.installation);
    let later = |seconds| bound.registered_at + Duration::seconds(seconds);
    let observation = Observation::Present {
        status: Status::Suspended,
        account: bound.account.clone(),
        asked_at: later(1),
        next_look_at: later(3_600),
    };
    world.stored.observe(id, observation).await.unwrap();
    let suspended = token(&world).await;
    assert!(matches!(suspended, Err(TokenError::Suspended)), "{suspended:?}");
    world.stored.observe(id, Observation::Deleted { at: later(2) }).await.unwrap();
    let uninstalled = token(&world).await;
    assert!(matches!(uninstalled, Err(TokenError::Uninstalled)), "{uninstalled:?}");
    assert_eq!(world.lookups(), lookups);
}

#[tokio::test]
async fn the_lookup_before_a_mint_finds_what_no_webhook_reported_l_13_l_42() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    let status = async || world.stored_binding().await.unwrap().status;
    world.github.suspend(id, true);
    let suspended = token(&world).await;
    assert!(matches!(suspended, Err(TokenError::Suspended)), "{suspended:?}");
    assert_eq!(status().await, Status::Suspended);
    world.github.suspend(id, false);
    world.dockline.refresh(id).await.unwrap();
    let moved = InstalledOn::Account(account_of(2, "acme-coffee"));
    world.github.change(id, |installation| installation.installed_on = moved);
    let changed = token(&world).await;
    assert!(matches!(changed, Err(TokenError::AccountChanged)), "{changed:?}");
    world.github.remove(id);
    let gone = token(&world).await;
    assert!(matches!(gone, Err(TokenError::Missing { .. })), "{gone:?}");
    assert_eq!(status().await, Status::Active);
    assert_eq!(world.github.minted(), 0);
}

#[tokio::test]
async fn githubs_refusal_of_a_mint_is_stored_and_reported() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    world.github.script_mint(MintOutcome::NotGranted { message: "not granted".into() });
    match token(&world).await {
        Err(TokenError::NotGranted { message }) => assert_eq!(message, "not granted"),
        other => panic!("{other:?}"),
    }
    world.github.script_mint(MintOutcome::Suspended);
    let github = Arc::clone(&world.github);
    world.github.on_mint(move || github.suspend(id, true));
    let suspended = token(&world).await;
    assert!(matches!(suspended, Err(TokenError::Suspended)), "{suspended:?}");
    assert_eq!(world.stored_binding().await.unwrap().status, Status::Suspended);
    world.github.on_mint(|| {});
    world.github.suspend(id, false);
    world.dockline.refresh(id).await.unwrap();
    world.github.script_mint(MintOutcome::Missing);
    let (missing, events) = world.observed(token(&world)).await;
    let next_look = NOON + Duration::MINUTE;
    assert!(matches!(missing, Err(TokenError::Missing { next_look: at }) if at >= next_look), "{missing:?}");
    let organization = Some(bound.organization);
    assert_eq!(events, [Event::Missing { organization, installation: id }]);
    let stored = world.stored_binding().await.unwrap();
    assert_eq!(stored.status, Status::Active, "the status before is still shown");
    assert!(matches!(stored.life.presence, Presence::Missing { .. }));
}

#[tokio::test]
async fn a_change_that_another_node_stores_ends_the_tokens_of_before_l_41() {
    let world = World::new();
    let bound = world.bound().await;
    let first = token(&world).await.unwrap();
    world.stored.observe(bound.installation, Observation::PermissionsChanged { at: NOON }).await.unwrap();
    let second = token(&world).await.unwrap();
    assert_ne!(second.expose(), first.expose());
    assert_eq!(token(&world).await.unwrap().expose(), second.expose());
}

#[tokio::test]
async fn a_token_that_a_change_overtakes_during_the_mint_is_revoked_and_minted_again_l_39() {
    let world = World::new();
    let bound = world.bound().await;
    let mint = held(&world, "mint").await;
    world.stored.observe(bound.installation, Observation::PermissionsChanged { at: NOON }).await.unwrap();
    let served = mint.finish().await.unwrap();
    assert_eq!((world.github.minted(), world.github.live_tokens()), (2, 1));
    assert!(world.github.is_live(&served), "the overtaken token is revoked, the other is served");
}

#[tokio::test]
async fn a_suspension_or_a_detach_during_the_mint_serves_no_token_i_9() {
    let world = World::new();
    let bound = world.bound().await;
    let mint = held(&world, "mint").await;
    world.dockline.detach(&acme(), Uninstall::No).await.unwrap();
    let detached = mint.finish().await;
    assert!(matches!(detached, Err(TokenError::NotBound)), "{detached:?}");
    assert_eq!((world.github.minted(), world.github.live_tokens()), (1, 0));
    let rebound = world.bind(&acme(), bound.installation).await;
    let mint = held(&world, "mint").await;
    let observation = Observation::Present {
        status: Status::Suspended,
        account: rebound.account,
        asked_at: rebound.registered_at + Duration::SECOND,
        next_look_at: rebound.registered_at + Duration::HOUR,
    };
    world.stored.observe(rebound.installation, observation).await.unwrap();
    let suspended = mint.finish().await;
    assert!(matches!(suspended, Err(TokenError::Suspended)), "{suspended:?}");
    assert_eq!(world.github.live_tokens(), 0);
}

#[tokio::test]
async fn a_token_is_not_served_to_an_organization_that_lost_the_installation() {
    let world = World::new();
    let bound = world.bound().await;
    let mint = held(&world, "mint").await;
    world.dockline.detach(&acme(), Uninstall::No).await.unwrap();
    world.bind(&rival(), bound.installation).await;
    let lost = mint.finish().await;
    assert!(matches!(lost, Err(TokenError::NotBound)), "{lost:?}");
    assert_eq!(world.github.live_tokens(), 0);
}

#[tokio::test]
async fn if_the_store_fails_after_the_mint_the_token_is_revoked() {
    let world = World::new();
    world.bound().await;
    let mint = held(&world, "mint").await;
    world.bindings.set(Fault::FailsBefore.once().of("find"));
    let failed = mint.finish().await;
    assert!(matches!(failed, Err(TokenError::Port(_))), "{failed:?}");
    assert_eq!(world.github.live_tokens(), 0);
    token(&world).await.unwrap();
}

#[tokio::test]
async fn an_eviction_during_the_lookup_starts_over_before_the_mint() {
    let world = World::new();
    let bound = world.bound().await;
    let mint = held(&world, "installation").await;
    let other = world.dockline.token_refused(&old_token(&world, &bound));
    assert_eq!(other, RefusedToken::Forgotten);
    mint.finish().await.unwrap();
    assert_eq!((world.github.minted(), world.github.live_tokens()), (1, 1));
}

/// A token of an hour ago, of the same installation.
fn old_token(world: &World, bound: &dockline::Binding) -> InstallationToken {
    use dockline::ports::Clock;
    InstallationToken::new(dockline::NewToken {
        installation: bound.installation,
        secret: "ghs_old".into(),
        issued_at: world.clock.now() - Duration::HOUR,
        expires_at: world.clock.now(),
        web_origin: "https://github.com".into(),
    })
}

#[tokio::test]
async fn if_the_binding_changes_during_every_mint_the_call_fails_and_leaves_no_token() {
    let world = World::new();
    let bound = world.bound().await;
    let stored = world.stored.clone();
    world.github.on_mint(move || {
        pollster::block_on(stored.observe(bound.installation, Observation::PermissionsChanged { at: NOON }))
            .unwrap();
    });
    let unsettled = token(&world).await;
    assert!(matches!(unsettled, Err(TokenError::Unsettled)), "{unsettled:?}");
    assert_eq!((world.github.minted(), world.github.live_tokens()), (4, 0));
}

#[tokio::test]
async fn a_failed_lookup_or_mint_is_not_cached() {
    let world = World::new();
    world.bound().await;
    for method in ["installation", "mint"] {
        world.gateway.set(Fault::FailsBefore.once().of(method));
        let failed = token(&world).await;
        assert!(matches!(failed, Err(TokenError::Port(_))), "{failed:?}");
    }
    token(&world).await.unwrap();
}

#[tokio::test]
async fn a_rejected_token_is_evicted_unless_it_is_only_seconds_old_l_49() {
    let world = World::new();
    world.bound().await;
    let first = token(&world).await.unwrap();
    let too_fresh = RefusedToken::TooFresh { retry_after: std::time::Duration::from_secs(1) };
    // The gateway's clock may be ahead of ours by some seconds.
    world.clock.advance(Duration::MICROSECOND - Duration::seconds(5));
    assert_eq!(world.dockline.token_refused(&first), too_fresh);
    world.clock.advance(Duration::seconds(10) - 2 * Duration::MICROSECOND);
    assert_eq!(world.dockline.token_refused(&first), too_fresh);
    assert_eq!(token(&world).await.unwrap().expose(), first.expose());
    world.clock.advance(Duration::MICROSECOND);
    assert_eq!(world.dockline.token_refused(&first), RefusedToken::Forgotten);
    assert_ne!(token(&world).await.unwrap().expose(), first.expose());
}

#[tokio::test]
async fn a_shutdown_revokes_all_cached_tokens_and_counts_the_failures() {
    let world = World::new();
    let bound = world.bound().await;
    token(&world).await.unwrap();
    world.dockline.token(&bound.organization, &narrowed()).await.unwrap();
    world.gateway.set(Fault::FailsBefore.once().of("revoke"));
    assert_eq!(world.dockline.revoke_tokens().await, 1);
    assert_eq!(world.github.live_tokens(), 1);
    assert_eq!(world.dockline.revoke_tokens().await, 0, "the cache is empty");
    assert_eq!(world.gateway.count("revoke"), 2);
}
