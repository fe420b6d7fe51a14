//! Worlds with broken stores and ports.

use std::sync::Arc;
use std::time::Duration;

use dockline::PortErrorKind;
use dockline::ports::{
    BindingRepo, GithubGateway, KeyStore, MockBindingRepo, MockGithubGateway, MockKeyStore, MockRateLimiter,
    MockStateStore, RateLimiter, StateStore,
};
use dockline_memory::MemoryRateLimiter;
use dockline_testkit::faults::{Fault, Faulty};
use secrecy::SecretString;

use crate::github::{Github, STATELESS};
use crate::watch::Watch;
use crate::world::{Parts, World};
use crate::{walks, world};

/// Breaks each store and the limiter in every way.
pub(crate) async fn stores(watch: &Watch, github: &Github, pem: &SecretString) {
    for kind in [
        PortErrorKind::Unavailable,
        PortErrorKind::RateLimited { retry_after: Duration::from_secs(3) },
        PortErrorKind::Rejected,
        PortErrorKind::Corrupt,
        PortErrorKind::Unexpected,
    ] {
        let fault = || Fault::FailsAs(kind).always();
        let keys = |ports: Parts| Parts {
            keys: Arc::new(Faulty::<dyn KeyStore>::over(ports.keys).with(fault())),
            ..ports
        };
        let states = |ports: Parts| Parts {
            states: Arc::new(Faulty::<dyn StateStore>::over(ports.states).with(fault())),
            ..ports
        };
        let bindings = |ports: Parts| Parts {
            bindings: Arc::new(Faulty::<dyn BindingRepo>::over(ports.bindings).with(fault())),
            ..ports
        };
        let limiter: Arc<dyn RateLimiter> = Arc::new(MemoryRateLimiter::new());
        let limiter = Arc::new(Faulty::<dyn RateLimiter>::over(limiter).with(fault()));
        let limited = World::limited(watch, github, pem, |ports| ports, limiter).await;
        walks::broken(&limited, &format!("the limiter: {kind:?}")).await;
        walks::broken(&World::start(watch, github, pem, keys).await, &format!("keys: {kind:?}")).await;
        walks::broken(&World::start(watch, github, pem, states).await, &format!("states: {kind:?}")).await;
        walks::broken(&World::start(watch, github, pem, bindings).await, &format!("bindings: {kind:?}"))
            .await;
    }
}

/// Returns a panic message that quotes secrets.
fn quoting(arguments: &str) -> String {
    let secrets = [world::WEBHOOK_SECRET, world::CLIENT_SECRET, STATELESS, crate::github::USER_TOKEN];
    format!("called with {arguments}, while holding {secrets:?}")
}

/// Makes each port panic with a message that quotes secrets.
pub(crate) async fn panics(watch: &Watch, github: &Github, pem: &SecretString) {
    let keys = |ports| {
        let mut keys = MockKeyStore::new();
        keys.expect_find().returning(|id| panic!("{}", quoting(&format!("{id:?}"))));
        Parts { keys: Arc::new(keys), ..ports }
    };
    walks::broken(&World::start(watch, github, pem, keys).await, "keys: panic").await;
    let states = |ports| {
        let mut states = MockStateStore::new();
        states.expect_put().returning(|state| panic!("{}", quoting(&format!("{state:?}"))));
        states.expect_find().returning(|_, digest| panic!("{}", quoting(&format!("{digest:?}"))));
        states.expect_find_by_digest().returning(|digest| panic!("{}", quoting(&format!("{digest:?}"))));
        Parts { states: Arc::new(states), ..ports }
    };
    walks::broken(&World::start(watch, github, pem, states).await, "states: panic").await;
    let mut limiter = MockRateLimiter::new();
    limiter.expect_check().returning(|take| panic!("{}", quoting(&format!("{take:?}"))));
    let limited = World::limited(watch, github, pem, |ports| ports, Arc::new(limiter)).await;
    walks::broken(&limited, "the limiter: panic").await;
    // A mock without expectations panics, and quotes its arguments.
    let bindings = |ports| Parts { bindings: Arc::new(MockBindingRepo::new()), ..ports };
    walks::broken(&World::start(watch, github, pem, bindings).await, "bindings: panic").await;
    let gateway = |ports: Parts| {
        let registration = ports.github.registration();
        let mut github = MockGithubGateway::new();
        github.expect_registration().returning(move || registration.clone());
        github.expect_installation().returning(|id| panic!("{}", quoting(&format!("{id:?}"))));
        github.expect_check_visitor().returning(|grant, _| panic!("{}", quoting(grant.code.expose())));
        Parts { github: Arc::new(github) as Arc<dyn GithubGateway>, ..ports }
    };
    let world = World::start(watch, github, pem, gateway).await;
    walks::broken(&world, "the gateway: panic").await;
    walks::pending(&world, "the gateway: panic").await;
}
