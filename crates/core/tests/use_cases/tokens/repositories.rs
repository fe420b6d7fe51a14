//! `repositories`: pages of the installation's repositories.

use std::sync::Arc;

use dockline::ports::{BindingRepo, ListOutcome, MintOutcome, Observation};
use dockline::{
    DenialCause, Dockline, ErrorCode, InstalledOn, PortErrorKind, PortName, RepositoriesError,
    RepositoriesPage, RepositoriesQuery, Status, Uninstall,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::NOON;
use time::Duration;

use crate::support::{Held, World, account_of, acme, repository};

pub(crate) fn query(limit: &str) -> RepositoriesQuery {
    RepositoriesQuery::parse(None, Some(limit), None).unwrap()
}

pub(crate) async fn list(
    dockline: &Dockline,
    query: &RepositoriesQuery,
) -> Result<RepositoriesPage, RepositoriesError> {
    dockline.repositories(&acme().organization, query).await
}

/// All ids, up to the largest limit of a page.
pub(crate) async fn ids(world: &World) -> Vec<u64> {
    let page = list(&world.dockline, &query("200")).await.unwrap();
    page.repositories.iter().map(|repository| repository.id.get()).collect()
}

/// The number of repositories on all pages.
pub(crate) async fn count(world: &World) -> usize {
    let (mut count, mut cursor) = (0, None);
    loop {
        let query = RepositoriesQuery::parse(cursor.as_deref(), Some("200"), None).unwrap();
        let page = list(&world.dockline, &query).await.unwrap();
        count += page.repositories.len();
        match page.next {
            Some(next) => cursor = Some(next.encode()),
            None => return count,
        }
    }
}

/// The cause of a listing that fails because GitHub is unavailable.
pub(crate) async fn unavailable(world: &World) -> String {
    match list(&world.dockline, &query("9")).await {
        Err(RepositoriesError::Port(error)) => {
            assert_eq!((error.port(), error.kind()), (PortName::GithubGateway, PortErrorKind::Unavailable));
            std::error::Error::source(&error).unwrap().to_string()
        }
        other => panic!("{other:?}"),
    }
}

/// A last page.
pub(crate) fn page(ids: impl IntoIterator<Item = u64>, total: u64) -> ListOutcome {
    linked(ids, total, None)
}

pub(crate) fn linked(ids: impl IntoIterator<Item = u64>, total: u64, next: Option<u32>) -> ListOutcome {
    ListOutcome::Page { repositories: ids.into_iter().map(repository).collect(), total, next }
}

#[tokio::test]
async fn all_pages_are_read_once_and_cut_in_the_order_of_ids() {
    let world = World::new();
    world.bound().await;
    world.github.set_repositories((1..=150).rev());
    let first = list(&world.dockline, &query("60")).await.unwrap();
    let numbers: Vec<_> = first.repositories.iter().map(|repository| repository.id.get()).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
    let cursor = first.next.unwrap().encode();
    let second = RepositoriesQuery::parse(Some(&cursor), Some("200"), None).unwrap();
    let second = list(&world.dockline, &second).await.unwrap();
    assert_eq!((second.repositories.len(), second.next), (90, None));
    assert_eq!(world.gateway.count("repositories"), 2);
}

#[tokio::test]
async fn a_list_is_cached_for_half_a_minute() {
    let world = World::new();
    world.bound().await;
    world.github.set_repositories([1]);
    assert_eq!(ids(&world).await, [1]);
    world.github.set_repositories([1, 2]);
    world.clock.advance(Duration::seconds(30) - Duration::MICROSECOND);
    assert_eq!(ids(&world).await, [1]);
    world.clock.advance(Duration::MICROSECOND);
    assert_eq!(ids(&world).await, [1, 2]);
}

#[tokio::test]
async fn exactly_full_pages_cause_no_further_request() {
    for (count, requests) in [(0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (200, 2)] {
        let world = World::new();
        world.bound().await;
        world.github.set_repositories(1..=count);
        assert_eq!(ids(&world).await.len() as u64, count);
        assert_eq!(world.gateway.count("repositories"), requests, "{count}");
    }
}

#[tokio::test]
async fn without_an_active_binding_nothing_is_listed() {
    let world = World::new();
    let unbound = list(&world.dockline, &query("9")).await.unwrap_err();
    assert!(matches!(unbound, RepositoriesError::NotBound), "{unbound:?}");
    assert_eq!(unbound.code(), ErrorCode::NotFound);
    let bound = world.bound().await;
    let id = bound.installation;
    let moved = InstalledOn::Account(account_of(2, "acme-coffee"));
    world.github.change(id, |installation| installation.installed_on = moved);
    match list(&world.dockline, &query("9")).await {
        Err(RepositoriesError::Unusable(found)) => assert_eq!(*found, bound),
        other => panic!("{other:?}"),
    }
    world.github.install(1, "acme-coffee");
    world.github.suspend(id, true);
    for (status, requests) in [(Status::Suspended, 2), (Status::Suspended, 2), (Status::Uninstalled, 2)] {
        if status == Status::Uninstalled {
            world.stored.observe(id, Observation::Deleted { at: NOON }).await.unwrap();
        }
        match list(&world.dockline, &query("9")).await {
            Err(error @ RepositoriesError::Unusable(_)) => {
                assert_eq!(error.code(), ErrorCode::Validation);
                assert_eq!(
                    error.to_string(),
                    format!("the repositories of the installation cannot be listed; its status is {status}")
                );
            }
            other => panic!("{other:?}"),
        }
        // One lookup of the registration, then one for each change.
        assert_eq!(world.lookups() - 1, requests);
    }
    assert_eq!(world.gateway.count("repositories"), 0);
}

/// The listing of each cached token costs one new token at most.
#[tokio::test]
async fn a_cached_token_that_github_rejects_is_revoked_and_replaced_once() {
    let world = World::new();
    world.bound().await;
    world.github.set_repositories([1]);
    assert_eq!(ids(&world).await, [1]);
    world.clock.advance(Duration::MINUTE);
    world.github.script_pages([ListOutcome::TokenRefused]);
    assert_eq!(ids(&world).await, [1]);
    assert_eq!((world.github.minted(), world.github.live_tokens()), (2, 1));
    world.clock.advance(Duration::MINUTE);
    world.github.script_pages([ListOutcome::TokenRefused, ListOutcome::TokenRefused]);
    assert_eq!(
        unavailable(&world).await,
        "GitHub rejected a new token of the installation: its repositories are not \
                                           requested again for a minute"
    );
    assert_eq!((world.github.minted(), world.github.live_tokens()), (3, 0));
}

#[tokio::test]
async fn a_new_token_that_github_rejects_is_revoked_and_no_other_is_minted_for_a_minute() {
    let world = World::new();
    let bound = world.bound().await;
    world.github.set_repositories([1]);
    world.github.script_pages(std::iter::repeat_n(ListOutcome::TokenRefused, 3));
    for (wait, minted) in [(0, 1), (0, 1), (59, 1), (1, 2)] {
        world.clock.advance(Duration::seconds(wait));
        unavailable(&world).await;
        let seen = (world.gateway.count("repositories"), world.github.minted(), world.github.live_tokens());
        assert_eq!(seen, (minted as usize, minted, 0), "{wait}");
    }
    // A change at GitHub ends the wait.
    world.stored.observe(bound.installation, Observation::PermissionsChanged { at: NOON }).await.unwrap();
    unavailable(&world).await;
    assert_eq!(world.github.minted(), 3);
    world.clock.advance(Duration::MINUTE);
    assert_eq!(ids(&world).await, [1]);
}

/// The installation is suspended after the lookup that precedes the mint.
#[tokio::test]
async fn a_suspension_that_explains_the_rejected_token_is_stored() {
    let world = World::new();
    let id = world.bound().await.installation;
    let github = Arc::clone(&world.github);
    world.github.on_mint(move || github.suspend(id, true));
    world.github.script_pages([ListOutcome::TokenRefused]);
    match list(&world.dockline, &query("9")).await {
        Err(RepositoriesError::Unusable(bound)) => assert_eq!(bound.status, Status::Suspended),
        other => panic!("{other:?}"),
    }
    assert_eq!((world.github.minted(), world.github.live_tokens()), (1, 0));
}

/// The same for a mint.
#[tokio::test]
async fn a_token_that_github_does_not_grant_is_requested_once() {
    let world = World::new();
    world.bound().await;
    world.github.script_mint(MintOutcome::NotGranted { message: "too complex".into() });
    match list(&world.dockline, &query("9")).await {
        Err(RepositoriesError::Denied { cause, .. }) => assert_eq!(cause, DenialCause::PermissionMissing),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.gateway.count("mint"), 1);
}

#[tokio::test]
async fn a_page_that_github_denies_ends_the_listing_and_is_no_refused_token() {
    let world = World::new();
    world.bound().await;
    world.github.script_pages([linked(1..=100, 200, Some(2)), ListOutcome::Denied(DenialCause::IpBlocked)]);
    match list(&world.dockline, &query("9")).await {
        Err(RepositoriesError::Denied { cause, .. }) => assert_eq!(cause, DenialCause::IpBlocked),
        other => panic!("{other:?}"),
    }
    assert_eq!((world.github.minted(), world.github.live_tokens()), (1, 1));
}

#[tokio::test]
async fn a_failure_of_github_keeps_its_kind_and_is_not_cached() {
    let world = World::new();
    world.bound().await;
    world.github.set_repositories([1]);
    for method in ["installation", "mint", "repositories"] {
        world.gateway.set(Fault::FailsBefore.once().of(method));
        match list(&world.dockline, &query("9")).await {
            Err(RepositoriesError::Port(error)) => assert_eq!(error.kind(), PortErrorKind::Unavailable),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ids(&world).await, [1]);
}

#[tokio::test]
async fn a_change_during_the_listing_starts_over() {
    let world = World::new();
    let bound = world.bound().await;
    world.github.script_pages([page([1], 1)]);
    world.github.set_repositories([1, 2]);
    let dockline = world.dockline.clone();
    let held =
        Held::before(&world.gateway, "repositories", async move { list(&dockline, &query("9")).await }).await;
    world.stored.observe(bound.installation, Observation::PermissionsChanged { at: NOON }).await.unwrap();
    let evict = world.dockline.clone();
    world.clock.advance(Duration::MINUTE);
    let token = evict.token(&acme().organization, &dockline::TokenScope::everything()).await.unwrap();
    world.clock.advance(Duration::MINUTE);
    let _ = evict.token_refused(&token);
    let page = held.finish().await.unwrap();
    assert_eq!(page.repositories.len(), 2);
}

/// The organization binds another installation between the two reads of its binding.
#[tokio::test]
async fn a_list_belongs_to_the_installation_that_was_bound_when_it_started() {
    let world = World::new();
    world.bound().await;
    let other = world.github.install(2, "acme-tea");
    world.github.set_repositories([1]);
    let dockline = world.dockline.clone();
    let first =
        Held::before(&world.bindings, "find", async move { list(&dockline, &query("9")).await }).await;
    // The held call is the first of the two reads; the second one comes after the change.
    let second = world.hold_next("find", first).await;
    world.dockline.detach(&acme(), Uninstall::No).await.unwrap();
    world.bind(&acme(), other).await;
    second.finish().await.unwrap();
    let listings = world.gateway.calls().into_iter().filter(|call| call.method == "repositories").count();
    assert_eq!(listings, 1, "only the second installation's repositories are read");
}
