//! Calls that wait for GitHub are bounded, in all and per organization.

use std::sync::Arc;
use std::time::Duration;

use dockline::{
    Caller, ClaimPolicy, ErrorCode, InstallationId, PortErrorKind, PortName, RegisterError, Registered,
    RegistrationRequest, Uninstall,
};
use dockline_testkit::faults::Fault;
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

use crate::support::{World, acme, caller, rival};
use crate::tokens::repositories::{list, query};

/// The bounds that the documentation names.
const OF_ONE_ORGANIZATION: usize = 128;
const OF_ALL: usize = 512;

type Registration = JoinHandle<Result<Registered, RegisterError>>;

/// A world without visitors, whose GitHub answers nothing.
fn hanging() -> World {
    let world = World::with(|builder| builder.with_policy(ClaimPolicy::State));
    hang(&world);
    world
}

fn hang(world: &World) {
    world.gateway.set(Fault::Meets(Arc::new(Barrier::new(usize::MAX >> 3))).always());
}

/// Starts a registration of each installation for the caller, and returns once all have ended or wait for GitHub.
async fn start(world: &World, caller: &Caller, ids: impl Iterator<Item = u64>) -> Vec<Registration> {
    let state = world.state_of(caller).await;
    let mut started = Vec::new();
    for id in ids {
        let (dockline, caller) = (world.dockline.clone(), caller.clone());
        let request =
            RegistrationRequest { installation: InstallationId::new(id).unwrap(), state: state.clone() };
        let before = world.lookups();
        let call = tokio::spawn(async move { dockline.register(&caller, &request).await });
        while !call.is_finished() && world.lookups() == before {
            tokio::task::yield_now().await;
        }
        started.push(call);
    }
    started
}

fn waiting(calls: &[Registration]) -> usize {
    calls.iter().filter(|call| !call.is_finished()).count()
}

async fn leave(calls: Vec<Registration>) {
    for call in calls {
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
}

/// The error of a call beyond a bound. It can be repeated sooner if others took the places.
fn assert_refused(error: &RegisterError, seconds: u64) {
    assert_eq!(error.code(), ErrorCode::PlatformError);
    let RegisterError::Port(error) = error else { panic!("{error:?}") };
    assert_eq!(error.port(), PortName::GithubGateway);
    assert_eq!(error.kind(), PortErrorKind::RateLimited { retry_after: Duration::from_secs(seconds) });
    assert!(error.causes().contains("wait for GitHub"), "{}", error.causes());
}

#[tokio::test]
async fn one_organization_cannot_take_the_calls_of_others() {
    let world = hanging();
    let mut calls = start(&world, &acme(), 1..=1_100).await;
    assert_eq!((waiting(&calls), world.lookups()), (OF_ONE_ORGANIZATION, OF_ONE_ORGANIZATION));
    for refused in calls.split_off(OF_ONE_ORGANIZATION) {
        assert_refused(&refused.await.unwrap().unwrap_err(), 5);
    }
    let others = start(&world, &rival(), 2_000..2_010).await;
    assert_eq!(waiting(&others), 10);

    // A call that ends early gives its place back, and nothing remains of the refused calls.
    leave(calls).await;
    let again = start(&world, &acme(), 1..=1_100).await;
    assert_eq!(waiting(&again), OF_ONE_ORGANIZATION);
    world.gateway.clear();
    let id = world.github.install(3_000, "acme-coffee");
    leave(again.into_iter().filter(|call| !call.is_finished()).collect()).await;
    let state = world.state().await;
    assert!(matches!(world.register(&acme(), id, &state).await.unwrap(), Registered::Created(_)));
}

#[tokio::test]
async fn all_organizations_together_are_bounded() {
    let world = hanging();
    let mut calls = Vec::new();
    for number in 0..6_u64 {
        let first = 1 + number * 1_000;
        calls.extend(start(&world, &caller(&format!("org_{number}")), first..first + 100).await);
    }
    assert_eq!((waiting(&calls), world.lookups()), (OF_ALL, OF_ALL));
    for refused in calls.split_off(OF_ALL) {
        assert_refused(&refused.await.unwrap().unwrap_err(), 1);
    }
    leave(calls.split_off(1)).await;
    assert_eq!(waiting(&start(&world, &acme(), 9_000..9_300).await), OF_ONE_ORGANIZATION);
}

#[tokio::test]
async fn calls_that_need_no_github_are_answered_meanwhile() {
    let world = World::with(|builder| builder.with_policy(ClaimPolicy::State));
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    world.register(&acme(), id, &state).await.unwrap();
    world.github.set_repositories([7]);
    list(&world.dockline, &query("9")).await.unwrap();
    hang(&world);
    let mut calls = Vec::new();
    for number in 0..6_u64 {
        let first = 10 + number * 1_000;
        calls.extend(start(&world, &caller(&format!("org_{number}")), first..first + 100).await);
    }
    assert_eq!(waiting(&calls), OF_ALL);

    assert!(matches!(world.register(&acme(), id, &state).await.unwrap(), Registered::Replayed(_)));
    list(&world.dockline, &query("9")).await.expect("the list is cached");
    let uninstalled = world.dockline.detach(&acme(), Uninstall::Yes).await.unwrap_err();
    assert_eq!(uninstalled.code(), ErrorCode::PlatformError);
    assert_eq!(world.gateway.count("uninstall"), 0);
    world.dockline.detach(&acme(), Uninstall::No).await.unwrap();
}
