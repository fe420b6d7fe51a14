//! Failures of the stores, before or after their effect (I6).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{ClaimPolicy, KeyId, KeyRecord, PortError, PortErrorKind, PortName, Ports};
use dockline_testkit::faults::{Fault, Faulty};

use crate::fixture::{Fixture, INSTALLATION, Setup};

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
async fn an_unreachable_store_is_a_503_that_hides_the_cause() {
    let keys: fn(_) -> Arc<dyn KeyStore> = |_| Arc::new(UnreachableKeys);
    let fixture = Fixture::with(Setup { keys, ..Setup::default() }).await;
    let answer = fixture.get(&fixture.acme, INSTALLATION).await.expect_error(503, "UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.text.contains("canary"), "{}", answer.text);
}

fn faulty(ports: Ports, fault: Fault) -> Ports {
    let bindings = Faulty::over(Arc::clone(&ports.bindings)).with(fault.once().of("insert"));
    Ports { bindings: Arc::new(bindings), ..ports }
}

#[tokio::test]
async fn the_same_call_succeeds_after_a_write_that_failed_or_whose_answer_was_lost() {
    let before: fn(Ports) -> Ports = |ports| faulty(ports, Fault::FailsBefore);
    let after: fn(Ports) -> Ports = |ports| faulty(ports, Fault::LosesAnswer);
    for (ports, replayed) in [(before, ""), (after, "true")] {
        let fixture = Fixture::with(Setup { policy: ClaimPolicy::State, ports, ..Setup::default() }).await;
        let installation = fixture.installed("acme-coffee", "olga");
        let state = fixture.fresh_state(&fixture.acme).await;
        fixture.register(&fixture.acme, installation, &state).await.expect_error(503, "UNAVAILABLE");
        let again = fixture.register(&fixture.acme, installation, &state).await.expect(201);
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
    let fixture = Fixture::with(Setup { keys, options, ..Setup::default() }).await;
    let answer = fixture.get(&fixture.acme, INSTALLATION).await.expect_error(503, "UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "1");
}
