//! Our own stores fail, before or after their effect (`contract.md` §3; I6).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use dockline::ports::{BindingRepo, Insertion, KeyStore, Observation, Release};
use dockline::{
    Binding, ClaimPolicy, InstallationId, KeyId, KeyRecord, NewBinding, OrganizationId, PortError,
    PortErrorKind, PortName, Ports,
};
use time::OffsetDateTime;

use crate::world::{Choice, INSTALLATION, World};

fn unavailable(port: PortName) -> PortError {
    PortError::new(port, PortErrorKind::Unavailable, "canary: connection refused to db.internal")
}

#[derive(Debug)]
struct UnreachableKeys;

#[async_trait]
impl KeyStore for UnreachableKeys {
    async fn find(&self, _: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        Err(unavailable(PortName::KeyStore))
    }
}

#[tokio::test]
async fn an_unreachable_store_is_a_503_that_lets_nobody_in_and_tells_nothing() {
    let ports = |ports| Ports { keys: Arc::new(UnreachableKeys), ..ports };
    let world = World::with(Choice { ports, ..Choice::default() }).await;
    let answer = world.get(&world.acme, INSTALLATION).await.expect_error(503, "UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.text.contains("canary"), "{}", answer.text);
}

/// Fails its first insert: before the effect, or after it (the answer is lost).
#[derive(Debug)]
struct Stumbling {
    inner: Arc<dyn BindingRepo>,
    after_the_effect: bool,
    stumbled: AtomicBool,
}

#[async_trait]
impl BindingRepo for Stumbling {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        self.inner.find(organization).await
    }

    async fn find_by_installation(&self, installation: InstallationId) -> Result<Option<Binding>, PortError> {
        self.inner.find_by_installation(installation).await
    }

    async fn insert(&self, binding: NewBinding) -> Result<Insertion, PortError> {
        if self.stumbled.swap(true, Ordering::SeqCst) {
            return self.inner.insert(binding).await;
        }
        if self.after_the_effect {
            self.inner.insert(binding).await?;
        }
        Err(unavailable(PortName::BindingRepo))
    }

    async fn observe(&self, installation: InstallationId, observation: Observation) -> Result<(), PortError> {
        self.inner.observe(installation, observation).await
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        released_at: OffsetDateTime,
    ) -> Result<Release, PortError> {
        self.inner.release(organization, installation, released_at).await
    }
}

fn stumbling(ports: Ports, after_the_effect: bool) -> Ports {
    let inner = Arc::clone(&ports.bindings);
    let stumbled = AtomicBool::new(false);
    Ports { bindings: Arc::new(Stumbling { inner, after_the_effect, stumbled }), ..ports }
}

#[tokio::test]
async fn the_same_call_succeeds_after_a_write_that_failed_or_whose_answer_was_lost() {
    let before: fn(Ports) -> Ports = |ports| stumbling(ports, false);
    let after: fn(Ports) -> Ports = |ports| stumbling(ports, true);
    for (ports, replayed) in [(before, ""), (after, "true")] {
        let world = World::with(Choice { policy: ClaimPolicy::State, ports, ..Choice::default() }).await;
        let installation = world.installed("acme-coffee", "olga");
        let state = world.fresh_state(&world.acme).await;
        world.register(&world.acme, installation, &state).await.expect_error(503, "UNAVAILABLE");
        let again = world.register(&world.acme, installation, &state).await.expect(201);
        assert_eq!(again.header("idempotent-replayed"), replayed);
    }
}
