//! Our own stores fail, before or after their effect (`contract.md` §3; I6).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{ClaimPolicy, KeyId, KeyRecord, PortError, PortErrorKind, PortName, Ports};
use dockline_testkit::faults::{Fault, Faulty};

use crate::world::{Choice, INSTALLATION, World};

#[derive(Debug)]
struct UnreachableKeys;

#[async_trait]
impl KeyStore for UnreachableKeys {
    async fn find(&self, _: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        let cause = "canary: connection refused to db.internal";
        Err(PortError::new(PortName::KeyStore, PortErrorKind::Unavailable, cause))
    }
}

#[tokio::test]
async fn an_unreachable_store_is_a_503_that_lets_nobody_in_and_tells_nothing() {
    let keys: fn(_) -> Arc<dyn KeyStore> = |_| Arc::new(UnreachableKeys);
    let world = World::with(Choice { keys, ..Choice::default() }).await;
    let answer = world.get(&world.acme, INSTALLATION).await.expect_error(503, "UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.text.contains("canary"), "{}", answer.text);
}

fn stumbling(ports: Ports, fault: Fault) -> Ports {
    let bindings = Faulty::over(Arc::clone(&ports.bindings)).with(fault.once().of("insert"));
    Ports { bindings: Arc::new(bindings), ..ports }
}

#[tokio::test]
async fn the_same_call_succeeds_after_a_write_that_failed_or_whose_answer_was_lost() {
    let before: fn(Ports) -> Ports = |ports| stumbling(ports, Fault::FailsBefore);
    let after: fn(Ports) -> Ports = |ports| stumbling(ports, Fault::LosesAnswer);
    for (ports, replayed) in [(before, ""), (after, "true")] {
        let world = World::with(Choice { policy: ClaimPolicy::State, ports, ..Choice::default() }).await;
        let installation = world.installed("acme-coffee", "olga");
        let state = world.fresh_state(&world.acme).await;
        world.register(&world.acme, installation, &state).await.expect_error(503, "UNAVAILABLE");
        let again = world.register(&world.acme, installation, &state).await.expect(201);
        assert_eq!(again.header("idempotent-replayed"), replayed);
    }
}

/// Never answers.
#[derive(Debug)]
struct SilentKeys;

#[async_trait]
impl KeyStore for SilentKeys {
    async fn find(&self, _: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_request_that_outlives_its_deadline_is_a_503_in_the_envelope_i_17() {
    let keys: fn(_) -> Arc<dyn KeyStore> = |_| Arc::new(SilentKeys);
    let options = |options: dockline_axum::RouterOptions| options.with_deadline(Duration::from_millis(50));
    let world = World::with(Choice { keys, options, ..Choice::default() }).await;
    let answer = world.get(&world.acme, INSTALLATION).await.expect_error(503, "UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "1");
}
